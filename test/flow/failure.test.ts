/** What fails is seen, tried again as the YAML says, and in the end nothing is lost. */
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import {
  type MailServer,
  type SmsServer,
  startMailServer,
  startSmsServer,
} from "../functions/notification/provider.ts";
import { haltPostgres, takePostgresAway } from "../support/chaos.ts";
import {
  deadLetters,
  deliveriesOf,
  entriesOf,
  publish,
  settled,
  type TaskEvent,
  until,
  waitsOf,
} from "../support/look.ts";
import { Runner } from "../support/runner.ts";

/** 2 retries after 0.6 and 1.2 s: the whole budget is some 2 s, and 3 × 2 s more where nothing answers. */
const short = (text: string): string =>
  text.replace("retry: 7", "retry: 2").replace("PT0.5S", "PT0.3S").replace("PT15S", "PT2S");
/** Never given up in here: 8 attempts over 25 s and more. */
const patient = (text: string): string => text.replace("PT0.5S", "PT0.1S").replace("PT15S", "PT2S");

let mail: MailServer;
let sms: SmsServer;
let runner: Runner;

beforeAll(async () => {
  mail = await startMailServer();
  sms = await startSmsServer();
  runner = await Runner.start({
    env: { SMTP_URL: mail.url, SMS_URL: sms.url },
    edit: {
      "eventing/kafka-source-audit-log.yaml": short,
      "eventing/kafka-source-notification.yaml": short,
      "eventing/kafka-source-recurring-task.yaml": patient,
      "knative/base/cron-job-verify.yaml": (text) =>
        text.replace(/schedule: .*/, 'schedule: "* * * * *"'),
    },
  });
  const channels = { "task.created": ["sms"] };
  await putRecipient("texted", { phone: "+15550100003", channels });
  await putRecipient("slow", { email: "slow@slow.test" });
});
afterAll(async () => {
  await runner[Symbol.asyncDispose]();
  await mail[Symbol.asyncDispose]();
  await sms[Symbol.asyncDispose]();
});

async function putRecipient(user: string, recipient: object): Promise<void> {
  const token = await runner.token("admin", "admin");
  const response = await fetch(runner.url("notification", `/recipients/${user}`), {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(recipient),
  });
  expect(response.status).toBeLessThan(300);
}

const created = (name: string, count: number, user = "u1"): TaskEvent[] =>
  Array.from({ length: count }, (_, index) => {
    const id = `${name}-${index}`;
    return { id, type: "task.created", task: id, user, payload: { title: `[${id}]` } };
  });
const idsOf = (events: readonly TaskEvent[]): string[] => events.map(({ id }) => id);

/** The ids in the subjects of what was mailed, in the order of arrival. */
const mailed = (name: string): string[] =>
  mail.mails
    .map(({ mail: { subject = "" } }) => /\[(.+)\]/.exec(subject)?.[1] ?? "")
    .filter((id) => id.startsWith(`${name}-`));
const texted = (name: string): string[] =>
  sms.messages
    .map(({ form }) => /\[(.+)\]/.exec(form["Body"] ?? "")?.[1] ?? "")
    .filter((id) => id.startsWith(`${name}-`));

const deadLetterIds = async (): Promise<string[]> =>
  (await deadLetters(runner)).map((letter) => `${letter.event?.id} ${letter.function}`);

/** What follows counts attempts: none may run out of time because its function is just waking. */
async function wakeAll(): Promise<void> {
  await publish(runner, created("awake", 1));
  for (const name of ["audit-log", "notification", "recurring-task"]) {
    await settled(runner, "awake-0", name);
  }
}

it("an invalid event is dead-lettered at the first attempt, with status and reason", async () => {
  await wakeAll();
  await runner.post({ id: "invalid", type: "task.created", partitionkey: "x" }, { task_id: 1 });
  for (const name of ["notification", "recurring-task"]) {
    expect(await settled(runner, "invalid", name)).toMatchObject([
      { attempt: 1, status: 422, outcome: "dead-letter" },
    ]);
  }
  await until(async () =>
    expect(await deadLetters(runner)).toEqual(
      ["notification", "recurring-task"].map(() =>
        expect.objectContaining({ code: 422, reason: expect.stringContaining("data_invalid") }),
      ),
    ),
  );
  expect(runner.output).toMatch(/task\.created +invalid +notification +422 .* dead-letter/);
  expect(await settled(runner, "invalid", "audit-log")).toMatchObject([{ outcome: "done" }]);
});

it("a mail server that is away for longer than the retries costs no event, and all is mailed when it is back", async () => {
  const { port } = new URL(mail.url);
  await mail[Symbol.asyncDispose]();
  const events = created("away", 40);
  await publish(runner, [...events, ...created("meanwhile", 5, "texted")]);
  const downSince = Date.now();
  for (const { id } of events) {
    expect(await settled(runner, id, "notification")).toMatchObject([{ status: 204 }]);
  }
  await until(() => expect(texted("meanwhile")).toHaveLength(5));
  await until(() => expect(Date.now() - downSince).toBeGreaterThan(4_000));
  const { notifications } = await runner.json<{ notifications: { state: string }[] }>(
    "notification",
    "/notifications?user_id=u1&event_id=away-7",
  );
  expect(notifications).toMatchObject([{ state: "pending" }]);

  mail = await startMailServer(Number(port));
  await until(() => expect(mailed("away").sort()).toEqual(idsOf(events).sort()), 120_000);
  expect((await deadLetterIds()).filter((it) => it.startsWith("away"))).toEqual([]);
}, 240_000);

it("a mail server that is slow for one domain holds up neither other users nor SMS", async () => {
  mail.behaviour.rcptDelayMs = (address) => (address.endsWith("@slow.test") ? 8_000 : 0);
  await publish(runner, created("slow", 40, "slow"));
  await publish(runner, [...created("quick", 20), ...created("text", 20, "texted")]);
  await until(() => expect(mailed("quick")).toHaveLength(20));
  await until(() => expect(texted("text")).toHaveLength(20));
  expect(mailed("slow").length).toBeLessThan(20);
  mail.behaviour.rcptDelayMs = () => 0;
  await until(() => expect(mailed("slow")).toHaveLength(40), 180_000);
}, 240_000);

it("a PostgreSQL that stands still times out as the YAML says, and what was in flight is done once", async () => {
  await publish(runner, created("warm", 1));
  await until(() => expect(mailed("warm")).toHaveLength(1));
  const goOn = haltPostgres(runner);
  onTestFinished(goOn);
  await publish(runner, created("halt", 3));
  await until(async () =>
    expect(await deliveriesOf(runner, "halt-0", "recurring-task")).toContainEqual(
      expect.objectContaining({ outcome: "retry", status: null }),
    ),
  );
  goOn();
  for (const id of ["halt-0", "halt-1", "halt-2"]) {
    const attempts = await settled(runner, id, "recurring-task");
    expect(attempts.at(-1)).toMatchObject({ outcome: "done", status: 204 });
    for (const { ms, status } of attempts.slice(0, -1)) {
      expect([null, 503]).toContain(status);
      expect(ms).toBeLessThan(3_000);
    }
  }
}, 120_000);

it("a PostgreSQL that is away for longer than the retries: dead letters, and after verify the audit log is complete", async () => {
  const before = created("before", 10);
  await publish(runner, before);
  await until(() => expect(mailed("before")).toHaveLength(10));
  await settled(runner, "before-9", "recurring-task");
  const live: string[] = [];
  const socket = new WebSocket(
    `ws://localhost:${runner.ports["websocket-gateway"]}/ws`,
    "task-events.v1",
    { headers: { authorization: `Bearer ${await runner.token("u1")}` } },
  );
  socket.on("message", (bytes: Buffer) => {
    const frame = JSON.parse(bytes.toString()) as { type: string; event?: { id: string } };
    live.push(frame.event?.id ?? frame.type);
  });
  await until(() => expect(live).toEqual(["hello"]));

  const giveBack = takePostgresAway(runner);
  onTestFinished(giveBack);
  const during = created("during", 40);
  await publish(runner, during);
  for (const { id } of during) {
    for (const name of ["audit-log", "notification"]) {
      const attempts = await settled(runner, id, name);
      expect(attempts.map(({ outcome }) => outcome)).toEqual(["retry", "retry", "dead-letter"]);
      expect(new Set(attempts.map(({ status }) => status))).toEqual(new Set([503]));
      expect(waitsOf(attempts)[0]).toBeGreaterThan(580);
      expect(waitsOf(attempts)[1]).toBeGreaterThan(1_180);
    }
  }
  await until(() => expect(live.slice(1).sort()).toEqual(idsOf(during).sort()));
  socket.close();
  await until(async () =>
    expect((await deadLetterIds()).filter((it) => it.startsWith("during-"))).toHaveLength(80),
  );

  giveBack();
  const after = created("after", 10);
  await publish(runner, after);
  for (const { id } of during) {
    const attempts = await settled(runner, id, "recurring-task");
    expect(attempts.at(-1)?.outcome).toBe("done");
  }
  const all = idsOf([...before, ...during, ...after]);
  await until(async () => {
    const entries = (await entriesOf(runner)).map(({ id }) => id);
    expect(entries.filter((id) => /^(before|during|after)-/.test(id)).sort()).toEqual(all.sort());
  }, 180_000);
}, 360_000);

it("in the end every accepted event is one entry, and nothing was mailed twice", async () => {
  const entries = (await entriesOf(runner)).map(({ source, id }) => `${source} ${id}`);
  expect(new Set(entries).size).toBe(entries.length);
  for (const name of ["away", "slow", "quick", "warm", "halt", "before", "after"]) {
    expect(mailed(name).length).toBe(new Set(mailed(name)).size);
  }
  expect(entries).toEqual(expect.arrayContaining(["/task-app invalid", "/task-app halt-2"]));
});

/** An outage longer than the retries, and the operator's commands that bring everything back: once each. For any target. */
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { openKafka } from "../../lib/kafka/client.ts";
import { type MailServer, startMailServer } from "../functions/notification/provider.ts";
import { type Ended, run } from "./cli/operator.ts";
import { deadLetters, entriesOf, publish, type TaskEvent, until } from "../support/look.ts";
import type { Runner, RunnerOptions } from "../support/runner.ts";

/** Two retries, after 0.4 and 0.8 s. */
const short = (text: string): string =>
  text.replace("retry: 7", "retry: 2").replace("PT0.5S", "PT0.2S").replace("PT15S", "PT8S");

export interface OperatedFlow extends AsyncDisposable {
  readonly runner: Runner;
  /** `host:port` */
  readonly kafka: string;
  /** Until what it resolves with is called. */
  takePostgresAway(): Promise<() => Promise<void>>;
}

export function operateTests(start: (options: RunnerOptions) => Promise<OperatedFlow>): void {
  let mail: MailServer;
  let flow: OperatedFlow;
  let runner: Runner;

  beforeAll(async () => {
    mail = await startMailServer();
    flow = await start({
      env: { SMTP_URL: mail.url },
      edit: {
        "eventing/kafka-source-audit-log.yaml": short,
        "eventing/kafka-source-notification.yaml": short,
        "eventing/kafka-source-recurring-task.yaml": short,
        // The holes are the operator's here.
        "knative/base/cron-job-verify.yaml": (text) =>
          text.replace(/schedule: ".*"/, 'schedule: "0 0 1 1 *"'),
      },
    });
    runner = flow.runner;
  }, 180_000);
  afterAll(async () => {
    await flow?.[Symbol.asyncDispose]();
    await mail[Symbol.asyncDispose]();
  }, 60_000);

  /** As a person in whose shell the runner's ports are set. */
  function operate(...args: string[]): Promise<Ended> {
    const { ports } = runner;
    return run(args, {
      KAFKA_BROKER: flow.kafka,
      CONSOLE_PORT: String(ports.console),
      AUDIT_LOG_PORT: String(ports["audit-log"]),
      NOTIFICATION_PORT: String(ports.notification),
      RECURRING_TASK_PORT: String(ports["recurring-task"]),
    });
  }

  const created = (name: string, count: number): TaskEvent[] =>
    Array.from({ length: count }, (_, index) => {
      const id = `${name}-${index}`;
      const dtstart = "2126-01-01T09:00:00";
      const recurrence = { rrule: "FREQ=YEARLY", dtstart, time_zone: "UTC" };
      const payload = { title: `[${id}]`, recurrence };
      return { id, type: "task.created", task: id, payload };
    });

  async function produce(values: readonly object[]): Promise<void> {
    const kafka = openKafka({ brokers: flow.kafka, clientId: "test" });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic: "task-events",
      messages: values.map((value) => ({ value: JSON.stringify(value) })),
    });
    await producer.disconnect();
  }

  /** Plain records, as any Kafka client writes them. */
  const plain = (name: string, count: number): object[] =>
    created(name, count).map(({ id, type, payload }) => ({
      type,
      task_id: id,
      user_id: "u1",
      timestamp: new Date().toISOString(),
      payload,
    }));

  /** The groups that have not committed everything. */
  async function lagging(): Promise<string[]> {
    const { out } = await operate("lag", "--json");
    const { groups } = JSON.parse(out) as { groups: { group: string; records: number }[] };
    return groups.filter(({ records }) => records > 0).map(({ group }) => group);
  }

  const mailed = (): string[] =>
    mail.mails.map(({ mail: { subject = "" } }) => /\[(.+)\]/.exec(subject)?.[1] ?? "").toSorted();

  const namesOf = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${name}-${index}`);

  it("after an outage of PostgreSQL beyond the retries, one redrive does everything once", async () => {
    await publish(runner, created("before", 3));
    await until(() => expect(mailed()).toHaveLength(3));
    await until(async () => expect(await lagging()).toEqual([]));

    const giveBack = await flow.takePostgresAway();
    onTestFinished(giveBack);
    await publish(runner, created("during", 12));
    await produce(plain("plain", 6));
    // 18 events, each given up by three functions.
    await until(async () => expect(await deadLetters(runner)).toHaveLength(54), 120_000);

    const away = await operate("dead-letters", "redrive", "--limit", "2");
    expect(away.code).toBe(1);
    expect(away.out).toContain("the same command goes on");
    const gone = await operate("verify", "--wait", "0");
    expect([gone.code, gone.out]).toEqual([2, ""]);
    // It is awake, or cannot be woken.
    expect(gone.err).toMatch(
      /^task-events: audit-log at .* (?:answered 503: a dependency|has not answered for 30 s: it does not get ready)/,
    );

    await giveBack();
    await until(async () => expect((await operate("verify", "--wait", "0")).code).toBe(1));
    const planned = await operate("dead-letters", "redrive", "--dry-run");
    expect(planned.out).toContain("54 dead letters would be redriven");
    const redriven = await operate("dead-letters", "redrive");
    expect(redriven.out.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual(
      expect.arrayContaining([
        ["audit-log", "18", "0", "0", "0"],
        ["notification", "18", "0", "0", "0"],
        ["recurring-task", "18", "0", "0", "0"],
      ]),
    );
    expect(redriven.code).toBe(0);

    const all = [
      ...namesOf("before", 3),
      ...namesOf("during", 12),
      ...namesOf("plain", 6),
    ].toSorted();
    await until(() => expect(mailed()).toEqual(all));
    expect((await entriesOf(runner)).map((entry) => entry.task_id ?? "").toSorted()).toEqual(all);
    const { series } = await runner.json<{ series: { task_id: string }[] }>(
      "recurring-task",
      "/series?limit=1000",
      "admin",
      "admin",
    );
    expect(series.map(({ task_id: taskId }) => taskId).toSorted()).toEqual(all);

    const verified = await operate("verify");
    expect(verified.out).toContain("21 recorded, 0 void, 0 lost, 0 in holes, 0 not yet recorded");
    expect(verified.out).toContain("second records of an event: 0 that say the same");
    expect(verified.code).toBe(0);
    expect((await operate("dead-letters", "redrive")).out).toBe(
      "No dead letter is left to redrive.\n",
    );
  }, 300_000);

  it("back onto the topic and replayed, what was done is not done again", async () => {
    const before = mailed();
    const again = ["dead-letters", "redrive", "--again", "--to-topic"];
    const { out, code } = await operate(...again);
    expect([code, out]).toEqual([0, expect.stringMatching(/^task-events +54 +0 +0 +0$/m)]);
    for (const name of ["audit-log", "notification", "recurring-task"]) {
      const replayed = await operate("replay", "--function", name, "--from", "start");
      expect(replayed).toMatchObject({ code: 0, out: `${name}: 39 delivered, 0 refused\n` });
    }
    await until(async () => expect(await lagging()).toEqual([]));
    const verified = await operate("verify");
    expect(verified.out).toContain("39 recorded");
    expect(verified.out).toContain("18 that say the same, 0 that say something else");
    expect(await deadLetters(runner)).toHaveLength(54);
    expect(mailed()).toEqual(before);
  }, 180_000);

  it("the trace of an event shows its whole path, the outage and the redrive in it", async () => {
    const { out, code } = await operate("trace", "during-3");
    expect(code).toBe(0);
    expect(out).toMatch(/^task\.created during-3 of \/task-app: task during-3, user u1/);
    expect(out).toMatch(/topic +\d+\/\d+$/m);
    expect(out).toMatch(/notification +attempt 3: .* dead-letter$/m);
    expect(out).toMatch(/audit-log +dead letter \d+\/\d+: /m);
    expect(out).toMatch(/dead letter \d+\/\d+ redriven by /m);
    expect(out).toMatch(/audit-log +recorded$/m);
    expect(out).toMatch(/notification +email to u1: sent, attempt 1$/m);
    expect(out).toMatch(/^recurring-task +its rule is this event's: FREQ=YEARLY, active/m);
    const { out: json } = await operate("trace", "during-3", "--source", "/task-app", "--json");
    expect(JSON.parse(json)).toMatchObject({
      events: [
        {
          event: { id: "during-3", source: "/task-app" },
          records: [{ role: "first" }, { role: "duplicate" }],
          notifications: [{ channel: "email", user_id: "u1", state: "sent" }],
          recurrence: { is_rule_of_event: true },
          dead_letters: [{}, {}, {}],
        },
      ],
    });
    const nobody = await operate("trace", "nobody");
    expect([nobody.code, nobody.out]).toEqual([2, ""]);
    expect(nobody.err).toMatch(/^task-events: No event with id nobody/);
  }, 120_000);

  it("what the audit log has not is found on the topic, with what the others made of it", async () => {
    const giveBack = await flow.takePostgresAway();
    onTestFinished(giveBack);
    await publish(runner, created("hole", 1));
    await until(async () => expect(await deadLetters(runner)).toHaveLength(57), 60_000);
    await giveBack();
    await until(async () => {
      const { out, code } = await operate("trace", "hole-0");
      expect(code).toBe(0);
      expect(out).toMatch(/^audit-log +not recorded/m);
    });
    const { code, out } = await operate("verify", "--wait", "0");
    expect(code).toBe(1);
    expect(out).toMatch(/The audit log is not complete\. 1 offset /);
  }, 120_000);
}

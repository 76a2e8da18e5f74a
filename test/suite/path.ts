/** One event followed through everything that comes of it, by its trace id, and when each thing was. */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { until } from "../support/look.ts";
import type { Runner } from "../support/runner.ts";
import type { Flow } from "./flow.ts";

/** Something that happened, at a time, in a trace. */
interface Step {
  readonly what: string;
  readonly atMs: number;
  readonly traceparent: string | null | undefined;
}

const user = "path-user";
const taskId = "path-task";
const eventId = "path-1";
const phone = "+15550000077";
const email = "path-user@example.test";

/** Two notifications an event: of the task, and of its occurrence. */
const channels = {
  "task.created": ["email", "sms"],
  "task.recurring.triggered": ["email", "sms"],
};

export function pathTests(flow: () => Flow): void {
  describe("one event, from its POST on", () => {
    it("is followed by its trace id to mail, SMS, audit row, frame and occurrence", async () => {
      const { runner } = flow();
      await putRecipient(runner);
      const frames = await watch(runner);
      const traceId = randomBytes(16).toString("hex");

      const postedAtMs = Date.now();
      expect(await post(runner, traceId, postedAtMs)).toBe(202);
      const accepted = { what: "202 to the POST", atMs: Date.now(), traceparent: `00-${traceId}` };
      // The occurrence comes with the ping of the next minute after it.
      await until(
        async () => expect((await readEntries(runner)).triggered).toHaveLength(1),
        150_000,
      );
      await until(async () => {
        expect(await messagesTo(runner, "mail", email)).toHaveLength(2);
        expect(await messagesTo(runner, "sms", phone)).toHaveLength(2);
        expect(frames).toHaveLength(2);
      });
      const { entry, triggered } = await readEntries(runner);
      const steps: readonly Step[] = [
        accepted,
        ...(await recordSteps(runner, [eventId, ...triggered.map(({ id }) => id)])),
        ...[entry, ...triggered].map((it) => entryStep(it)),
        ...frames,
        ...(await messageSteps(runner)),
      ];

      printPath(steps, traceId, postedAtMs);
      expect(steps.map(({ what }) => what).toSorted()).toEqual(wholePath.toSorted());
      const traces = steps.map(({ what, traceparent }) => [what, traceOf(traceparent)]);
      expect(traces).toEqual(steps.map(({ what }) => [what, traceId]));
      for (const { atMs } of steps) expect(atMs).toBeGreaterThanOrEqual(postedAtMs);
    }, 240_000);
  });
}

const wholePath = [
  "202 to the POST",
  ...["task.created", "task.recurring.triggered"].flatMap((type) => [
    `${type}: record on the topic`,
    `${type}: audit row`,
    `${type}: WebSocket frame`,
    `${type}: e-mail`,
    `${type}: SMS`,
  ]),
];

const traceOf = (traceparent: string | null | undefined): string | undefined =>
  traceparent?.split("-")[1];

/** Both ways in which a producer says its trace: W3C's header, and the extension of CloudEvents. */
async function post(runner: Runner, traceId: string, atMs: number): Promise<number> {
  const traceparent = `00-${traceId}-${randomBytes(8).toString("hex")}-01`;
  // After the event, whose rule fires nothing of its past.
  const firstAt = new Date(atMs + 2_000);
  const recurrence = {
    rrule: "FREQ=YEARLY",
    dtstart: firstAt.toISOString().slice(0, 19),
    time_zone: "UTC",
  };
  const response = await fetch(runner.url("broker", "/default/task-events"), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      traceparent,
      "ce-specversion": "1.0",
      "ce-id": eventId,
      "ce-source": "/task-app",
      "ce-type": "task.created",
      "ce-subject": taskId,
      "ce-partitionkey": taskId,
      "ce-time": new Date(atMs).toISOString(),
      "ce-traceparent": traceparent,
    },
    body: JSON.stringify({
      task_id: taskId,
      user_id: user,
      payload: { title: "Follow me", recurrence },
    }),
  });
  return response.status;
}

async function putRecipient(runner: Runner): Promise<void> {
  const response = await fetch(runner.url("notification", `/recipients/${user}`), {
    method: "PUT",
    headers: {
      authorization: `Bearer ${await runner.token(user)}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ email, phone, channels }),
  });
  expect(response.status).toBe(200);
}

interface Frame {
  readonly type: string;
  readonly event?: { readonly type: string; readonly traceparent?: string };
}

/** What a client of the user is shown from now on. */
async function watch(runner: Runner): Promise<readonly Step[]> {
  const steps: Step[] = [];
  const headers = { authorization: `Bearer ${await runner.token(user)}` };
  const url = `ws://localhost:${runner.ports["websocket-gateway"]}/ws`;
  const socket = new WebSocket(url, "task-events.v1", { headers });
  let isGreeted = false;
  socket.on("message", (bytes: Buffer) => {
    const { type, event } = JSON.parse(bytes.toString()) as Frame;
    isGreeted ||= type === "hello";
    if (event === undefined) return;
    const { traceparent } = event;
    steps.push({ what: `${event.type}: WebSocket frame`, atMs: Date.now(), traceparent });
  });
  await until(() => expect(isGreeted).toBe(true));
  return steps;
}

interface Entry {
  readonly id: string;
  readonly type: string;
  readonly recorded_at: string;
  readonly extensions: Readonly<Record<string, string>>;
}

async function readEntries(runner: Runner): Promise<{ entry: Entry; triggered: readonly Entry[] }> {
  const { events } = await runner.json<{
    events: readonly (Entry & { readonly triggered: readonly Entry[] })[];
  }>("audit-log", `/trace?id=${eventId}`, "admin", "admin");
  const [entry] = events;
  if (entry === undefined) throw new Error(`${eventId} is not recorded`);
  return { entry, triggered: entry.triggered };
}

const entryStep = ({ type, recorded_at: at, extensions }: Entry): Step => ({
  what: `${type}: audit row`,
  atMs: Date.parse(at),
  traceparent: extensions["traceparent"],
});

/** By the timestamps that Kafka has. */
async function recordSteps(runner: Runner, ids: readonly string[]): Promise<Step[]> {
  const { events } = await runner.json<{
    events: { at: string; event: { id: string; type: string; traceparent?: string } | null }[];
  }>("console", "/api/events?limit=1000");
  return events.flatMap(({ at, event }) => {
    if (event === null || !ids.includes(event.id)) return [];
    const { type, traceparent } = event;
    return [{ what: `${type}: record on the topic`, atMs: Date.parse(at), traceparent }];
  });
}

interface Message {
  readonly at: string;
  readonly to: string | readonly string[];
  readonly traceparent: string | null;
}

/** The first one first. */
async function messagesTo(
  runner: Runner,
  kind: "mail" | "sms",
  address: string,
): Promise<Message[]> {
  const { messages } = await runner.json<{ messages: Message[] }>(
    "console",
    `/api/${kind}?limit=1000`,
  );
  return messages.filter(({ to }) => [to].flat().includes(address)).toReversed();
}

/** The task's own is sent long before the one of its occurrence. */
async function messageSteps(runner: Runner): Promise<Step[]> {
  const types = Object.keys(channels);
  const toSteps = (messages: readonly Message[], name: string): Step[] =>
    messages.map(({ at, traceparent }, index) => ({
      what: `${types[index]}: ${name}`,
      atMs: Date.parse(at),
      traceparent,
    }));
  return [
    ...toSteps(await messagesTo(runner, "mail", email), "e-mail"),
    ...toSteps(await messagesTo(runner, "sms", phone), "SMS"),
  ];
}

function printPath(steps: readonly Step[], traceId: string, postedAtMs: number): void {
  const lines = steps
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ what, atMs }) => `${String(Math.round(atMs - postedAtMs)).padStart(8)} ms  ${what}`);
  console.log([`trace ${traceId}`, ...lines].join("\n"));
}

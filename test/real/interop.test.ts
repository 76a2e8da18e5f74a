/** Whoever writes to the real topic, and in whatever form: all four functions see one event under one name. */
import type { IHeaders } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { openKafka } from "../../lib/kafka/client.ts";
import { makeFolder } from "../support/folder.ts";
import { type Entry, entriesOf, settled, until } from "../support/look.ts";
import { lacks } from "../support/real.ts";
import { startPublisher } from "../support/real-daprd.ts";
import { type RealFlow, startRealFlow } from "../support/real-flow.ts";

interface Shown {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly data?: unknown;
}

const topic = "task-events";

let flow: RealFlow;
/** To an admin who is u1: their own, and what has no user. */
const shown: Shown[] = [];
let socket: WebSocket | undefined;

beforeAll(async () => {
  flow = await startRealFlow();
  const { runner } = flow;
  const headers = { authorization: `Bearer ${await runner.token("u1", "admin")}` };
  const url = `ws://localhost:${runner.ports["websocket-gateway"]}/ws`;
  socket = new WebSocket(url, "task-events.v1", { headers });
  let greeted = false;
  socket.on("message", (bytes: Buffer) => {
    const { type, event } = JSON.parse(bytes.toString()) as { type: string; event?: Shown };
    greeted ||= type === "hello";
    if (event !== undefined) shown.push(event);
  });
  await until(() => expect(greeted).toBe(true));
}, 120_000);

afterAll(async () => {
  socket?.close();
  await flow[Symbol.asyncDispose]();
});

const task = (id: string) => ({
  task_id: id,
  user_id: "u1",
  payload: {
    title: `Title of ${id}`,
    recurrence: { rrule: "FREQ=DAILY", dtstart: "2026-12-31T09:00:00", time_zone: "Europe/Berlin" },
  },
});

async function produce(value: string | null, headers: IHeaders = {}): Promise<string> {
  const producer = openKafka({ brokers: flow.kafka, clientId: "interop" }).producer();
  await producer.connect();
  try {
    const [written] = await producer.send({ topic, messages: [{ key: "k", value, headers }] });
    return `${written?.partition}/${written?.baseOffset}`;
  } finally {
    await producer.disconnect();
  }
}

const mailsAbout = async (text: string): Promise<unknown[]> => {
  const path = "/api/mail?limit=1000";
  const { messages } = await flow.runner.json<{ messages: { subject: string; text: string }[] }>(
    "console",
    path,
  );
  return messages.filter((message) => `${message.subject} ${message.text}`.includes(text));
};

/** Gives the one event that all four saw. */
async function expectSeenByAll(taskId: string): Promise<Shown> {
  const { runner } = flow;
  const data = task(taskId);
  const isIt = (event: Shown): boolean =>
    (event.data as { task_id?: string } | undefined)?.task_id === taskId;
  await until(() => expect(shown.filter(isIt)).toHaveLength(1));
  const [event] = shown.filter(isIt);
  expect(event).toMatchObject({ type: "task.created", data });
  const { id = "", source = "" } = event ?? {};
  await until(async () => {
    const entries = await entriesOf(runner, `task_id=${taskId}`);
    expect(entries).toMatchObject([{ id, source, type: "task.created", data, problem: null }]);
  });
  await until(async () => expect(await mailsAbout(`Title of ${taskId}`)).toHaveLength(1));
  await until(async () => {
    const path = `/series/${taskId}`;
    expect(await runner.json("recurring-task", path)).toMatchObject({ rrule: "FREQ=DAILY" });
  });
  const done = { "audit-log": "done", notification: "done", "recurring-task": "done" };
  await expectOutcomes(id, done);
  return { id, source, type: "task.created" };
}

/** Under the very name that the gateway shows, and at the first attempt. */
async function expectOutcomes(
  id: string,
  expected: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, outcome] of Object.entries(expected)) {
    const attempts = await settled(flow.runner, id, name);
    expect([name, ...attempts.map((attempt) => attempt.outcome)]).toEqual([name, outcome]);
  }
}

const needs = lacks("kafka", "daprd", "postgres", "redis");

describe.skipIf(needs)("an event on the real topic", { timeout: 90_000 }, () => {
  it("comes from the ingress", async () => {
    const attributes = { id: "ingress-1", type: "task.created", subject: "ingress" };
    expect(await flow.runner.post(attributes, task("ingress"))).toBe(202);
    expect(await expectSeenByAll("ingress")).toMatchObject({
      id: "ingress-1",
      source: "/task-app",
    });
  });

  it("comes from a plain Kafka client, named by its place", async () => {
    const timestamp = new Date().toISOString();
    const place = await produce(
      JSON.stringify({ type: "task.created", timestamp, ...task("plain") }),
    );
    const { id, source } = await expectSeenByAll("plain");
    expect(source).toBe("/kafka/task-events");
    const [entry] = await entriesOf(flow.runner, "task_id=plain");
    expect(placeOf(entry)).toBe(place);
    expect(id).toContain(place.split("/")[1]);
  });

  it("comes as a structured record, with and without its content type", async () => {
    for (const [index, headers] of [
      { "content-type": "application/cloudevents+json" },
      {},
    ].entries()) {
      const taskId = `structured-${index}`;
      const event = {
        specversion: "1.0",
        id: `s-${index}`,
        source: "/other",
        type: "task.created",
      };
      await produce(
        JSON.stringify({ ...event, datacontenttype: "application/json", data: task(taskId) }),
        headers,
      );
      expect(await expectSeenByAll(taskId)).toMatchObject({ id: `s-${index}`, source: "/other" });
    }
  });

  it("comes through daprd, as data that it wraps and as an event of its own", async () => {
    await using folder = await makeFolder();
    await using daprd = await startPublisher(folder.path, flow.kafka);
    const publish = async (query: string, contentType: string, body: object): Promise<void> => {
      const response = await fetch(`${daprd.url}/v1.0/publish/kafka-pubsub/${topic}${query}`, {
        method: "POST",
        headers: { "content-type": contentType },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(204);
    };
    const named = "?metadata.cloudevent.type=task.created&metadata.cloudevent.id=d-1";
    await publish(named, "application/json", task("dapr-data"));
    expect(await expectSeenByAll("dapr-data")).toMatchObject({ id: "d-1", source: "publisher" });
    const event = { specversion: "1.0", id: "d-2", source: "/dapr", type: "task.created" };
    await publish("", "application/cloudevents+json", { ...event, data: task("dapr-event") });
    expect(await expectSeenByAll("dapr-event")).toMatchObject({ id: "d-2", source: "/dapr" });
  });
});

const placeOf = (entry: Entry | undefined): string => {
  // The routes show both of every entry.
  const { partition, offset } = entry as unknown as { partition: number; offset: number };
  return `${partition}/${offset}`;
};

describe.skipIf(needs)("a record that is no event", { timeout: 90_000 }, () => {
  it.each([
    ["a tombstone", null],
    ["text", "not an event"],
    ["half a JSON text", '{"type":"task.created"'],
  ])("is %s: an entry and dead letters with its problem, and no obstacle", async (name, value) => {
    const place = await produce(value);
    const next = { specversion: "1.0", id: `after-${name}`, source: "/other" };
    await produce(JSON.stringify({ ...next, type: "task.updated", data: task("after") }));
    await until(() => expect(shown.map(({ id }) => id)).toContain(next.id));
    const entryAt = async (): Promise<Entry | undefined> => {
      const entries = await entriesOf(flow.runner, "type=dev.knative.kafka.event");
      return entries.find((it) => placeOf(it) === place);
    };
    await until(async () =>
      expect((await entryAt())?.problem).toMatchObject({ code: "not_an_event" }),
    );
    const { id = "" } = (await entryAt()) ?? {};
    const refused = { notification: "dead-letter", "recurring-task": "dead-letter" };
    await expectOutcomes(id, { "audit-log": "done", ...refused });
    expect(shown.map((event) => event.id)).not.toContain(id);
  });
});

/** A second Broker with Triggers, as a user adds them to `eventing/`: filters, replies, and whose delivery counts. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openKafka } from "../../lib/kafka/client.ts";
import {
  deadLetters,
  deliveriesOf,
  entriesOf,
  publish,
  settled,
  until,
  waitsOf,
} from "../support/look.ts";
import { Runner } from "../support/runner.ts";

const broker = `
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata:
  name: imports
  annotations:
    eventing.knative.dev/broker.class: Kafka
spec:
  config:
    apiVersion: v1
    kind: ConfigMap
    name: task-events-topics
  delivery:
    retry: 1
    backoffPolicy: linear
    backoffDelay: PT0.2S
    timeout: PT5S
    deadLetterSink:
      ref:
        apiVersion: eventing.knative.dev/v1alpha1
        kind: KafkaSink
        name: task-events-dead-letters
`;

const trigger = (name: string, rest: string) => `
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: ${name}
  annotations:
    kafka.eventing.knative.dev/delivery.order: ${name === "ordered" ? "ordered" : "unordered"}
spec:
  broker: imports
${rest}`;

const auditLog = `
  filters:
    - prefix: { type: task. }
    - not: { suffix: { type: .draft } }
  subscriber:
    ref: { apiVersion: serving.knative.dev/v1, kind: Service, name: audit-log }
`;

const ownDelivery = `
  delivery:
    retry: 2
    backoffPolicy: linear
    backoffDelay: PT0.3S
    timeout: PT5S
`;

/** A function of another team: it answers what the event's data asks for. */
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { answer } = JSON.parse(Buffer.concat(chunks).toString()) as { answer: Answer };
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
});

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

let runner: Runner;
let urlOf: (name: string) => string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  urlOf = (name) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;
  const files: Record<string, string> = {
    "broker-imports": broker,
    "trigger-audit-log": trigger("audit-log", auditLog),
    "trigger-ordered": trigger(
      "ordered",
      `  filter: { attributes: { type: import.asked } }
  subscriber: { uri: "${urlOf("ordered")}" }${ownDelivery}`,
    ),
    "trigger-unordered": trigger(
      "unordered",
      `  filter: { attributes: { type: import.asked } }
  subscriber: { uri: "${urlOf("unordered")}" }
`,
    ),
  };
  const lines = Object.keys(files).map((name) => `  - ${name}.yaml\n`);
  runner = await Runner.start({
    edit: {
      "eventing/kustomization.yaml": (text) =>
        text.replace("resources:\n", (before) => before + lines.join("")),
      ...Object.fromEntries(
        Object.entries(files).map(([name, text]) => [`eventing/${name}.yaml`, () => text]),
      ),
    },
  });
});

afterAll(async () => {
  await runner[Symbol.asyncDispose]();
  server.close();
});

async function post(id: string, type: string, data: unknown): Promise<void> {
  const response = await fetch(runner.url("broker", "/default/imports"), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-source": "/importer",
      "ce-type": type,
      "ce-partitionkey": "t1",
    },
    body: JSON.stringify(data),
  });
  expect(response.status).toBe(202);
}

const ask = (id: string, answer: Answer) => post(id, "import.asked", { answer });
const task = { task_id: "t1", user_id: "u1", payload: { title: "Imported" } };

describe("a second Broker", () => {
  it("has a topic of its own, made with the partitions of its ConfigMap", async () => {
    const brokers = `localhost:${runner.ports.kafka}`;
    const admin = openKafka({ brokers, clientId: "trigger" }).admin();
    await admin.connect();
    const topic = "knative-broker-default-imports";
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    await admin.disconnect();
    expect(topics[0]?.partitions).toHaveLength(12);
  });

  it("what passes the filter reaches the function, all else nobody", async () => {
    await post("other", "user.created", task);
    await post("draft", "task.created.draft", task);
    await post("matching", "task.created", task);
    expect(await settled(runner, "matching", "audit-log")).toMatchObject([
      { status: 204, outcome: "done" },
    ]);
    expect((await entriesOf(runner)).map(({ id }) => id)).toEqual(["matching"]);
    for (const id of ["other", "draft"]) {
      expect(await deliveriesOf(runner, id, "audit-log")).toEqual([]);
    }
    expect(await deliveriesOf(runner, "matching", "notification")).toEqual([]);
  });

  it("the first Broker goes on, and the console lists its events", async () => {
    await publish(runner, [{ id: "first-broker", type: "task.created" }]);
    await settled(runner, "first-broker", "notification");
    const { events } = await runner.json<{ events: { event: { id: string } }[] }>(
      "console",
      "/api/events",
    );
    expect(events.map(({ event }) => event.id)).toEqual(["first-broker"]);
  });

  it("the reply of a subscriber goes back to the Broker, and through its Triggers", async () => {
    await ask("replied", {
      status: 200,
      headers: {
        "ce-specversion": "1.0",
        "ce-id": "reply",
        "ce-source": "/other-team",
        "ce-type": "task.completed",
        "content-type": "application/json",
      },
      body: JSON.stringify(task),
    });
    await settled(runner, "reply", "audit-log");
    const entries = (await entriesOf(runner)).filter(({ id }) => id === "reply");
    // One of each of the two Triggers; the second is the same event again.
    expect(entries).toMatchObject([{ source: "/other-team", type: "task.completed" }]);
    expect(await settled(runner, "replied", urlOf("ordered"))).toMatchObject([{ status: 200 }]);
  });

  it("an answer with another body is a failure at once, with a line that says so", async () => {
    await ask("ok", { status: 200, body: "ok" });
    expect(await settled(runner, "ok", urlOf("unordered"))).toMatchObject([
      { status: 200, outcome: "dead-letter" },
    ]);
    expect(runner.output).toMatch(/event ok .* with a body that is no CloudEvent/);
    await settled(runner, "ok", urlOf("ordered"));
  });
});

describe("delivery", () => {
  it("is the Broker's where the Trigger has none, and else the Trigger's alone, without the Broker's dead letter sink", async () => {
    await ask("down", { status: 503 });
    await ask("next", { status: 204 });
    const ofBroker = await settled(runner, "down", urlOf("unordered"));
    expect(ofBroker.map(({ outcome }) => outcome)).toEqual(["retry", "dead-letter"]);
    expectWaits(waitsOf(ofBroker), [200]);
    const own = await settled(runner, "down", urlOf("ordered"));
    expect(own.map(({ outcome }) => outcome)).toEqual(["retry", "retry", "dropped"]);
    expectWaits(waitsOf(own), [300, 600]);
    expect(runner.output).toMatch(/event down .* dropped: .* there is no deadLetterSink/);
    await until(async () => {
      const letters = (await deadLetters(runner)).filter(({ event }) => event?.id === "down");
      expect(letters).toMatchObject([{ code: 503 }]);
    });
  });

  it("ordered: the next event of the key waits for the retries; unordered: it does not", async () => {
    const startOf = async (id: string, name: string) => {
      const [first] = await settled(runner, id, urlOf(name));
      return Date.parse(first?.at ?? "") - (first?.ms ?? 0);
    };
    const endOf = async (id: string, name: string) =>
      Date.parse((await settled(runner, id, urlOf(name))).at(-1)?.at ?? "");
    expect(await startOf("next", "ordered")).toBeGreaterThanOrEqual(await endOf("down", "ordered"));
    expect(await startOf("next", "unordered")).toBeLessThan(await endOf("down", "unordered"));
  });
});

it("after a restart a Trigger goes on where it was", async () => {
  await runner.kill("SIGTERM");
  await runner.start();
  await ask("after-restart", { status: 204 });
  await settled(runner, "after-restart", urlOf("ordered"));
  expect(await deliveriesOf(runner, "next", urlOf("ordered"))).toEqual([]);
});

function expectWaits(waits: readonly number[], due: readonly number[]) {
  expect(waits).toHaveLength(due.length);
  for (const [index, wait] of waits.entries()) {
    expect(wait).toBeGreaterThan((due[index] ?? 0) - 20);
    expect(wait).toBeLessThan((due[index] ?? 0) + 450);
  }
}

/** Records on their way from Kafka to the app: raw, in order, each until it is acknowledged. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Producer } from "kafkajs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openKafka } from "../../../../lib/kafka/client.ts";
import { startSidecar, type SidecarOptions } from "../../../../local/dapr/sidecar.ts";
import { startKafka, type RunningKafka } from "../../../../local/kafka/server.ts";
import { sidecarOptions, temporaryFolder } from "../fixture/sidecar.ts";

interface Delivered {
  value: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

let kafka: RunningKafka;
let producer: Producer;
let dataDir = "";
let stateDir = "";
const delivered: Delivered[] = [];
const notes: string[] = [];
/** What the app answers: a status or a body, by the value. */
let answer: (value: string, attempt: number) => number | string = () => 200;
let running: AsyncDisposable[] = [];

const topics = ["t", "dead"].map((name) => ({ name, partitions: 2 }));

beforeEach(async () => {
  [dataDir, stateDir] = [temporaryFolder(), temporaryFolder()];
  kafka = await startKafka({ dataDir, port: 0, topics });
  producer = openKafka({ brokers: kafka.address, clientId: "test" }).producer();
  await producer.connect();
  delivered.length = 0;
  notes.length = 0;
  answer = () => 200;
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each[Symbol.asyncDispose]()));
  await producer.disconnect();
  await kafka[Symbol.asyncDispose]();
});

async function startApp(port = 0): Promise<{ port: number; stop: () => Promise<void> }> {
  const server: Server = createServer((req, res) => {
    void text(req).then((json) => {
      const body = JSON.parse(json) as Record<string, unknown>;
      const raw = body["data_base64"];
      const value = typeof raw === "string" ? Buffer.from(raw, "base64").toString() : json;
      delivered.push({ value, headers: req.headers, body });
      const said = answer(value, valuesOf(value).length);
      if (typeof said === "number") res.writeHead(said).end();
      else res.end(said);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  running.push({ [Symbol.asyncDispose]: stop });
  return { port: (server.address() as AddressInfo).port, stop };
}

const valuesOf = (value: string) => delivered.filter((each) => each.value === value);

interface Wanted extends Partial<SidecarOptions> {
  metadata?: Record<string, string>;
  deadLetterTopic?: string;
  rawPayload?: string;
}

async function start({ metadata, deadLetterTopic, rawPayload = "true", ...over }: Wanted) {
  const brokers = kafka.address;
  const settings = {
    brokers,
    authType: "none",
    disableTls: "true",
    consumerID: "{podName}",
    initialOffset: "oldest",
    ...metadata,
  };
  const sidecar = await startSidecar(
    sidecarOptions({
      stateDir,
      components: [{ name: "pubsub", type: "pubsub.kafka", metadata: settings }],
      subscriptions: [
        {
          pubsubName: "pubsub",
          topic: "t",
          route: "/events",
          metadata: { rawPayload },
          ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
        },
      ],
      inbound: { pubsub: { retry: { policy: "constant", durationMs: 20, maxRetries: 2 } } },
      note: (subject, line) => notes.push(`${subject}: ${line}`),
      ...over,
    }),
  );
  running.push(sidecar);
  return sidecar;
}

const send = (value: string, partition = 0, headers: Record<string, string> = {}, key = "k") =>
  producer.send({ topic: "t", messages: [{ key, value, headers, partition }] });

const values = () => delivered.map(({ value }) => value);

it("hands over raw bytes in Dapr's wrapper, with the record's headers and place", async () => {
  await send("not JSON ü", 1, { ce_id: "grün", ce_type: "task.created" }, "task-1");
  const app = await startApp();
  await start({ appPort: () => app.port });
  await expect.poll(() => delivered.length, { timeout: 10_000 }).toBe(1);
  const [{ headers, body, value }] = delivered as [Delivered];
  expect(value).toBe("not JSON ü");
  expect(body).toMatchObject({
    specversion: "1.0",
    type: "com.dapr.event.sent",
    datacontenttype: "application/octet-stream",
    topic: "t",
    pubsubname: "pubsub",
  });
  expect(headers).toMatchObject({
    "content-type": "application/cloudevents+json",
    ce_type: "task.created",
    ce_id: Buffer.from("grün").toString("latin1"),
    __key: "task-1",
    __partition: "1",
    __offset: "0",
    __topic: "t",
  });
  expect(Number(headers["__timestamp"])).toBeGreaterThan(1e12);
});

it("joins only when the app listens: what comes before is not for a group that begins with the newest", async () => {
  let port: number | undefined;
  await start({ appPort: () => port, metadata: { initialOffset: "newest" } });
  await send("before");
  const app = await startApp();
  port = app.port;
  await expect
    .poll(
      async () => {
        await send("after");
        return values();
      },
      { timeout: 15_000, interval: 200 },
    )
    .toContain("after");
  expect(values()).not.toContain("before");
});

it("keeps the order of a partition while a record is refused, and does not hold up another partition", async () => {
  const app = await startApp();
  answer = (value, attempt) => (value === "a1" && attempt < 3 ? 503 : 200);
  for (const value of ["a1", "a2"]) await send(value, 0);
  await send("b1", 1);
  await start({ appPort: () => app.port });
  await expect.poll(() => values().length, { timeout: 10_000 }).toBe(5);
  expect(values().filter((value) => value !== "b1")).toEqual(["a1", "a1", "a1", "a2"]);
  expect(values().indexOf("b1")).toBeLessThan(4);
  expect(notes).toContain("gateway-0: t/0@0 not taken (status 503); tried again");
});

it.each([
  ["an answer that says RETRY", '{"status":"RETRY"}', 2],
  ["an answer that says SUCCESS", '{"status":"SUCCESS"}', 1],
  ["an answer that says DROP", '{"status":"DROP"}', 1],
  ["an answer that is no JSON", "ok", 1],
  ["404", 404, 1],
  ["400", 400, 2],
])("takes %s as Dapr does", async (_, said, attempts) => {
  const app = await startApp();
  answer = (value, attempt) => (value === "x" && attempt === 1 ? said : 200);
  await send("x");
  await send("next");
  await start({ appPort: () => app.port });
  await expect.poll(() => values().at(-1), { timeout: 10_000 }).toBe("next");
  expect(valuesOf("x")).toHaveLength(attempts);
});

it("puts a record into the dead letter topic after the policy's attempts, as it was, with its place", async () => {
  const app = await startApp();
  answer = (value) => (value === "bad" ? 500 : 200);
  await send("bad", 1, { ce_id: "1" });
  await send("good", 1);
  await start({ appPort: () => app.port, deadLetterTopic: "dead" });
  await expect.poll(() => values().at(-1), { timeout: 10_000 }).toBe("good");
  expect(valuesOf("bad")).toHaveLength(3);
  const consumer = openKafka({ brokers: kafka.address, clientId: "dead" }).consumer({
    groupId: "d",
  });
  running.push({ [Symbol.asyncDispose]: () => consumer.disconnect() });
  await consumer.subscribe({ topics: ["dead"], fromBeginning: true });
  const dead: string[] = [];
  await consumer.run({
    eachMessage: ({ message: { key, value, headers = {} } }) => {
      const { ce_id: id, __partition: partition, __offset: offset } = headers;
      dead.push([key, value, id, partition, offset].join());
      return Promise.resolve();
    },
  });
  await expect.poll(() => dead, { timeout: 10_000 }).toEqual(["k,bad,1,1,0"]);
});

it("waits for an app that is being started again, and delivers what was not acknowledged", async () => {
  const app = await startApp();
  await start({ appPort: () => app.port });
  await send("1");
  await expect.poll(values, { timeout: 10_000 }).toEqual(["1"]);
  await app.stop();
  for (const value of ["2", "3"]) await send(value);
  await startApp(app.port);
  await expect.poll(values, { timeout: 10_000 }).toEqual(["1", "2", "3"]);
});

it("goes on after a restart of the sidecar where it was, and after one of Kafka", async () => {
  const app = await startApp();
  await send("1");
  const sidecar = await start({ appPort: () => app.port });
  await expect.poll(values, { timeout: 10_000 }).toEqual(["1"]);
  await sidecar[Symbol.asyncDispose]();
  running = running.filter((each) => each !== sidecar);
  await send("2");
  await start({ appPort: () => app.port });
  await expect.poll(values, { timeout: 15_000 }).toEqual(["1", "2"]);
  const { port } = kafka;
  await kafka[Symbol.asyncDispose]();
  kafka = await startKafka({ dataDir, port, topics });
  await send("3");
  await expect.poll(values, { timeout: 25_000 }).toContain("3");
});

it("gives every replica every record, and replicas that share a group each record once", async () => {
  const app = await startApp();
  await start({ appPort: () => app.port });
  await start({ appPort: () => app.port, podName: "gateway-1" });
  await send("x");
  await expect.poll(() => valuesOf("x").length, { timeout: 15_000 }).toBe(2);
});

it("holds a partition whose record HTTP cannot carry, and carries it escaped", async () => {
  const app = await startApp();
  await send("x", 0, { ce_title: "two\nlines" });
  const sidecar = await start({ appPort: () => app.port });
  await expect
    .poll(() => notes.join(), { timeout: 10_000 })
    .toContain("Invalid character in header");
  await sidecar[Symbol.asyncDispose]();
  running = running.filter((each) => each !== sidecar);
  expect(delivered).toEqual([]);
  await start({ appPort: () => app.port, metadata: { escapeHeaders: "true" } });
  await expect.poll(() => delivered.length, { timeout: 15_000 }).toBe(1);
  expect(delivered[0]?.headers["ce_title"]).toBe("two%0Alines");
});

it("publishes an app's event: in Dapr's envelope, as it is, and raw", async () => {
  const app = await startApp();
  const sidecar = await start({ appPort: () => app.port });
  const publish = async (query: string, type: string, body: string) => {
    const url = `http://127.0.0.1:${String(sidecar.httpPort)}/v1.0/publish/pubsub/t?${query}`;
    const headers = { "content-type": type };
    expect((await fetch(url, { method: "POST", headers, body })).status).toBe(204);
  };
  const key = "metadata.partitionKey=task-1";
  await publish(key, "application/json", '{"a":1}');
  await publish(key, "application/cloudevents+json", '{"id":"7","source":"/s","type":"t"}');
  await publish(`${key}&metadata.rawPayload=true&metadata.ce_id=9`, "text/plain", "raw");
  await expect.poll(() => delivered.length, { timeout: 15_000 }).toBe(3);
  const [wrapped, event] = delivered.map(
    ({ value, headers }) => [value, headers["__key"]] as const,
  );
  expect(wrapped?.[1]).toBe("task-1");
  expect(JSON.parse(wrapped?.[0] ?? "")).toMatchObject({
    data: { a: 1 },
    source: "gateway",
    type: "com.dapr.event.sent",
    topic: "t",
    pubsubname: "pubsub",
  });
  expect(JSON.parse(event?.[0] ?? "")).toMatchObject({
    id: "7",
    source: "/s",
    type: "t",
    topic: "t",
  });
  expect(delivered[2]).toMatchObject({ value: "raw", headers: { ce_id: "9", rawpayload: "true" } });
});

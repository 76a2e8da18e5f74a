/** `task-events dead-letters redrive` against a broker: into a function that records, and back onto a topic. */
import { describe, expect, it } from "vitest";
import { fromHttp } from "../../../lib/events/http.ts";
import { fromKafkaRecord, type KafkaRecord, toDelivery } from "../../../lib/events/kafka-record.ts";
import { contentDigest, identityKey } from "../../../lib/events/identity.ts";
import type { Event } from "../../../lib/events/event.ts";
import { readWindows } from "../../../cli/topic/read-windows.ts";
import { openSession, readExtent } from "../../../cli/topic/session.ts";
import {
  deadLetter,
  eventHeaders,
  makeTopic,
  type Posted,
  run,
  start,
  startFunctionStub,
  taskData,
} from "./operator.ts";

const receivedAt = new Date();

/** As the function would take it. */
function eventOf({ headers, body }: Pick<Posted, "headers" | "body">): Event | undefined {
  const result = fromHttp({ headers, body: Buffer.from(body), receivedAt });
  return "events" in result ? result.events[0] : undefined;
}

/** What a KafkaSource sends of a plain record, and its KafkaSink then writes. */
function wrapped(offset: number, value: string, key: string) {
  const record: KafkaRecord = {
    topic: "task-events",
    partition: 5,
    offset,
    timestampMs: Date.UTC(2026, 0, 2, 3, 4, 5, 120),
    key: Buffer.from(key),
    headers: {},
    value: Buffer.from(value),
  };
  const delivery = toDelivery(record, { namespace: "default", name: "notification" });
  if (delivery === undefined) throw new Error("not sendable");
  const headers = Object.entries(delivery.headers).map(([name, text]) => [
    name.replace(/^ce-/, "ce_"),
    text,
  ]);
  const event = fromKafkaRecord(record, receivedAt);
  return { delivery, headers: Object.fromEntries(headers) as Record<string, string>, event };
}

export function redriveTests(getBroker: () => string): void {
  describe("redrive", { timeout: 120_000 }, () => {
    const redrive = (topic: string, url: string, ...more: string[]): string[] => [
      "dead-letters",
      "redrive",
      "--kafka",
      getBroker(),
      "--dead-letter-topic",
      topic,
      "--audit-log",
      url,
      ...more,
    ];

    async function scene(count: number, url: string, code = 503) {
      const made = await makeTopic(getBroker(), "letters", 3);
      await made.produce(
        Array.from({ length: count }, (_, index) => ({
          partition: index % 3,
          value: taskData(`Task ${index}`),
          headers: deadLetter(eventHeaders(`e${index}`), [4, index], { destination: url, code }),
        })),
      );
      return made;
    }

    const ids = (count: number): string[] =>
      Array.from({ length: count }, (_, index) => `e${index}`).toSorted();

    it("sends each letter into its function just as its KafkaSource did, without what the dead letter added", async () => {
      const stub = await startFunctionStub();
      const { topic, produce } = await makeTopic(getBroker(), "letters");
      const own = {
        ...eventHeaders("own"),
        ce_reason: "of the producer",
        traceparent: "00-a-b-01",
      };
      await produce([
        {
          value: taskData(),
          headers: deadLetter(own, [4, 7], { destination: stub.url, code: 503, error: "away" }),
        },
      ]);
      const { code, out } = await run(redrive(topic, stub.url));
      expect(code).toBe(0);
      expect(out).toMatch(/^audit-log +1 +0 +0 +0$/m);
      const [posted] = stub.posted;
      const names = Object.entries(posted?.headers ?? {}).filter(([name]) =>
        /^(ce-|content-type|traceparent)/.test(name),
      );
      expect(Object.fromEntries(names)).toEqual({
        "ce-specversion": "1.0",
        "ce-id": "own",
        "ce-source": "/task-app",
        "ce-type": "task.created",
        "ce-partitionkey": "t1",
        "ce-reason": "of the producer",
        "ce-knativekafkapartition": "4",
        "ce-knativekafkaoffset": "7",
        "content-type": "application/json",
        traceparent: "00-a-b-01",
      });
      expect(posted?.body).toBe(taskData());
    });

    it("is never done twice, and lists what was done with --all alone", async () => {
      const stub = await startFunctionStub();
      const { topic } = await scene(5, stub.url);
      await run(redrive(topic, stub.url));
      const again = await run(redrive(topic, stub.url));
      expect(again).toMatchObject({ code: 0, out: "No dead letter is left to redrive.\n" });
      expect(stub.idsOf()).toEqual(ids(5));
      const list = ["dead-letters", "list", "--kafka", getBroker(), "--dead-letter-topic", topic];
      expect((await run(list)).out).toBe("0 dead letters\n");
      expect((await run([...list, "--all"])).out).toContain("5 dead letters");
    });

    it("of two operators at once is one's; the other is told so", async () => {
      const { promise: goOn, resolve } = Promise.withResolvers<number>();
      const stub = await startFunctionStub(() => goOn);
      const { topic } = await scene(3, stub.url);
      const first = start(redrive(topic, stub.url));
      await expect.poll(() => stub.posted.length, { timeout: 60_000 }).toBe(3);
      const second = await run(redrive(topic, stub.url));
      expect(second.code).toBe(2);
      expect(second.err).toMatch(/^task-events: Another redrive runs/);
      resolve(204);
      expect((await first.ended).code).toBe(0);
      expect(stub.idsOf()).toEqual(ids(3));
    });

    it("leaves what is refused again, and says why", async () => {
      const stub = await startFunctionStub(({ headers }) =>
        headers["ce-id"] === "e1" ? 422 : 204,
      );
      const { topic } = await scene(3, stub.url);
      const { code, out } = await run(redrive(topic, stub.url));
      expect(code).toBe(1);
      expect(out).toMatch(/^audit-log +2 +1 +0 +0$/m);
      expect(out).toContain("e1 to audit-log: 422 data_invalid: no such thing");
      await run(redrive(topic, stub.url));
      expect(stub.idsOf()).toEqual(["e0", "e1", "e1", "e2"]);
    });

    it("tries again while the function answers 503", async () => {
      const stub = await startFunctionStub((_, count) => (count < 3 ? 503 : 204));
      const { topic } = await scene(1, stub.url);
      expect((await run(redrive(topic, stub.url))).code).toBe(0);
      expect(stub.posted).toHaveLength(3);
    });

    it("stopped by Ctrl-C goes on with what was not sent", async () => {
      const { promise: goOn, resolve } = Promise.withResolvers<number>();
      const stub = await startFunctionStub((_, count) => (count === 1 ? goOn : 204));
      const { topic } = await scene(6, stub.url);
      const stopped = start(redrive(topic, stub.url, "--concurrency", "1"));
      await expect.poll(() => stub.posted.length, { timeout: 60_000 }).toBe(1);
      stopped.child.kill("SIGINT");
      await expect.poll(stopped.said, { timeout: 10_000 }).toContain("Ending what is under way");
      resolve(204);
      const ended = await stopped.ended;
      expect(ended.code).toBe(1);
      expect(ended.out).toContain("the same command goes on");
      expect((await run(redrive(topic, stub.url))).code).toBe(0);
      expect(stub.idsOf()).toEqual(ids(6));
    });

    it("with --dry-run says what would be sent, and sends nothing", async () => {
      const stub = await startFunctionStub();
      const { topic, admin } = await scene(2, stub.url);
      const { code, out } = await run(redrive(topic, stub.url, "--dry-run"));
      expect(code).toBe(0);
      expect(out).toContain("2 dead letters would be redriven; nothing was sent.");
      expect(stub.posted).toEqual([]);
      expect((await admin.listTopics()).filter((name) => name.startsWith(topic))).toEqual([topic]);
    });

    it("of a plain record keeps its identity, into a function and back onto the topic", async () => {
      const stub = await startFunctionStub();
      const { topic, produce } = await makeTopic(getBroker(), "letters");
      const events = await makeTopic(getBroker(), "events", 4);
      const plain = wrapped(
        9,
        '{"type":"task.created","task_id":"t1","user_id":"u1","timestamp":"2026-01-02T03:04:05.100Z","payload":{"n":1.0}}',
        "t1",
      );
      const letter = (destination: string) => ({
        value: plain.delivery.body?.toString() ?? "",
        headers: deadLetter(plain.headers, [5, 9], { destination, code: 503 }),
      });
      await produce([letter(stub.url), letter("http://recurring-task.default.svc")]);
      expect(plain.event?.source).toBe("/kafka/task-events");

      await run(redrive(topic, stub.url, "--function", "audit-log"));
      const [posted] = stub.posted;
      const sent = posted === undefined ? undefined : eventOf(posted);
      expect(sent).toMatchObject({ source: "/kafka/task-events", id: plain.event?.id });

      const more = ["--to-topic", "--topic", events.topic, "--again"];
      const { code, out } = await run(redrive(topic, stub.url, ...more));
      expect([code, out]).toEqual([0, expect.stringMatching(/ 2 +0 +0 +0\n/)]);
      // One record for the letters of both functions.
      const records = await readAll(events.topic);
      expect(records).toHaveLength(1);
      const [back] = records.map((record) => fromKafkaRecord(record, receivedAt));
      if (back === undefined || plain.event === undefined) throw new Error("no event");
      expect(identityKey(back)).toEqual(identityKey(plain.event));
      expect(contentDigest(back)).toEqual(contentDigest(plain.event));
    });

    it("puts a CloudEvent back as it was, and nothing that would be another event there", async () => {
      const { topic, produce } = await makeTopic(getBroker(), "letters");
      const events = await makeTopic(getBroker(), "events");
      const garbage = wrapped(3, "no event", "t1");
      const failed = { destination: "http://audit-log.default.svc", code: 422, reason: "x: y" };
      await produce([
        { value: taskData(), headers: deadLetter(eventHeaders("e0"), [4, 0], failed) },
        { value: "no event", headers: deadLetter(garbage.headers, [5, 3], failed) },
      ]);
      const { code, out } = await run(
        redrive(topic, "http://127.0.0.1:1", "--to-topic", "--topic", events.topic),
      );
      expect(code).toBe(1);
      expect(out).toContain("at another place of the topic it would be another event");
      const [record, ...others] = await readAll(events.topic);
      expect(others).toEqual([]);
      expect(record?.key?.toString()).toBe("t1");
      expect(record?.value?.toString()).toBe(taskData());
      const { "redriven-from": from, ...headers } = record?.headers ?? {};
      expect(String(from)).toMatch(/^0\/0@\d+$/);
      const texts = Object.entries(headers).map(([name, value]) => [name, String(value)]);
      expect(Object.fromEntries(texts)).toEqual(eventHeaders("e0"));
    });

    async function readAll(topic: string): Promise<KafkaRecord[]> {
      await using session = await openSession(getBroker());
      const extent = await readExtent(session, topic);
      const found: KafkaRecord[] = [];
      const windows = extent.map(
        ({ low, high }, index) => [index, [{ first: low, end: high }]] as const,
      );
      await readWindows({
        session,
        topic,
        windows: new Map(windows),
        onRecords: (_, records) => void found.push(...records),
      });
      return found;
    }
  });
}

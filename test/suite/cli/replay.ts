/** `task-events replay` against a broker, into a function that records. */
import { describe, expect, it } from "vitest";
import { toDelivery } from "../../../lib/events/kafka-record.ts";
import { eventHeaders, makeTopic, run, start, startFunctionStub, taskData } from "./operator.ts";

export function replayTests(getBroker: () => string): void {
  describe("replay", { timeout: 120_000 }, () => {
    const replay = (topic: string, url: string, ...more: string[]): string[] => {
      const where = ["--kafka", getBroker(), "--topic", topic, "--notification", url];
      return ["replay", "--function", "notification", ...where, ...more];
    };

    /** Young enough for the topic's retention. */
    const beginMs = Date.now() - 2 * 3_600_000;
    const minute = (index: number): string => new Date(beginMs + index * 60_000).toISOString();

    /** p0-0, p0-1 and so on, a minute apart, in each partition. */
    async function scene(partitions: number, count: number) {
      const made = await makeTopic(getBroker(), "events", partitions);
      for (let partition = 0; partition < partitions; partition++) {
        await made.produce(
          Array.from({ length: count }, (_, index) => ({
            partition,
            value: taskData(),
            headers: eventHeaders(`p${partition}-${index}`),
            atMs: Date.parse(minute(index)),
          })),
        );
      }
      return made;
    }

    it("sends what the KafkaSource would, position included, and touches no live group", async () => {
      const stub = await startFunctionStub();
      const { topic, admin, produce } = await makeTopic(getBroker(), "events");
      const value = '{"type":"task.created","task_id":"t1","user_id":"u1"}';
      const atMs = beginMs;
      await produce([{ key: "t1", value, atMs }]);
      const { code, out } = await run(replay(topic, stub.url, "--from", "start"));
      expect([code, out]).toEqual([0, "notification: 1 delivered, 0 refused\n"]);
      const place = { topic, partition: 0, offset: 0, timestampMs: atMs };
      const record = { ...place, key: Buffer.from("t1"), headers: {}, value: Buffer.from(value) };
      const expected = toDelivery(record, { namespace: "default", name: "notification" });
      expect(stub.posted[0]?.headers).toMatchObject(expected?.headers ?? { not: "sendable" });
      expect(stub.posted[0]?.body).toBe(value);
      const [offsets] = await admin.fetchOffsets({ groupId: "notification", topics: [topic] });
      expect(offsets?.partitions.map(({ offset }) => offset)).toEqual(["-1"]);
    });

    it("is bounded by times, by offsets, and by offsets of some partitions", async () => {
      const stub = await startFunctionStub();
      const { topic } = await scene(2, 5);
      const sent = async (...bounds: string[]): Promise<string[]> => {
        stub.posted.length = 0;
        expect((await run(replay(topic, stub.url, ...bounds))).code).toBe(0);
        return stub.idsOf();
      };
      expect(await sent("--from", minute(1), "--to", minute(3))).toEqual([
        "p0-1",
        "p0-2",
        "p1-1",
        "p1-2",
      ]);
      expect(await sent("--from", "4")).toEqual(["p0-4", "p1-4"]);
      expect(await sent("--from", "1:2", "--to", "4")).toEqual(["p1-2", "p1-3"]);
      expect(await sent("--from", "1h")).toEqual([]);
    });

    it("stopped by Ctrl-C says where to go on, and from there leaves nothing out", async () => {
      const { promise: goOn, resolve } = Promise.withResolvers<number>();
      const stub = await startFunctionStub((_, count) => (count === 4 ? goOn : 204));
      const { topic } = await scene(2, 20);
      const stopped = start(replay(topic, stub.url, "--from", "start", "--concurrency", "1"));
      await expect.poll(() => stub.posted.length, { timeout: 60_000 }).toBe(4);
      stopped.child.kill("SIGINT");
      await expect.poll(stopped.said, { timeout: 10_000 }).toContain("Ending what is under way");
      resolve(204);
      const { code, out } = await stopped.ended;
      expect(code).toBe(1);
      const [, from = "", to = ""] = /Go on with: --from (\S+) --to (\S+)/.exec(out) ?? [];
      expect((await run(replay(topic, stub.url, "--from", from, "--to", to))).code).toBe(0);
      expect(new Set(stub.idsOf()).size).toBe(40);
      // What was under way was awaited: nothing was sent twice.
      expect(stub.posted).toHaveLength(40);
    });

    it("goes on after a refusal, and names it", async () => {
      const stub = await startFunctionStub(({ headers }) =>
        headers["ce-id"] === "p0-1" ? 422 : 204,
      );
      const { topic } = await scene(1, 3);
      const { code, out } = await run(replay(topic, stub.url, "--from", "start"));
      expect(code).toBe(1);
      expect(out).toBe(
        "notification: 2 delivered, 1 refused\n0/1: 422 data_invalid: no such thing\n",
      );
    });

    it("ends where the function is away, without trying every record, and says where to go on", async () => {
      const stub = await startFunctionStub(() => 503);
      const { topic } = await scene(1, 50);
      const args = replay(topic, stub.url, "--from", "start", "--concurrency", "2");
      const { code, out } = await run(args);
      expect(code).toBe(1);
      expect(out).toContain("Not to the end: 503");
      expect(out).toContain("Go on with: --from 0:0 --to 0:50");
      expect(new Set(stub.idsOf()).size).toBeLessThanOrEqual(3);
    });

    it("--force gives the events of notification other names, after a yes alone", async () => {
      const stub = await startFunctionStub();
      const { topic } = await scene(1, 2);
      const force = replay(topic, stub.url, "--from", "start", "--force");
      const unsaid = await run(force);
      expect(unsaid.code).toBe(2);
      expect(unsaid.err).toContain("sends every mail and message of this stretch again");
      expect(stub.posted).toEqual([]);
      expect((await run([...force, "--yes"])).code).toBe(0);
      const events = stub.posted.map(({ body }) => JSON.parse(body) as Record<string, string>);
      expect(events).toMatchObject([{ id: "p0-0" }, { id: "p0-1" }]);
      const [source, ...others] = new Set(events.map((event) => event["source"]));
      expect(source).toMatch(/^\/task-app#replay-\w+$/);
      expect(others).toEqual([]);
    });
  });
}

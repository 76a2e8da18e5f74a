/** One event's whole way, as tests against a running flow: on the embedded parts, and on the real servers. */
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { openKafka } from "../../lib/kafka/client.ts";
import { until } from "../support/look.ts";
import type { Runner } from "../support/runner.ts";

interface Frame {
  readonly type: string;
  readonly cursor: string;
  readonly event?: { id: string; type: string; source: string; data: unknown };
}

export interface Flow extends AsyncDisposable {
  readonly runner: Runner;
  /** `host:port` */
  readonly kafka: string;
}

/** Gives the flow, for tests beside these. */
export function flowTests(start: () => Promise<Flow>): () => Flow {
  let flow: Flow;
  let runner: Runner;
  beforeAll(async () => {
    flow = await start();
    runner = flow.runner;
  });
  afterAll(() => flow[Symbol.asyncDispose]());

  async function openSocket(
    user: string,
    query = "",
  ): Promise<{ frames: Frame[]; close: () => void }> {
    const frames: Frame[] = [];
    const socket = new WebSocket(
      `ws://localhost:${runner.ports["websocket-gateway"]}/ws${query}`,
      "task-events.v1",
      {
        headers: { authorization: `Bearer ${await runner.token(user)}` },
      },
    );
    socket.on("message", (bytes: Buffer) => frames.push(JSON.parse(bytes.toString()) as Frame));
    await expect.poll(() => frames[0]?.type, { timeout: 10_000 }).toBe("hello");
    return { frames, close: () => socket.close() };
  }

  const task = (id: string, user = "u1") => ({
    task_id: id,
    user_id: user,
    payload: { title: `Task ${id}` },
  });
  const idsOf = (frames: readonly Frame[]): (string | undefined)[] =>
    frames.slice(1).map(({ event }) => event?.id);

  const mailsAbout = async (text: string): Promise<{ subject: string; to: string[] }[]> => {
    const { messages } = await runner.json<{
      messages: { subject: string; text: string; to: string[] }[];
    }>("console", "/api/mail");
    return messages.filter((message) => `${message.subject} ${message.text}`.includes(text));
  };

  interface Entries {
    readonly entries: {
      id: string;
      type: string;
      source: string;
      task_id: string;
      data: unknown;
      problem: unknown;
    }[];
  }
  const entriesOf = async (query: string): Promise<Entries["entries"]> =>
    (await runner.json<Entries>("audit-log", `/entries?${query}`, "admin", "admin")).entries;

  describe("one task.created of u1", () => {
    it("is one mail, one entry, one frame at each client of u1 and none at u2's, though it is posted twice", async () => {
      const [first, second, other] = [
        await openSocket("u1"),
        await openSocket("u1"),
        await openSocket("u2"),
      ];
      const event = {
        id: "flow-1",
        type: "task.created",
        subject: "flow-t1",
        partitionkey: "flow-t1",
      };
      expect(await runner.post(event, task("flow-t1"))).toBe(202);
      expect(await runner.post(event, task("flow-t1"))).toBe(202);
      expect(
        await runner.post(
          { id: "flow-2", type: "task.updated", partitionkey: "flow-t1" },
          task("flow-t1"),
        ),
      ).toBe(202);
      await until(async () => expect(idsOf(first.frames)).toEqual(["flow-1", "flow-2"]));
      await until(async () => expect(idsOf(second.frames)).toEqual(["flow-1", "flow-2"]));
      await until(async () => expect(await mailsAbout("flow-t1")).toHaveLength(1));
      await until(async () =>
        expect((await entriesOf("task_id=flow-t1")).map(({ id }) => id)).toEqual([
          "flow-1",
          "flow-2",
        ]),
      );
      expect((await mailsAbout("flow-t1"))[0]?.to).toEqual(["u1@example.test"]);
      expect(idsOf(other.frames)).toEqual([]);
      for (const { close } of [first, second, other]) close();
    });
  });

  describe("every type", () => {
    it("is audited and shown live, unknown ones too", async () => {
      const socket = await openSocket("u2");
      const types = [
        "task.created",
        "task.updated",
        "task.completed",
        "task.deleted",
        "task.archived",
      ];
      for (const type of types) {
        expect(
          await runner.post(
            { id: `every-${type}`, type, partitionkey: "every-t" },
            task("every-t", "u2"),
          ),
        ).toBe(202);
      }
      const ids = types.map((type) => `every-${type}`);
      await until(async () => expect(idsOf(socket.frames)).toEqual(ids));
      await until(async () =>
        expect((await entriesOf("task_id=every-t")).map(({ id }) => id).sort()).toEqual(
          ids.toSorted(),
        ),
      );
      socket.close();
    });
  });

  describe("records of any Kafka client", () => {
    it("become the same event in every function and the gateway", async () => {
      const socket = await openSocket("u1");
      const producer = openKafka({
        brokers: flow.kafka,
        clientId: "flow",
      }).producer();
      await producer.connect();
      const plain = {
        type: "task.created",
        user_id: "u1",
        task_id: "kafka-t1",
        timestamp: new Date().toISOString(),
        payload: { title: "Plain record" },
      };
      const envelope = {
        specversion: "1.0",
        id: "dapr-1",
        source: "task-app",
        type: "task.created",
        datacontenttype: "application/json",
        data: task("kafka-t2"),
      };
      const messages = [plain, envelope].map((value) => ({
        key: "kafka-t",
        value: JSON.stringify(value),
      }));
      await producer.send({
        topic: "task-events",
        messages: [...messages, { key: "kafka-t", value: "garbage" }],
      });
      await producer.disconnect();
      await until(async () => expect(idsOf(socket.frames)).toHaveLength(2));
      const [fromPlain, fromEnvelope] = socket.frames.slice(1).map(({ event }) => event);
      expect(fromPlain).toMatchObject({ source: "/kafka/task-events", type: "task.created" });
      expect(fromEnvelope).toMatchObject({
        source: "task-app",
        id: "dapr-1",
        data: task("kafka-t2"),
      });
      await until(async () =>
        expect(await entriesOf("task_id=kafka-t1")).toMatchObject([
          { id: fromPlain?.id, source: "/kafka/task-events" },
        ]),
      );
      await until(async () => expect(await mailsAbout("Plain record")).toHaveLength(1));
      await until(async () =>
        expect((await entriesOf("type=dev.knative.kafka.event"))[0]?.problem).toBeTruthy(),
      );
      socket.close();
    });
  });

  describe("an event that can never succeed", () => {
    it("is a dead letter with its reason at once, and an entry with its problem", async () => {
      expect(await runner.post({ id: "bad-1", type: "task.created" }, { task_id: 1 })).toBe(202);
      interface DeadLetters {
        readonly dead_letters: {
          function: string;
          code: unknown;
          reason: string;
          event: { id: string };
        }[];
      }
      await until(async () => {
        const { dead_letters: letters } = await runner.json<DeadLetters>(
          "console",
          "/api/dead-letters",
        );
        const ours = letters.filter(({ event }) => event.id === "bad-1");
        expect(ours.map((letter) => letter.function).sort()).toEqual([
          "notification",
          "recurring-task",
        ]);
        for (const { reason } of ours) expect(reason).toContain("data_invalid");
      });
      await until(async () =>
        expect(await entriesOf("source=/task-app&type=task.created")).toContainEqual(
          expect.objectContaining({ id: "bad-1", problem: expect.anything() as unknown }),
        ),
      );
    });
  });

  describe("a client that was away", () => {
    it("gets exactly what it missed, then what comes, over WebSocket and over SSE", async () => {
      const before = await openSocket("u1");
      await runner.post({ id: "away-0", type: "task.updated", partitionkey: "away" }, task("away"));
      await until(async () => expect(idsOf(before.frames)).toContain("away-0"));
      const cursor = before.frames.at(-1)?.cursor ?? "";
      before.close();
      const ids = Array.from({ length: 50 }, (_, index) => `away-${index + 1}`);
      for (const id of ids)
        expect(
          await runner.post({ id, type: "task.updated", partitionkey: "away" }, task("away")),
        ).toBe(202);
      const after = await openSocket("u1", `?cursor=${cursor}`);
      expect(after.frames[0]).toMatchObject({ type: "hello", recovered: true });
      await until(async () => expect(idsOf(after.frames)).toEqual(ids));
      after.close();

      const token = await runner.token("u1");
      const sse = new EventSource(runner.url("websocket-gateway", `/sse?cursor=${cursor}`), {
        fetch: (url, init) =>
          fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
      });
      const frames: Frame[] = [];
      const listen = ({ data }: { data: string }): void =>
        void frames.push(JSON.parse(data) as Frame);
      for (const name of ["message", "hello", "event"]) sse.addEventListener(name, listen);
      await until(async () => expect(frames.flatMap(({ event }) => event?.id ?? [])).toEqual(ids));
      sse.close();
    });
  });

  return () => flow;
}

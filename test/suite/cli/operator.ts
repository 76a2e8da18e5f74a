/** What the tests of the operator's commands share: the command as a person runs it, topics, and a function that records. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import type { IHeaders } from "kafkajs";
import { onTestFinished } from "vitest";
import { openKafka } from "../../../lib/kafka/client.ts";
import { createTopics } from "../../../lib/kafka/create-topics.ts";

const main = join(import.meta.dirname, "../../../cli/main.ts");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** On standard error, until now. */
  readonly said: () => string;
  readonly ended: Promise<Ended>;
}

export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => resolve({ code, out, err }));
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return { child, said: () => err, ended };
}

export const run = (args: readonly string[], env?: Record<string, string>): Promise<Ended> =>
  start(args, env).ended;

export interface TestRecord {
  readonly partition?: number;
  readonly key?: string;
  readonly value: string | null;
  readonly headers?: IHeaders;
  readonly atMs?: number;
}

/** A topic of its own, gone with the test. */
export async function makeTopic(broker: string, name: string, partitions = 1) {
  const topic = `${name}-${randomUUID()}`;
  const kafka = openKafka({ brokers: broker, clientId: "test" });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  await createTopics(kafka, [{ topic, numPartitions: partitions }]);
  onTestFinished(async () => {
    const names = (await admin.listTopics()).filter((it) => it.startsWith(topic));
    await admin.deleteTopics({ topics: names });
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  });
  return {
    topic,
    kafka,
    admin,
    /** As a consumer does; kafkajs' `setOffsets` takes 5 seconds. */
    commit: async (groupId: string, offsets: readonly number[]) => {
      const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
      onTestFinished(async () => void (await admin.deleteGroups([groupId])));
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      // With its first fetch kafkajs writes offsets of its own for partitions that have none.
      const fetched = new Promise((resolve) => consumer.on(consumer.events.FETCH, resolve));
      await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
      await fetched;
      await consumer.commitOffsets(
        offsets.map((offset, partition) => ({ topic, partition, offset: String(offset) })),
      );
      await consumer.disconnect();
    },
    produce: async (records: readonly TestRecord[], to = topic) => {
      await producer.send({
        topic: to,
        messages: records.map(({ partition = 0, key = null, value, headers = {}, atMs }) => ({
          partition,
          key,
          value,
          headers,
          ...(atMs === undefined ? {} : { timestamp: String(atMs) }),
        })),
      });
    },
  };
}

export interface Posted {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers each POST with what `answer` gives for it, 204 by default. */
export async function startFunctionStub(
  answer: (posted: Posted, count: number) => Promise<number> | number = () => 204,
) {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = { headers: request.headers, body: Buffer.concat(chunks).toString() };
      posted.push(one);
      void Promise.resolve(answer(one, posted.length)).then((status) => {
        const reason = status === 422 ? { "kne-reason": "data_invalid: no such thing" } : {};
        response.writeHead(status, reason).end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const idsOf = (): string[] => posted.map(({ headers }) => String(headers["ce-id"])).toSorted();
  return { url: `http://127.0.0.1:${port}`, posted, idsOf };
}

/** A CloudEvent in binary content mode, as the Broker's ingress writes it. */
export const eventHeaders = (id: string, type = "task.created"): Record<string, string> => ({
  ce_specversion: "1.0",
  ce_id: id,
  ce_source: "/task-app",
  ce_type: type,
  ce_partitionkey: "t1",
  "content-type": "application/json",
});

export const taskData = (title = "Buy milk"): string =>
  JSON.stringify({ task_id: "t1", user_id: "u1", payload: { title } });

export interface Failure {
  readonly destination: string;
  readonly code?: number;
  readonly reason?: string;
  readonly error?: string;
}

/** The dead letter that the KafkaSink writes of an event at a place of the topic. */
export function deadLetter(
  sent: Readonly<Record<string, string>>,
  place: readonly [partition: number, offset: number],
  { destination, code, reason, error }: Failure,
): IHeaders {
  return {
    ...sent,
    ce_knativekafkapartition: String(place[0]),
    ce_knativekafkaoffset: String(place[1]),
    ce_knativeerrordest: destination,
    ...(code === undefined ? {} : { ce_knativeerrorcode: String(code) }),
    ...(error === undefined ? {} : { ce_knativeerrordata: Buffer.from(error).toString("base64") }),
    ...(reason === undefined ? {} : { ce_reason: reason }),
  };
}

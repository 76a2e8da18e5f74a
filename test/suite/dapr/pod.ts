/** A pod of the gateway with another app in its place: the sidecar is started as the runner starts it. */
import { randomUUID } from "node:crypto";
import type { Kafka, Message, Producer } from "kafkajs";
import { expect, vi } from "vitest";
import { openKafka } from "../../../lib/kafka/client.ts";
import { prepare } from "../../../local/runner.ts";
import { startPodSidecar } from "../../../local/start/server/sidecar.ts";
import { makeFolder } from "../../support/folder.ts";
import { root } from "../../support/runner.ts";
import { App, type Delivered } from "./app.ts";

export interface DaprTarget {
  /** KAFKA_BROKER, and for real ones DAPRD, REDIS_URL. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Place {
  readonly partition: number;
  readonly offset: number;
}

export const TOPIC = "task-events";
/** More than in the cluster: a test that holds one up has it for itself. */
const PARTITIONS = 32;

export interface Pod extends AsyncDisposable {
  readonly app: App;
  readonly kafka: Kafka;
  readonly podName: string;
  readonly httpPort: number;
  readonly apiToken: string;
  readonly appApiToken: string;
  readonly notes: readonly string[];
  /** A partition that no other test uses. */
  ownPartition(): number;
  /** Asks the sidecar with its token. */
  call(path: string, init?: RequestInit): Promise<Response>;
  send(message: Message & { partition?: number }): Promise<Place>;
  /** The first delivery of a record. */
  received(place: Place, timeoutMs?: number): Promise<Delivered>;
}

export async function openPod(target: DaprTarget): Promise<Pod> {
  await using starting = new AsyncDisposableStack();
  const podName = `pod-${randomUUID()}`;
  const kafka = openKafka({ brokers: target.env["KAFKA_BROKER"] ?? "", clientId: podName });
  await beginAtEnd(kafka, podName);
  const app = starting.use(new App());
  const notes: string[] = [];
  const sidecar = starting.use(await startSidecar(target, podName, app, notes, starting));
  await app.listen(sidecar.appPort ?? 0);
  await sidecar.ready?.();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  starting.defer(() => producer.disconnect());
  const { httpPort, env = {} } = sidecar;
  const apiToken = env["DAPR_API_TOKEN"] ?? "";
  let partitions = PARTITIONS;
  const running = starting.move();
  return {
    app,
    kafka,
    podName,
    httpPort,
    apiToken,
    appApiToken: env["APP_API_TOKEN"] ?? "",
    notes,
    ownPartition: () => (partitions -= 1),
    call: (path, init = {}) =>
      fetch(`http://127.0.0.1:${String(httpPort)}${path}`, {
        ...init,
        headers: { "dapr-api-token": apiToken, ...(init.headers as Record<string, string>) },
      }),
    send: (message) => sendOne(producer, message),
    received: async (place, timeoutMs = 20_000) => {
      await expect.poll(() => app.at(place).length, { timeout: timeoutMs }).toBeGreaterThan(0);
      const [first] = app.at(place);
      if (first === undefined) throw new Error("it was there");
      return first;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** As the gateway does before it opens its port. */
async function beginAtEnd(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });
  // A new partition has no leader for a moment.
  const ends = await vi.waitFor(() => admin.fetchTopicOffsets(TOPIC), { timeout: 20_000 });
  const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
  await admin.setOffsets({ groupId, topic: TOPIC, partitions });
  await admin.disconnect();
}

async function startSidecar(
  target: DaprTarget,
  podName: string,
  app: App,
  notes: string[],
  stack: AsyncDisposableStack,
) {
  const tokens = { DAPR_API_TOKEN: "a token for the sidecar", APP_API_TOKEN: "one for the app" };
  const env = { ...target.env, ...tokens };
  const stateDir = stack.use(await makeFolder()).path;
  const { plan, ports, servers } = prepare({ root, stateDir, env, log: () => undefined });
  const planned = plan.statefulSets[0]?.sidecar;
  if (planned === undefined) throw new Error("the gateway has no sidecar");
  const command = { sources: root, stateDir, env, secrets: () => undefined };
  const note = (subject: string, line: string): void => void notes.push(`${subject}: ${line}`);
  const options = { plan, ports, command, servers, root, note };
  return startPodSidecar(options, planned, podName, () => app.port);
}

async function sendOne(
  producer: Producer,
  { partition = 0, ...message }: Message & { partition?: number },
): Promise<Place> {
  const messages = [{ ...message, partition }];
  const [answer] = await producer.send({ topic: TOPIC, acks: -1, messages });
  return { partition, offset: Number(answer?.baseOffset) };
}

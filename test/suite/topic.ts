/** The topic made again: by the project's own Job, and behind its back. For any target. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Admin, Kafka } from "kafkajs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openKafka } from "../../lib/kafka/client.ts";
import { createTopics } from "../../lib/kafka/create-topics.ts";
import { openKeys } from "../../local/secret.ts";
import { WsClient } from "../functions/websocket-gateway/fixture/client.ts";
import { pidsOf } from "../support/chaos.ts";
import { deadLetters, entriesOf, publish, type TaskEvent, until } from "../support/look.ts";
import { produceNullHeader } from "../support/null-header.ts";
import { root, type Runner, type RunnerOptions } from "../support/runner.ts";
import { type Ended, run } from "./cli/operator.ts";

export interface TopicFlow extends AsyncDisposable {
  readonly runner: Runner;
  /** `host:port` */
  readonly kafka: string;
}

const topic = "task-events";
const partitions = 12;
const CONFIG_MAP = "eventing/config-map-task-events-topics.yaml";
/** Real Kafka holds the place of a killed member for its session. */
const PATIENCE_MS = 60_000;

const events = (name: string, count: number): TaskEvent[] =>
  Array.from({ length: count }, (_, index) => ({ id: `${name}-${index}`, task: `t${index % 40}` }));

export function topicTests(start: (options: RunnerOptions) => Promise<TopicFlow>): void {
  let flow: TopicFlow;
  let runner: Runner;
  let token: string;
  let kafka: Kafka;
  let admin: Admin;

  beforeAll(async () => {
    flow = await start({
      edit: {
        [CONFIG_MAP]: (text) => text,
        // What fills holes by itself is not looked at here.
        "knative/base/cron-job-verify.yaml": (text) =>
          text.replace(/schedule: ".*"/, 'schedule: "0 0 1 1 *"'),
      },
    });
    runner = flow.runner;
    token = await runner.token("u1");
  }, 180_000);
  afterAll(() => flow?.[Symbol.asyncDispose](), 60_000);
  beforeEach(async () => {
    kafka = openKafka({ brokers: flow.kafka, clientId: "test" });
    admin = kafka.admin();
    await admin.connect();
  });
  afterEach(() => admin.disconnect());

  const operate = (...args: string[]): Promise<Ended> =>
    run(args, {
      KAFKA_BROKER: flow.kafka,
      CONSOLE_PORT: String(runner.ports.console),
      AUDIT_LOG_PORT: String(runner.ports["audit-log"]),
    });

  const connect = async (cursor?: string): Promise<WsClient> => {
    const options = cursor === undefined ? { token } : { token, cursor };
    const client = new WsClient(runner.url("websocket-gateway"), options);
    await client.hello();
    return client;
  };

  /** Events of the tests; all pages. */
  const recorded = async (): Promise<string[]> =>
    (await entriesOf(runner, "source=/task-app")).map(({ id }) => id).toSorted();

  const untilRecorded = (list: readonly TaskEvent[]): Promise<void> =>
    until(async () => {
      expect(await recorded()).toEqual(list.map(({ id }) => id).toSorted());
    }, PATIENCE_MS);

  const untilNoLag = (): Promise<void> =>
    until(async () => {
      const { out } = await operate("lag", "--json");
      const { groups } = JSON.parse(out) as { groups: { records: number }[] };
      expect(groups.map(({ records }) => records)).toEqual([0, 0, 0, 0]);
    }, PATIENCE_MS);

  /** One of audit-log's Jobs, as the cluster runs it: with the environment that the function has, and Kafka. */
  function runJob(name: "topics" | "verify", more: Record<string, string> = {}): Promise<Ended> {
    const [pid = 0] = pidsOf(runner, "audit-log");
    const pairs = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const env = Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
    const { EXIT_WITH_PARENT: _, ...own } = env;
    const owner = new URL(own["DATABASE_URL"] ?? "");
    owner.username = "audit_owner";
    owner.password = openKeys(runner.stateDir)("role-audit_owner");
    own["MAINTENANCE_DATABASE_URL"] = owner.href;
    own["KAFKA_BROKER"] = flow.kafka;
    const file = join(root, "functions", "audit-log", `${name}.ts`);
    return new Promise((resolve) => {
      execFile(process.execPath, [file], { env: { ...own, ...more } }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), out, err }),
      );
    });
  }

  const runTopics = (generation: number): Promise<Ended> =>
    runJob("topics", {
      TOPICS: `${topic} ${topic}-dead-letters`,
      PARTITIONS: String(partitions),
      REMAKE_GENERATION: String(generation),
    });

  async function restartWith(generation: number): Promise<void> {
    const path = join(runner.stateDir, "..", "root", CONFIG_MAP);
    const text = readFileSync(path, "utf8");
    writeFileSync(
      path,
      text.replace(/remake.generation: "\d+"/, `remake.generation: "${generation}"`),
    );
    await runner.kill("SIGTERM");
    await runner.start();
  }

  /** It reaches no function: Knative drops what has a null header. */
  const produceDropped = (partition: number): Promise<void> =>
    produceNullHeader(flow.kafka, {
      topic,
      partition,
      value: JSON.stringify({ type: "task.updated", task_id: "dropped", user_id: "u1" }),
      headers: { nothing: null },
    });

  const endOf = async (partition: number): Promise<string> =>
    (await admin.fetchTopicOffsets(topic)).find((it) => it.partition === partition)?.high ?? "";

  const before = events("before", 60);
  const after = events("after", 40);
  const behind = events("behind", 120);
  let cursor: string;

  describe("by the Job", () => {
    it(
      "is refused while somebody reads, or for a generation that is not there",
      { timeout: 120_000 },
      async () => {
        const client = await connect();
        await publish(runner, before);
        await client.untilIds(before.map(({ id }) => id));
        cursor = client.lastCursor;
        await untilRecorded(before);
        await untilNoLag();
        const refused = await runTopics(1);
        expect(refused.code).toBe(2);
        expect(refused.err).toMatch(/audit-log.* still read task-events: let the sources deliver/);
        const wrong = await runTopics(7);
        expect([wrong.code, wrong.err]).toEqual([
          2,
          expect.stringContaining(
            "REMAKE_GENERATION is 7, but the present generation of task-events is 1",
          ),
        ]);
        expect((await operate("verify")).code).toBe(0);
      },
    );

    it(
      "is a new generation, and what the old topic had not delivered is recorded or lost",
      { timeout: 180_000 },
      async () => {
        await produceDropped(0);
        await admin.fetchTopicOffsets(topic);
        await admin.deleteTopicRecords({
          topic,
          partitions: [{ partition: 0, offset: await endOf(0) }],
        });
        await produceDropped(1);
        await untilNoLag();
        const from = runner.output.length;
        await restartWith(1);
        expect(runner.output.slice(from)).toContain("1 offsets of the topic before are lost");

        const late = await connect(cursor);
        expect(late.frames[0]).toMatchObject({ type: "hello", recovered: false });
        const client = await connect();
        await publish(runner, after);
        await client.untilIds(after.map(({ id }) => id));
        await untilRecorded([...before, ...after]);
        const dropped = await entriesOf(runner, "source=/kafka/task-events");
        expect(dropped.map(({ id }) => id)).toEqual([expect.stringMatching(/^1\//)]);
        await untilNoLag();
        expect(await deadLetters(runner)).toEqual([]);
        cursor = client.lastCursor;
      },
    );

    it("is told by verify, with what was lost", { timeout: 60_000 }, async () => {
      const { code, out } = await operate("verify");
      expect(out).toContain("generation 1: 1 offset lost with its topic");
      expect(out).toMatch(/^generation 2, since .+: made$/m);
      expect(out).toContain(`offsets: ${after.length} recorded, 0 void, 0 lost, 0 in holes`);
      expect(code).toBe(1);
    });

    it("happens once, though the number stays where it is", { timeout: 120_000 }, async () => {
      await restartWith(1);
      expect((await operate("verify")).out).toContain("generation 2, since ");
      const client = await connect(cursor);
      expect(client.frames[0]).toMatchObject({ type: "hello", recovered: true });
    });
  });

  describe("behind its back", () => {
    it(
      "is an alarm, though the topic is longer than before, and all that it has is recorded",
      { timeout: 180_000 },
      async () => {
        await admin.deleteTopics({ topics: [topic] });
        await until(async () => expect(await admin.listTopics()).not.toContain(topic));
        await createTopics(kafka, [{ topic, numPartitions: partitions }]);
        await publish(runner, behind);
        await until(async () => {
          expect(await runJob("verify")).toMatchObject({ code: 0 });
          expect((await operate("verify", "--wait", "0")).out).toContain("0 in holes, 0 not yet");
        }, PATIENCE_MS);
        await untilRecorded([...before, ...after, ...behind]);
        const { code, out } = await operate("verify");
        expect(out).toMatch(/The topic was re-made behind our back: .+ is not known\./);
        expect(out).toMatch(/^generation 3, since .+: re-made behind our back/m);
        // More than were posted, where the ingress had to be asked again.
        const ends = await admin.fetchTopicOffsets(topic);
        const records = ends.reduce((sum, { high }) => sum + Number(high), 0);
        expect(out).toContain(`offsets: ${records} recorded`);
        expect(code).toBe(1);
        // It is closed, where its coming is what tells the gateway of the other topic.
        const resumed = await connect(cursor).catch(() => connect(cursor));
        expect(resumed.frames[0]).toMatchObject({ type: "hello", recovered: false });
      },
    );
  });
}

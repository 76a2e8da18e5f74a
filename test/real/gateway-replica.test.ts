/** Three replicas of the gateway, each with a daprd of its own, on Apache Kafka: every one gets every event, whatever is restarted. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openKafka } from "../../lib/kafka/client.ts";
import { type RealServers, startServers } from "../../local/real/servers.ts";
import { WsClient } from "../functions/websocket-gateway/fixture/client.ts";
import { pidsOf } from "../support/chaos.ts";
import { type Folder, makeFolder } from "../support/folder.ts";
import { publish, type TaskEvent, until } from "../support/look.ts";
import { lacks, realParts } from "../support/real.ts";
import { Runner } from "../support/runner.ts";

const GATEWAY = "websocket-gateway";
const MANIFEST = "knative/base/stateful-set-websocket-gateway.yaml";
/** Kafka holds the place of a member that was killed for its session: 10 s. */
const PATIENCE_MS = 60_000;

const replicaLine = (count: number) => (text: string) =>
  text.replace(/replicas: \d+/, `replicas: ${count}`);

const events = (name: string, count: number): TaskEvent[] =>
  Array.from({ length: count }, (_, index) => ({ id: `${name}-${index}`, task: `t${index % 24}` }));

describe.skipIf(lacks("kafka", "daprd", "postgres", "redis"))("three replicas", () => {
  let folder: Folder;
  let servers: RealServers;
  let runner: Runner;
  let token: string;

  beforeAll(async () => {
    folder = await makeFolder();
    servers = await startServers({ parts: realParts, dataDir: folder.path, env: {} });
    runner = await Runner.start({ edit: { [MANIFEST]: replicaLine(3) }, env: servers.variables });
    token = await runner.token("u1");
  }, 180_000);

  afterAll(async () => {
    await runner?.[Symbol.asyncDispose]();
    await servers?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  }, 60_000);

  /** The pod's own address, behind the front's; its process's id. */
  async function pod(ordinal: number): Promise<{ url: string; pid: number }> {
    let found: { url: string; pid: number } | undefined;
    await until(async () => {
      const pods = pidsOf(runner, GATEWAY).map((pid) => ({ pid, env: environmentOf(pid) }));
      const own = pods.find(({ env }) => env["POD_NAME"] === `${GATEWAY}-${ordinal}`);
      const url = `http://127.0.0.1:${own?.env["PORT"]}`;
      expect((await fetch(`${url}/health/readiness`)).ok).toBe(true);
      found = { url, pid: own?.pid ?? 0 };
    }, PATIENCE_MS);
    if (found === undefined) throw new Error("it was there");
    return found;
  }

  const follow = async (ordinal: number, cursor?: string): Promise<WsClient> => {
    const options = cursor === undefined ? { token } : { token, cursor };
    const client = new WsClient((await pod(ordinal)).url, options);
    await client.hello();
    return client;
  };
  const followAll = (cursors: readonly string[] = []): Promise<WsClient[]> =>
    Promise.all([0, 1, 2].map((ordinal) => follow(ordinal, cursors[ordinal])));

  /** Each event once, and no other. */
  async function seen(clients: readonly WsClient[], list: readonly TaskEvent[]): Promise<void> {
    const ids = list.map(({ id }) => id).toSorted();
    const settled = clients.map(async (client) => {
      await until(() => expect(client.ids.toSorted()).toEqual(ids), PATIENCE_MS);
    });
    await expect(Promise.all(settled)).resolves.toHaveLength(clients.length);
  }

  async function restartWith(replicas: number): Promise<void> {
    const path = join(runner.stateDir, "..", "root", MANIFEST);
    writeFileSync(path, replicaLine(replicas)(readFileSync(path, "utf8")));
    await runner.kill("SIGTERM");
    await runner.start();
  }

  it("show every event, each of them", { timeout: 120_000 }, async () => {
    const clients = await followAll();
    const list = events("all", 300);
    await publish(runner, list);
    await seen(clients, list);
    expect(clients.map(({ closeCode }) => closeCode)).toEqual([undefined, undefined, undefined]);
  });

  it("miss nothing when a daprd is killed", { timeout: 180_000 }, async () => {
    const clients = await followAll();
    const list = events("sidecar", 200);
    const published = publish(runner, list);
    const before = daprdOf(runner, 1);
    process.kill(before, "SIGKILL");
    await published;
    await seen(clients, list);
    expect(daprdOf(runner, 1)).not.toBe(before);
    expect(runner.output).toContain("daprd ended with SIGKILL");
  });

  it("miss nothing when a gateway is killed", { timeout: 180_000 }, async () => {
    const clients = await followAll();
    const early = events("early", 50);
    await publish(runner, early);
    await seen(clients, early);
    const cursor = clients[2]?.lastCursor ?? "";
    const list = events("gateway", 200);
    const published = publish(runner, list);
    process.kill((await pod(2)).pid, "SIGKILL");
    await published;
    const again = await follow(2, cursor);
    await seen(clients.slice(0, 2), [...early, ...list]);
    await seen([again], list);
    const later = events("later", 20);
    await publish(runner, later);
    await seen([again], [...list, ...later]);
    expect(again.frames[0]).toMatchObject({ recovered: true });
  });

  it(
    "have no gap and no flood after a scale-down and a scale-up",
    { timeout: 300_000 },
    async () => {
      const clients = await followAll();
      const list = events("before", 20);
      await publish(runner, list);
      await seen(clients, list);
      const cursors = clients.map((client) => client.lastCursor);
      await restartWith(1);
      const missed = events("missed", 150);
      await publish(runner, missed);
      await restartWith(3);
      const fresh = await followAll();
      const resumed = await followAll(cursors);
      const after = events("after", 30);
      await publish(runner, after);
      await seen(resumed, [...missed, ...after]);
      await seen(fresh, after);
      expect(resumed.map(({ frames }) => frames[0])).toMatchObject(
        cursors.map(() => ({ recovered: true })),
      );
      // daprd began where the gateway set its group: what it handed over is what came since.
      for (const ordinal of [0, 1, 2]) expect(await recordsTaken(ordinal)).toBeLessThan(100);
    },
  );

  it("leave one consumer group an ordinal, and nothing behind", { timeout: 60_000 }, async () => {
    const kafka = openKafka({ brokers: servers.variables["KAFKA_BROKER"] ?? "", clientId: "look" });
    const admin = kafka.admin();
    await admin.connect();
    const names = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
    await admin.disconnect();
    // Kafka itself drops those that only read, which keep no offsets, after some minutes.
    const own = names.filter((name) => name.startsWith(GATEWAY) && !name.includes("-reader-"));
    expect(own.toSorted()).toEqual([0, 1, 2].map((ordinal) => `${GATEWAY}-${ordinal}`));
  });

  /** By the gateway's own count of what it showed. */
  async function recordsTaken(ordinal: number): Promise<number> {
    const { METRICS_PORT: port } = environmentOf((await pod(ordinal)).pid);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(/^task_events_gateway_events_total(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1]);
  }
});

function environmentOf(pid: number): Record<string, string | undefined> {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
  } catch {
    return {};
  }
}

/** The process of one pod's daprd. */
function daprdOf(runner: Runner, ordinal: number): number {
  const pids = readdirSync(join(runner.stateDir, "run")).map(Number);
  const own = pids.find((pid) => {
    const { POD_NAME: name, NAMESPACE: namespace } = environmentOf(pid);
    return namespace !== undefined && name === `${GATEWAY}-${ordinal}`;
  });
  if (own === undefined) throw new Error(`no daprd of ${GATEWAY}-${ordinal} runs`);
  return own;
}

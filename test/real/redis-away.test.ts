/** Redis goes away and comes back: deliveries go on, whoever asks for state is told the truth, and then it works again. */
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStateStore } from "../../functions/websocket-gateway/state/state-store.ts";
import { type RealRedis, startRealRedis } from "../../local/real/redis.ts";
import { openPod, type Pod } from "../suite/dapr/pod.ts";
import { type Folder, makeFolder } from "../support/folder.ts";
import { until } from "../support/look.ts";
import { lacks, realKafka, realParts } from "../support/real.ts";

const DAPRD = realParts.daprd.path ?? "";
const unavailable = { code: "state_unavailable" };

describe.skipIf(lacks("kafka", "daprd", "redis")).each<[string, Record<string, string>]>([
  ["daprd", { DAPRD }],
  ["the runner's own sidecar", {}],
])("%s without its Redis", (_, env) => {
  let folder: Folder;
  let redis: RealRedis;
  let pod: Pod;

  beforeAll(async () => {
    folder = await makeFolder();
    const program = realParts.redis.path ?? "";
    redis = await startRealRedis({ dataDir: folder.path, program });
    pod = await openPod({ env: { KAFKA_BROKER: realKafka, REDIS_URL: redis.url, ...env } });
  });

  afterAll(async () => {
    await pod?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const openStore = () =>
    openStateStore({
      daprHttpPort: pod.httpPort,
      daprApiToken: pod.apiToken,
      log: pino({ level: "silent" }),
    });

  it.each<[string, () => Promise<void>, () => Promise<void>]>([
    ["killed", () => redis.kill(), () => redis.restart()],
    ["at a standstill", () => redis.kill("SIGSTOP"), () => redis.kill("SIGCONT")],
  ])(
    "says that state is unavailable while it is %s, and goes on with what was kept",
    { timeout: 90_000 },
    async (how, take, giveBack) => {
      const store = openStore();
      const key = `kept-${how.length}`;
      expect(await store.put(key, { at: 1 }, 600, undefined)).toBe(true);
      const stored = await store.get(key);
      await take();
      // Not `false`, which would be "another was first": a ticket would pass for used.
      await expect(store.mark(`ticket-${how.length}`, 60)).rejects.toMatchObject(unavailable);
      await expect(store.put(key, { at: 2 }, 600, stored)).rejects.toMatchObject(unavailable);
      await expect(store.get(key)).rejects.toMatchObject(unavailable);
      const place = await pod.send({ value: "live" });
      expect((await pod.received(place)).value.toString()).toBe("live");
      await giveBack();
      await until(async () => expect((await store.get(key))?.value).toHaveProperty("at"), 30_000);
      const again = await store.get(key);
      expect(await store.put(key, { at: 3 }, 600, again)).toBe(true);
      expect((await store.get(key))?.value).toEqual({ at: 3 });
    },
  );
});

/** The suite of the runner's sidecar against a real daprd, and each of the two on the real and on the embedded log. */
import { afterAll, beforeAll, describe } from "vitest";
import { type RunningKafka, startKafka } from "../../local/kafka/server.ts";
import { type RealRedis, startRealRedis } from "../../local/real/redis.ts";
import { daprTests } from "../suite/dapr.ts";
import { type Folder, makeFolder } from "../support/folder.ts";
import { lacks, realKafka, realParts } from "../support/real.ts";

describe.skipIf(lacks("kafka", "daprd", "redis"))("a sidecar", () => {
  let folder: Folder;
  let redis: RealRedis;
  let embedded: RunningKafka;

  beforeAll(async () => {
    folder = await makeFolder();
    const program = realParts.redis.path ?? "";
    redis = await startRealRedis({ dataDir: `${folder.path}/redis`, program, password: "p:w@1" });
    embedded = await startKafka({ dataDir: `${folder.path}/log`, port: 0 });
  });

  afterAll(async () => {
    await embedded[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const daprd = { DAPRD: realParts.daprd.path ?? "" };

  describe("daprd on Apache Kafka", () => {
    daprTests(() => ({ env: { KAFKA_BROKER: realKafka, REDIS_URL: redis.url, ...daprd } }));
  });

  describe("daprd on the embedded log", () => {
    daprTests(() => ({ env: { KAFKA_BROKER: embedded.address, REDIS_URL: redis.url, ...daprd } }));
  });

  describe("the runner's own on Apache Kafka and Redis", () => {
    daprTests(() => ({ env: { KAFKA_BROKER: realKafka, REDIS_URL: redis.url } }));
  });
});

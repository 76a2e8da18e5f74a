/** The embedded log under the suite that real Kafka passes, too. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type RunningKafka, startKafka } from "../../../local/kafka/server.ts";
import { kafkaTests } from "../../suite/kafka.ts";

let kafka: RunningKafka;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "kafka-suite-"));
  kafka = await startKafka({ dataDir, port: 0 });
});

afterAll(async () => {
  await kafka[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true });
});

kafkaTests(() => kafka.address);

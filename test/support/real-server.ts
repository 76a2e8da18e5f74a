/** Global setup of test/real, after the parts are there: one Kafka for the whole run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startRealKafka } from "../../local/real/kafka/kafka.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** `host:port`; empty where there is no Kafka. */
    realKafka: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["REAL_KAFKA_BROKER"];
  const jars = project.getProvidedContext().realParts.kafka.path;
  if (given || jars === undefined) {
    project.provide("realKafka", given ?? "");
    return () => Promise.resolve();
  }
  const folder = await mkdtemp(join(tmpdir(), "task-events-kafka-"));
  const kafka = await startRealKafka({ dataDir: folder, jars });
  project.provide("realKafka", kafka.address);
  return async () => {
    await kafka[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
}

/** Global setup of test/real: installs what is missing, and starts one Kafka for the whole run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { partsFolder } from "../../local/real/cache.ts";
import { type FoundPart, type FoundParts, installParts } from "../../local/real/install.ts";
import { startRealKafka } from "../../local/real/kafka/kafka.ts";

declare module "vitest" {
  interface ProvidedContext {
    realParts: FoundParts;
    /** `host:port`; empty where there is no Kafka. */
    realKafka: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const found = await installParts(partsFolder(process.env), console.log);
  const sentences = Object.values(found).flatMap(missing);
  if (process.env["CI"] && sentences.length > 0) throw new Error(sentences.join("\n"));
  for (const sentence of sentences) console.warn(`${sentence} Its tests are skipped.`);
  project.provide("realParts", found);
  const given = process.env["REAL_KAFKA_BROKER"];
  const jars = found.kafka.path;
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

const missing = ({ title, path, advice }: FoundPart): string[] =>
  path === undefined ? [`${title} is missing: ${advice}.`] : [];

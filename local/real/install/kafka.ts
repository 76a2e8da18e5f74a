/** Apache Kafka from Maven Central: its jars, in one folder. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../../lib/host/error.ts";
import { installFolder } from "../cache.ts";
import { findProgram, run, versionOf } from "../command.ts";

export const KAFKA_VERSION = "4.3.1";
const FOLDER = `kafka-${KAFKA_VERSION}`;
const OLDEST_JAVA = 17;

/** The folder of its jars, where it is installed and can run. */
export function findKafka(cache: string): string | undefined {
  const jars = join(cache, FOLDER);
  return existsSync(jars) && hasJava() ? jars : undefined;
}

export const canInstallKafka = (): boolean => hasJava() && findProgram("mvn") !== undefined;

export async function installKafka(cache: string): Promise<void> {
  if (!canInstallKafka()) throw new UsageError("it needs Java 17 or newer and Maven (mvn)");
  await installFolder(cache, FOLDER, async (folder) => {
    await run("mvn", [
      "--quiet",
      "--batch-mode",
      `--file=${join(import.meta.dirname, "pom.xml")}`,
      `-Dkafka.version=${KAFKA_VERSION}`,
      "dependency:copy-dependencies",
      `-DoutputDirectory=${folder}`,
      "-DincludeScope=runtime",
    ]);
  });
}

function hasJava(): boolean {
  const java = findProgram("java");
  return java !== undefined && Number.parseInt(versionOf(java, ["-version"]), 10) >= OLDEST_JAVA;
}

/** Publishes the schemas of the contract, where there is a registry: a Job, on the laptop and in the cluster. */
import { exitWith } from "../../lib/host/exit.ts";
import { openLog } from "../../lib/host/log.ts";
import { readSchemasEnv } from "./env.ts";
import { publishSchemas } from "./schema/publish-schemas.ts";
import { openRegistry } from "./schema/registry.ts";

async function main(): Promise<void> {
  const { registryUrl, topic, logLevel } = readSchemasEnv();
  const log = openLog("audit-log", logLevel);
  if (registryUrl === undefined) {
    log.info("SCHEMA_REGISTRY_URL is not set: no schemas are published");
    return;
  }
  await publishSchemas({ registry: openRegistry(registryUrl), topic, log });
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    exitWith(error);
  }
}

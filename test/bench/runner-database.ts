/** The embedded PostgreSQL of a runner, as its superuser. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openKeys } from "../../local/secret.ts";
import type { Runner } from "../support/runner.ts";

export function databaseUrlOf({ stateDir }: Runner): string {
  const port = readFileSync(join(stateDir, "postgres-port"), "utf8").trim();
  return `postgres://postgres:${openKeys(stateDir)("postgres")}@127.0.0.1:${port}/task_events`;
}

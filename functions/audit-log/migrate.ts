/** Brings the schema `audit` up to date, as its owner: a Job, before anything else runs. */
import { exitWith } from "../../lib/host/exit.ts";
import { openLog } from "../../lib/host/log.ts";
import { openStore } from "../../lib/store/database.ts";
import { readMigrateEnv } from "../../lib/store/env.ts";
import { migrate } from "../../lib/store/migrate.ts";
import { migrations } from "./migrations.ts";
import { keepMonthsAhead } from "./month-partition.ts";
import type { AuditTables } from "./tables.ts";

/** Returns the steps that were applied. */
export async function migrateAuditLog(url: string, now: Date): Promise<readonly string[]> {
  const applied = await migrate(migrations, { DATABASE_URL: url });
  await using store = openStore<AuditTables>({ url, schema: "audit", maxConnections: 1 });
  await keepMonthsAhead(store.db, now);
  return applied;
}

if (import.meta.main) {
  try {
    const applied = await migrateAuditLog(readMigrateEnv().url, new Date());
    openLog("audit-log", "info").info({ applied }, "the schema is up to date");
  } catch (error) {
    exitWith(error);
  }
}

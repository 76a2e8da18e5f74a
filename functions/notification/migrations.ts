/** The steps that made the schema `notification`, oldest first. */
import type { Migrations } from "../../lib/store/migrate.ts";
import { ledger } from "./migration/0001-ledger.ts";
import { retention } from "./migration/0002-retention.ts";
import { backlog } from "./migration/0003-backlog.ts";
import { schema } from "./ledger/table.ts";

export const migrations: Migrations = {
  schema,
  steps: { "0001-ledger": ledger, "0002-retention": retention, "0003-backlog": backlog },
};

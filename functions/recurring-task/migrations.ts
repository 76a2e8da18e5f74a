/** The migrations of the schema `recurring`, oldest first. */
import type { Migrations } from "../../lib/store/migrate.ts";
import { series } from "./migration/0001-series.ts";
import { backlog } from "./migration/0002-backlog.ts";

export const migrations: Migrations = {
  schema: "recurring",
  steps: { "0001-series": series, "0002-backlog": backlog },
};

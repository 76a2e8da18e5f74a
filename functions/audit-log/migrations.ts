/** The steps of the schema `audit`, oldest first. */
import type { Migrations } from "../../lib/store/migrate.ts";
import { entry } from "./migration/0001-entry.ts";

export const migrations: Migrations = { schema: "audit", steps: { "0001-entry": entry } };

/** The Job `migrate-notification`: brings the schema up to date as its owner. */
import { exitWith } from "../../lib/host/exit.ts";
import { migrate } from "../../lib/store/migrate.ts";
import { migrations } from "./migrations.ts";

if (import.meta.main) await migrate(migrations).catch(exitWith);

/** Brings the schema `recurring` up to date: the entry of the migration Job. */
import { exitWith } from "../../lib/host/exit.ts";
import { migrate } from "../../lib/store/migrate.ts";
import { migrations } from "./migrations.ts";

if (import.meta.main) {
  try {
    await migrate(migrations);
  } catch (error) {
    exitWith(error);
  }
}

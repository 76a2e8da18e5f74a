/** The variable that a migration reads. */
import { readVariables, type Environment } from "../host/variables.ts";

export function readMigrateEnv(env: Environment = process.env): { readonly url: string } {
  const read = readVariables(env);
  const url = read.url(
    "DATABASE_URL",
    ["postgres:", "postgresql:"],
    "the owner's connection to PostgreSQL",
  );
  read.check();
  return { url };
}

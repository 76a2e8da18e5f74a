/** The programs of a PostgreSQL that the machine has: Debian's, else those on the PATH. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { PostgresBinary } from "../../part/postgres-binary.ts";
import { findProgram, isProgram } from "../command.ts";

const DEBIAN = "/usr/lib/postgresql";

export function systemPostgres(): PostgresBinary | undefined {
  const newestFirst = existsSync(DEBIAN)
    ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a))
    : [];
  for (const version of newestFirst) {
    const [initdb, postgres] = programs.map((name) => join(DEBIAN, version, "bin", name));
    if (initdb && postgres && isProgram(initdb) && isProgram(postgres)) return { initdb, postgres };
  }
  const [initdb, postgres] = programs.map((name) => findProgram(name));
  return initdb === undefined || postgres === undefined ? undefined : { initdb, postgres };
}

const programs = ["initdb", "postgres"] as const;

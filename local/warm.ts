/** Part of the installation: fills the compile cache with everything that a first start would compile. */
import { existsSync, readdirSync } from "node:fs";
import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";
import { COMPILE_CACHE } from "./compile-cache.ts";

const ROOT = join(import.meta.dirname, "..");
/** Each ends at once when it is imported: what they do, they do as a program's main module alone. */
const ENTRIES = ["index", "migrate", "schemas", "topics", "verify"];
/** Loaded late by the functions and the runner. */
const LAZY = ["fastify", "kysely/migration", "nodemailer", "smtp-server", "mailparser"];

enableCompileCache(COMPILE_CACHE);
const functions = readdirSync(join(ROOT, "functions"));
const entries = functions.flatMap((name) =>
  ENTRIES.map((entry) => join(ROOT, "functions", name, `${entry}.ts`)),
);
for (const entry of entries.filter((it) => existsSync(it))) await import(entry);
for (const name of LAZY) await import(name);
await import("./runner.ts");
flushCompileCache();
// Some of what was imported holds timers.
process.exit(0);

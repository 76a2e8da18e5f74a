/** One runner a state folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lockState } from "../../../local/start/state-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock "));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function canLock(): boolean {
  using _ = lockState(folder);
  return true;
}

it("refuses a second holder with a sentence that names the first", () => {
  using _ = lockState(folder);
  expect(() => lockState(folder)).toThrow(
    `Another runner (process ${String(process.pid)}) uses ${folder}`,
  );
});

it("is free again after its holder", () => {
  lockState(folder)[Symbol.dispose]();
  expect(canLock()).toBe(true);
});

it("is taken over from a holder that was killed", async () => {
  const module = JSON.stringify(join(import.meta.dirname, "../../../local/start/state-lock.ts"));
  const holder = spawn(process.execPath, [
    "--input-type=module",
    "-e",
    `import { lockState } from ${module}; lockState(${JSON.stringify(folder)}); process.kill(process.pid, "SIGKILL");`,
  ]);
  await once(holder, "exit");
  expect(existsSync(join(folder, "runner.lock"))).toBe(true);
  expect(canLock()).toBe(true);
});

it("is not held by another process that got the holder's id", () => {
  const stale = { pid: process.pid, startedAt: "an earlier boot" };
  writeFileSync(join(folder, "runner.lock"), JSON.stringify(stale));
  expect(canLock()).toBe(true);
});

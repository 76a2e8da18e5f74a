/** One runner a state folder. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../lib/host/error.ts";
import { tryLock } from "../file/lock.ts";

export function lockState(stateDir: string): Disposable {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = tryLock(join(stateDir, "runner.lock"));
  if (typeof lock !== "number") return lock;
  throw new UsageError(
    `Another runner (process ${String(lock)}) uses ${stateDir}: stop it, or give this one another folder with --state DIR.`,
  );
}

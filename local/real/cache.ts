/** Where installed parts are kept; each in a folder that exists only when it is whole. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { tryLock } from "../file/lock.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export function partsFolder(env: Environment): string {
  const cache = env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return env["PARTS_DIR"] || join(cache, "task-events", "parts");
}

const UNFINISHED = ".unfinished-";
const WAIT_MS = 200;

/** `fill` gets a new folder, which takes its name when it is done. Of two that want it at once, one makes it and one waits. */
export async function installFolder(
  cache: string,
  name: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const target = join(cache, name);
  if (existsSync(target)) return;
  mkdirSync(cache, { recursive: true });
  using _ = await lock(join(cache, `${name}.lock`));
  if (existsSync(target)) return;
  removeUnfinished(cache, name);
  const making = mkdtempSync(target + UNFINISHED);
  await fill(making);
  renameSync(making, target);
}

/** Of an install that was interrupted. */
function removeUnfinished(cache: string, name: string): void {
  for (const found of readdirSync(cache)) {
    if (found.startsWith(name + UNFINISHED)) {
      rmSync(join(cache, found), { recursive: true, force: true });
    }
  }
}

export async function lock(path: string): Promise<Disposable> {
  for (;;) {
    const taken = tryLock(path);
    if (typeof taken !== "number") return taken;
    await delay(WAIT_MS);
  }
}

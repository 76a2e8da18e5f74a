/** Who may have a file. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tryLock } from "../../../local/file/lock.ts";
import { makeFolder } from "../../support/folder.ts";

describe("a lock", () => {
  it.each([
    ["a process that is no more", JSON.stringify({ pid: 4_194_304, startedAt: "123" })],
    [
      "an earlier process with the pid of a running one",
      JSON.stringify({ pid: process.ppid, startedAt: "1" }),
    ],
    ["an earlier process with this very pid", JSON.stringify({ pid: process.pid, startedAt: "1" })],
    ["a process that died before it wrote its pid", ""],
  ])("of %s is taken over", async (_name, content) => {
    await using folder = await makeFolder();
    const path = join(folder.path, "lock");
    writeFileSync(path, content);
    expect(tryLock(path)).not.toBeTypeOf("number");
    expect(tryLock(path)).toBe(process.pid);
  });

  it("is free again when its owner gave it back", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "lock");
    {
      using lock = tryLock(path) as Disposable;
      expect(lock).toBeDefined();
    }
    expect(existsSync(path)).toBe(false);
    expect(tryLock(path)).not.toBeTypeOf("number");
  });
});

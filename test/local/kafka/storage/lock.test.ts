/** Who may have a folder. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lockFolder } from "../../../../local/kafka/storage/lock.ts";
import { makeFolder } from "../../../support/folder.ts";

describe("a lock", () => {
  it.each([
    ["a process that is no more", "4194304 123"],
    ["an earlier process with the pid of a running one", `${process.ppid} 1`],
    ["an earlier process with this very pid", `${process.pid} 1`],
    ["a process that died before it wrote its pid", ""],
  ])("of %s is taken over", async (_name, content) => {
    await using folder = await makeFolder();
    await writeFile(join(folder.path, "lock"), content);
    await using lock = await lockFolder(folder.path);
    expect(lock).toBeDefined();
    await expect(lockFolder(folder.path)).rejects.toThrow(`is in use by process ${process.pid}`);
  });

  it("is free again when its owner gave it back", async () => {
    await using folder = await makeFolder();
    await (await lockFolder(folder.path))[Symbol.asyncDispose]();
    await using again = await lockFolder(folder.path);
    expect(again).toBeDefined();
  });
});

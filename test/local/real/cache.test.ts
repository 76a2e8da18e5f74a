/** The cache of real parts: a folder has its name only when it is whole. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { installFolder, partsFolder } from "../../../local/real/cache.ts";
import { makeFolder } from "../../support/folder.ts";

describe("an install", () => {
  it("is made once, though two ask for it at the same moment", async () => {
    await using cache = await makeFolder();
    let made = 0;
    const fill = async (folder: string): Promise<void> => {
      made += 1;
      // Long enough for the other to meet it half done.
      await new Promise((resolve) => setTimeout(resolve, 50));
      await writeFile(join(folder, "part"), String(made));
    };
    await Promise.all([1, 2].map(() => installFolder(cache.path, "kafka", fill)));
    await installFolder(cache.path, "kafka", fill);
    expect(await readFile(join(cache.path, "kafka", "part"), "utf8")).toBe("1");
    expect(made).toBe(1);
    expect(await readdir(cache.path)).toEqual(["kafka"]);
  });

  it("that failed leaves no part of it, and the next one does it", async () => {
    await using cache = await makeFolder();
    const broken = installFolder(cache.path, "kafka", async (folder) => {
      await writeFile(join(folder, "half"), "");
      throw new Error("the network is gone");
    });
    await expect(broken).rejects.toThrow("the network is gone");
    expect(existsSync(join(cache.path, "kafka"))).toBe(false);
    await installFolder(cache.path, "kafka", (folder) => writeFile(join(folder, "part"), ""));
    expect(await readdir(join(cache.path, "kafka"))).toEqual(["part"]);
    expect(await readdir(cache.path)).toEqual(["kafka"]);
  });

  it("that was killed is no obstacle: its lock and its half go with the next one", async () => {
    await using cache = await makeFolder();
    await mkdir(join(cache.path, "kafka.unfinished-abc"));
    // The process that held it began at another time than whoever has its id now.
    const holder = { pid: process.pid, startedAt: "before" };
    await writeFile(join(cache.path, "kafka.lock"), JSON.stringify(holder));
    await installFolder(cache.path, "kafka", (folder) => writeFile(join(folder, "part"), ""));
    expect(await readdir(cache.path)).toEqual(["kafka"]);
  });
});

describe("the folder of the parts", () => {
  it("is the one of PARTS_DIR, else in the user's cache", () => {
    expect(partsFolder({ PARTS_DIR: "/parts", XDG_CACHE_HOME: "/cache" })).toBe("/parts");
    expect(partsFolder({ XDG_CACHE_HOME: "/cache" })).toBe("/cache/task-events/parts");
    expect(partsFolder({})).toMatch(/\/\.cache\/task-events\/parts$/);
  });
});

/** What an image's build compiled is found by whoever runs the image. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { makeFolder } from "../../support/folder.ts";

const run = promisify(execFile);
const source = join(import.meta.dirname, "../../../lib/host/compile-cache.ts");

async function start(folder: string): Promise<string> {
  const { stdout, stderr } = await run(
    process.execPath,
    ["--import", "./dist/compile-cache.ts", "dist/index.mjs"],
    { cwd: folder, env: { TMPDIR: folder, NODE_DEBUG_NATIVE: "COMPILE_CACHE" } },
  );
  return stdout + stderr;
}

it("by another user than the one that built it, and not at all where there is none", async () => {
  await using folder = await makeFolder();
  const dist = join(folder.path, "dist");
  await mkdir(dist);
  await copyFile(source, join(dist, "compile-cache.ts"));
  await writeFile(join(dist, "index.mjs"), 'console.log("started");');
  expect(await start(folder.path)).toBe("started\n");

  const cache = join(dist, "compile-cache");
  const env = { NODE_COMPILE_CACHE: cache };
  await run(process.execPath, ["-e", "import('./dist/index.mjs')"], { cwd: folder.path, env });
  const [name = ""] = await readdir(cache);
  await rename(join(cache, name), join(cache, name.replace(/\d+$/, "4711")));
  const said = await start(folder.path);
  expect(said).toContain("started\n");
  expect(said).toMatch(/index\.mjs was accepted/);
});

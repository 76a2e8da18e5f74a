/** Ours as it ships: bundled as `make build` does it, and started as its container is. */
import { readFile, rename } from "node:fs/promises";
import { join, parse } from "node:path";
import { build } from "rolldown";
import { run } from "../../../local/real/command.ts";
import { bundleOf } from "../../../rolldown.config.ts";
import type { PeerCommand } from "../peer.ts";

const root = join(import.meta.dirname, "../../..");
const cacheLoader = join(root, "lib/host/compile-cache.ts");
/** The heap is that of their YAML. */
const env = { HOST: "127.0.0.1", METRICS_PORT: "0", NODE_OPTIONS: "--max-semi-space-size=16" };

/** Bundles a function that only the bench has, and starts it as audit-log. */
export async function oursOfBench(name: string, folder: string): Promise<PeerCommand> {
  const dist = join(folder, name, "dist");
  for (const input of [join(import.meta.dirname, `${name}.ts`), cacheLoader]) {
    await build({ ...bundleOf(input, dist), logLevel: "silent" });
  }
  await rename(join(dist, `${name}.mjs`), join(dist, "index.mjs"));
  return { name: "ours", command: await startOf("audit-log"), cwd: join(folder, name), env };
}

/** A function of `make build`, with the compile cache that the build of its image makes. */
export async function oursOfImage(
  name: string,
  variables: Readonly<Record<string, string>>,
): Promise<PeerCommand> {
  const cwd = join(root, "functions", name);
  await run("npm", ["run", "--silent", "build"], { cwd });
  return { name, command: await startOf(name), cwd, env: { ...env, ...variables } };
}

/** As the container of this function starts it. */
async function startOf(name: string): Promise<PeerCommand["command"]> {
  const text = await readFile(join(root, "functions", name, "package.json"), "utf8");
  const { scripts } = JSON.parse(text) as { scripts: { start: string } };
  const [, ...args] = scripts.start.split(" ");
  return [process.execPath, ...args];
}

/** Bundles a peer as ours are, but as CommonJS: faas-js-runtime makes globals by the way, which a module must not. */
export async function bundlePeer(input: string, folder: string): Promise<string> {
  const options = bundleOf(input, folder);
  const name = parse(input).name;
  await build({
    ...options,
    plugins: [],
    output: { ...options.output, entryFileNames: `${name}.cjs`, format: "cjs", strict: false },
    logLevel: "silent",
  });
  return join(folder, `${name}.cjs`);
}

/** Ours as it ships: bundled as `make build` does it, and started as its container is. */
import { join } from "node:path";
import { build } from "rolldown";
import { bundleOf } from "../../../rolldown.config.ts";
import type { PeerCommand } from "../peer.ts";

const root = join(import.meta.dirname, "../../..");

/** Bundles a function that only the bench has; gives the bundle's path. */
export async function bundle(name: string, folder: string): Promise<string> {
  const file = join(folder, name, "index.mjs");
  await build({ ...bundleOf(join(import.meta.dirname, `${name}.ts`), file), logLevel: "warn" });
  return file;
}

/** Of `make build`. */
export const bundleOfFunction = (name: string): string =>
  join(root, "functions", name, "dist/index.mjs");

export const ours = (
  name: string,
  file: string,
  env: Readonly<Record<string, string>> = {},
): PeerCommand => ({
  name,
  command: [process.execPath, file],
  env: { HOST: "127.0.0.1", METRICS_PORT: "0", ...env },
});

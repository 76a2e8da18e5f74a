/** `make parts` where a machine has nothing to offer. */
import { spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder } from "../../support/folder.ts";

const main = join(import.meta.dirname, "../../../local/real/parts.ts");

it("says of each missing part how to get it, and exits with 2", async () => {
  await using folder = await makeFolder();
  const env = { PATH: folder.path, HOME: folder.path, PARTS_DIR: join(folder.path, "parts") };
  const { stdout, stderr, status } = spawnSync(process.execPath, [main], { env, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(2);
  const lines = stdout.split("\n");
  for (const [name, advice] of [
    ["Apache Kafka", "install Java 17 or newer and Maven (Debian: apt-get install maven)"],
    ["daprd", "install Go 1.21 or newer (https://go.dev/dl)"],
    ["Redis", "install Redis or Valkey (Debian: apt-get install redis-server)"],
    ["kustomize", "install Go 1.21 or newer (https://go.dev/dl)"],
    ["kubectl-validate", "install Go 1.21 or newer (https://go.dev/dl)"],
    ["kcat", "install kcat (Debian: apt-get install kcat)"],
  ] as const) {
    const line = lines.find((it) => it.startsWith(`  ${name} `));
    expect(line).toContain(`missing: ${advice}`);
  }
  // Debian's, or the one that npm brings.
  expect(stdout).toMatch(/^ {2}PostgreSQL \d+\.\d+ +\/.*\/postgres$/m);
  expect(await readdir(env.PARTS_DIR)).toEqual([]);
});

/** Bundles each function's entries into its own dist/, because func sees no other folder (knative/func#1880, #3431); the CLI for its image. */
import { globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { defineConfig } from "rolldown";

const bundleOf = (input: string, name = basename(input, ".ts")) => ({
  input,
  platform: "node" as const,
  // pg asks for it only where its C bindings are wanted.
  external: ["pg-native"],
  output: {
    file: join(dirname(input), "dist", `${name}.mjs`),
    format: "esm" as const,
    // Read at a start they would double its CPU and memory (ADR 1).
    sourcemap: false,
    // import() of jose, Fastify and the Dapr client stays lazy within the one file.
    codeSplitting: false,
  },
});

const entries = globSync("functions/*/{index,migrate,schemas,topics,verify}.ts");

// An image runs dist/index.mjs, of whatever it is.
export default defineConfig([
  ...entries.map((entry) => bundleOf(entry)),
  bundleOf("cli/main.ts", "index"),
]);

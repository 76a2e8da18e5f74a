/** Bundles each function's entries into its own dist/, because func sees no other folder (knative/func#1880, #3431). */
import { globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { defineConfig } from "rolldown";

export default defineConfig(
  globSync("functions/*/{index,migrate,schemas,topics,verify}.ts").map((input) => ({
    input,
    platform: "node" as const,
    // pg asks for it only where its C bindings are wanted.
    external: ["pg-native"],
    output: {
      file: join(dirname(input), "dist", `${basename(input, ".ts")}.mjs`),
      format: "esm" as const,
      // Read at a start they would double its CPU and memory (ADR 1).
      sourcemap: false,
      // import() of jose, Fastify and the Dapr client stays lazy within the one file.
      codeSplitting: false,
    },
  })),
);

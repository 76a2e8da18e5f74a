/** Bundles each function's entries into its own dist/, because func sees no other folder (knative/func#1880, #3431); the CLI for its image. */
import { globSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, dirname, join } from "node:path";
import { defineConfig } from "rolldown";

/** What libraries load with the first line of them, and no function uses: https, tls, zlib and worker threads among it. */
const unused =
  /\/(?:prom-client\/lib\/(?:pushgateway|defaultMetrics|cluster|summary)|pino\/lib\/transport)\.js$/;

const withoutUnused = {
  name: "without-unused",
  load: { filter: { id: unused }, handler: () => "module.exports = undefined;" },
};

/**
 * For each built-in module that a file imports, Node makes one that exports all of it, and so loads what the built-in
 * would load with its first use: of node:fs its streams, of node:crypto WebCrypto. A cold start uses neither.
 */
const builtinsAsTheyAre = {
  name: "builtins-as-they-are",
  renderChunk: (code: string) =>
    code.replaceAll(
      /^import (?:\* as )?(\w+|\{.*\}) from ("[a-z_:/]+");$/gm,
      (statement, names: string, id: string) =>
        isBuiltin(id.slice(1, -1))
          ? `const ${names.replaceAll(" as ", ": ")} = globalThis.process.getBuiltinModule(${id});`
          : statement,
    ),
};

export const bundleOf = (input: string, folder: string, name = basename(input, ".ts")) => ({
  input,
  platform: "node" as const,
  // pg asks for it only where its C bindings are wanted.
  external: ["pg-native"],
  plugins: [withoutUnused, builtinsAsTheyAre],
  output: {
    dir: folder,
    format: "esm" as const,
    // Read at a start they would double its CPU and memory (ADR 1).
    sourcemap: false,
    // One character beyond Latin-1, and V8 keeps all of the file in two bytes each, and takes longer to load it.
    charset: "ascii" as const,
    comments: { jsdoc: false },
    // What is loaded late, such as Fastify, jose and the Dapr client, lies in files of its own: a cold start reads none of it.
    entryFileNames: `${name}.mjs`,
    chunkFileNames: "[name]-[hash].mjs",
  },
});

const entries = globSync("functions/*/{index,migrate,schemas,topics,verify}.ts").map((input) =>
  bundleOf(input, join(dirname(input), "dist")),
);
const caches = globSync("functions/*/index.ts").map((input) =>
  bundleOf("lib/host/compile-cache.ts", join(dirname(input), "dist")),
);

// An image runs dist/index.mjs, of whatever it is.
export default defineConfig([...entries, ...caches, bundleOf("cli/main.ts", "cli/dist", "index")]);

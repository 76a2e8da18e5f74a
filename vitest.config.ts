/** The tests: files mirror the sources; those of test/real need real servers and are run by themselves. */
import { defineConfig } from "vitest/config";

/** CI adds up the runs from the files that it names here. */
const results = process.env["VITEST_RESULTS"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/real/**"],
    globalSetup: ["test/support/postgres-server.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Node runs the sources as they are; the tests must not see another transform.
    pool: "forks",
    ...(results === undefined
      ? {}
      : { reporters: ["default", "json"], outputFile: { json: results } }),
  },
});

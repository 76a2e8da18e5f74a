/** The tests: files mirror the sources. Those of test/real run on real servers, and only by `make test-real`. */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** CI adds up the runs from the files that it names here. */
const results = process.env["VITEST_RESULTS"];

const shared = {
  globalSetup: ["test/support/postgres-server.ts"],
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // A condition is waited for, on a busy machine too.
  expect: { poll: { timeout: 15_000, interval: 20 } },
  // Node runs the sources as they are; the tests must not see another transform.
  pool: "forks" as const,
  // One less by default: most tests wait most of the time.
  maxWorkers: availableParallelism(),
};

/** What says how Knative takes and delivers events: on the embedded log with the parts, and again on real Kafka. */
const onBothTargets = [
  "test/local/knative/{ingress-recording,ingress,kafka-sink,kafka-source,silent-loss}.test.ts",
  "test/local/knative/{consumer/initial-offset,event/record-producer}.test.ts",
  "test/docs/ingress.test.ts",
];
/** They hold waits to recorded ones. */
const timedOnBothTargets = ["test/local/knative/{dispatch-recording,ping-source,trigger}.test.ts"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: ["test/real/**", "test/flow/**", "**/node_modules/**"],
        },
      },
      {
        test: {
          ...shared,
          name: "flow",
          include: ["test/flow/**/*.test.ts"],
          // Each starts a whole runner: when the parts are done.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: "real",
          include: ["test/real/**/*.test.ts", ...onBothTargets],
          globalSetup: ["test/support/real-part.ts", "test/support/real-server.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "real-timed",
          include: timedOnBothTargets,
          globalSetup: ["test/support/real-part.ts"],
          // Nothing else may take the cores.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    ...(results === undefined
      ? {}
      : { reporters: ["default", "json"], outputFile: { json: results } }),
  },
});

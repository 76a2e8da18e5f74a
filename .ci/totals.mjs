/** Adds up the result files of the test runs and prints `N passed, N failed, N skipped`. */
import { existsSync, readFileSync } from "node:fs";

const totals = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2)) {
  // A run that did not get as far as writing one must not pass for that.
  if (!existsSync(file)) {
    totals.failed += 1;
    continue;
  }
  const result = JSON.parse(readFileSync(file, "utf8"));
  totals.passed += result.numPassedTests;
  // Nor must a file that does not load, and so has no tests to count.
  const broken = result.testResults.filter(
    (suite) => suite.status === "failed" && suite.assertionResults.length === 0,
  );
  const failed = result.numFailedTests + broken.length;
  // Nor a run that never came to its tests.
  totals.failed += failed === 0 && !result.success ? 1 : failed;
  totals.skipped += result.numPendingTests + result.numTodoTests;
}
process.stdout.write(
  `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);

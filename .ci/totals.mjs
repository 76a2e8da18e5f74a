/** Adds up the result files of the test runs and prints `N passed, N failed, N skipped`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const totals = { passed: 0, failed: 0, skipped: 0 };
for (const file of readdirSync(folder)) {
  const result = JSON.parse(readFileSync(join(folder, file), "utf8"));
  totals.passed += result.numPassedTests;
  // A file that does not load has no tests to count, and must not pass for that.
  const broken = result.testResults.filter(
    (suite) => suite.status === "failed" && suite.assertionResults.length === 0,
  );
  totals.failed += result.numFailedTests + broken.length;
  totals.skipped += result.numPendingTests + result.numTodoTests;
}
process.stdout.write(
  `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);

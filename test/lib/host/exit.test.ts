/** What remains of a program that ended by an error. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const host = join(import.meta.dirname, "../../../lib/host");

function endWith(expression: string): Promise<{ code: unknown; stderr: string }> {
  const program = `
    import { exitWith } from ${JSON.stringify(join(host, "exit.ts"))};
    import { RetryableError, UsageError } from ${JSON.stringify(join(host, "error.ts"))};
    exitWith(${expression});`;
  const args = ["--input-type=module", "--eval", program];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, _stdout, stderr) =>
      resolve({ code: error?.code, stderr }),
    );
  });
}

it.each([
  ["a person's mistake", 'new UsageError("PORT is no number.")', 2, "PORT is no number.\n"],
  ["a dependency that is away", 'new RetryableError("x", "No registry.")', 1, "No registry.\n"],
  ["what is no error", '"a string"', 1, "a string\n"],
])("%s is a sentence", async (_name, expression, code, stderr) => {
  expect(await endWith(expression)).toEqual({ code, stderr });
});

it("a bug shows where it is", async () => {
  const { code, stderr } = await endWith('new TypeError("x is undefined")');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^TypeError: x is undefined\n +at /);
});

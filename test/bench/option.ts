/** Which parts, how many rounds, and whether the results are kept: from PART, BENCH_ROUNDS and BENCH_WRITE. */
import { UsageError } from "../../lib/host/error.ts";

export interface BenchOptions {
  readonly parts: readonly string[];
  readonly rounds: number;
  /** Into `test/bench/result` and `docs/performance.md`. */
  readonly isKept: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Takes up to an hour, so it runs only by name. */
const long = "growth";
/** As they stand in `docs/performance.md`. */
const order = [
  "intake",
  "cold-start",
  "audit",
  "fan-out",
  "recurrence",
  "notification",
  "runner",
  "end-to-end",
  long,
];
const defaultRounds = 3;

/** `known`: the parts that there are. */
export function readOptions(env: Environment, known: readonly string[]): BenchOptions {
  if (process.platform !== "linux") {
    throw new UsageError("make bench reads memory and CPU time from /proc: it needs Linux.");
  }
  const parts = inOrder(known);
  const wanted = env["PART"] || undefined;
  if (wanted !== undefined && !parts.includes(wanted)) {
    throw new UsageError(`PART is one of ${parts.join(", ")}, not ${wanted}.`);
  }
  const text = env["BENCH_ROUNDS"] || String(defaultRounds);
  const rounds = Number(text);
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new UsageError(`BENCH_ROUNDS is a whole number from 1 on, not ${text}.`);
  }
  return {
    parts: wanted === undefined ? parts.filter((part) => part !== long) : [wanted],
    rounds,
    isKept: env["BENCH_WRITE"] === "1",
  };
}

export const inOrder = (names: readonly string[]): string[] =>
  names.toSorted((a, b) => order.indexOf(a) - order.indexOf(b));

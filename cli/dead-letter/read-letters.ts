/** Reads the topic of the dead letters from its beginning to its end as it is now. */
import type { FunctionAt } from "../function/destination.ts";
import { readWindows } from "../topic/read-windows.ts";
import { findExtent, type KafkaSession } from "../topic/session.ts";
import type { Matches } from "./filter.ts";
import { type Letter, toLetter } from "./letter.ts";

export interface ReadLettersOptions {
  readonly session: KafkaSession;
  readonly topic: string;
  readonly functionAt: FunctionAt;
  readonly matches: Matches;
  /** Kept at most. */
  readonly limit: number;
  readonly keep: "oldest" | "newest";
}

export interface Letters {
  /** Oldest first. */
  readonly letters: readonly Letter[];
  /** With those that the limit left out. */
  readonly matched: number;
}

export async function readLetters(options: ReadLettersOptions): Promise<Letters> {
  const { session, topic, functionAt, matches, limit, keep } = options;
  // Made with the other topics: where it is missing, nothing was ever given up.
  const extent = (await findExtent(session, topic)) ?? [];
  let letters: Letter[] = [];
  let matched = 0;
  const trim = (): void => {
    const sorted = letters.toSorted(inOrder);
    letters = keep === "oldest" ? sorted.slice(0, limit) : sorted.slice(-limit);
  };
  await readWindows({
    session,
    topic,
    windows: new Map(
      extent.map(({ low, high }, partition) => [partition, [{ first: low, end: high }]]),
    ),
    onRecords: (_, records) => {
      const found = records.map((record) => toLetter(record, functionAt)).filter(matches);
      matched += found.length;
      letters.push(...found);
      if (letters.length > 2 * limit + 1_000) trim();
    },
  });
  trim();
  return { letters, matched };
}

const inOrder = (a: Letter, b: Letter): number =>
  a.atMs - b.atMs || a.partition - b.partition || a.offset - b.offset;

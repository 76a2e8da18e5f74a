/** `task-events dead-letters redrive`: sends dead letters again, each of them once, whoever asks how often. */
import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import type { Sent } from "../function/send.ts";
import { type Letter, placeOf } from "./letter.ts";
import type { Ledger } from "./redrive-ledger.ts";
import type { Redriver } from "./target.ts";

export interface Job {
  readonly letter: Letter;
  readonly to: string;
  /** Letters of the same event, that other functions gave up: on the topic one record is for all of them. */
  readonly others: readonly Letter[];
}

export interface RedriveOptions {
  readonly redriver: Redriver;
  readonly ledger: Ledger;
  /** Letters a second at most. */
  readonly rate: number;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly onSettled: (letters: number) => void;
}

export interface Outcome extends Job {
  readonly outcome: Sent["outcome"];
  readonly why: string | null;
}

/** Where a target is away even after the retries, what is left is not tried: the same command goes on later. */
export async function redriveAll(
  jobs: readonly Job[],
  options: RedriveOptions,
): Promise<readonly Outcome[]> {
  const away = new AbortController();
  const signal = AbortSignal.any([options.signal, away.signal]);
  const limit = pLimit(options.concurrency);
  const start = pace(options.rate);
  return Promise.all(
    jobs.map((job) =>
      limit(async () => {
        await start(signal);
        const sent = await redriveOne(job, options, signal);
        if (sent.outcome === "unavailable") away.abort();
        options.onSettled(1 + job.others.length);
        return { ...job, outcome: sent.outcome, why: "why" in sent ? sent.why : null };
      }),
    ),
  );
}

async function redriveOne(
  { letter, to, others }: Job,
  { redriver, ledger }: RedriveOptions,
  signal: AbortSignal,
): Promise<Sent> {
  if (signal.aborted) return { outcome: "stopped" };
  const sent = await redriver.redrive(letter, to, signal);
  // After it was taken, never before: a crash in between sends it once more, and the function's inbox knows it.
  if (sent.outcome !== "done") return sent;
  try {
    await ledger.mark([letter, ...others], to);
    return sent;
  } catch (error) {
    const why = `it was taken, but could not be marked: ${error instanceof Error ? error.message : String(error)}`;
    return { outcome: "unavailable", why };
  }
}

/** Resolves for one caller each 1/rate seconds. */
function pace(rate: number): (signal: AbortSignal) => Promise<void> {
  let nextAt = 0;
  return async (signal) => {
    if (signal.aborted) return;
    const now = performance.now();
    const at = Math.max(now, nextAt);
    nextAt = at + 1_000 / rate;
    if (at > now) await delay(at - now, undefined, { signal }).catch(() => undefined);
  };
}

export const toOutcomeJson = ({ letter, others, to, outcome, why }: Outcome) => ({
  dead_letters: [letter, ...others].map(placeOf),
  source: letter.event?.source ?? null,
  id: letter.event?.id ?? null,
  to,
  outcome,
  why,
});

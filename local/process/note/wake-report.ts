/** One line when a function wakes, sleeps, or gets more or fewer processes, with the reason. */
import type { Note } from "./note.ts";
import type { Verdict } from "../scale/pod-autoscaler.ts";

export interface WakeReport {
  scaled(from: number, to: Verdict): void;
  /** A process is ready. */
  ready(): void;
}

export function createWakeReport(name: string, note: Note): WakeReport {
  let askedAt: number | undefined;
  let awakeSince: number | undefined;
  return {
    scaled(from, { size = from, average, inPanic }) {
      const now = performance.now();
      if (from === 0) askedAt = now;
      if (size === 0) {
        const awake = awakeSince === undefined ? "" : `, after ${duration(now - awakeSince)} awake`;
        note(name, `asleep: idle${awake}`);
        awakeSince = undefined;
      } else if (from > 0) note(name, `${count(from, size)}: ${loadOf(average, inPanic)}`);
    },
    ready() {
      if (askedAt === undefined) return;
      const now = performance.now();
      note(name, `awake after ${String(Math.round(now - askedAt))} ms`);
      awakeSince = now;
      askedAt = undefined;
    },
  };
}

const count = (from: number, to: number): string =>
  `from ${String(from)} to ${String(to)} ${to === 1 ? "process" : "processes"}`;

const loadOf = (average: number, inPanic: boolean): string =>
  `${String(Math.round(average * 10) / 10)} at once on average${inPanic ? " (panic mode)" : ""}`;

function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${String(seconds)} s`;
  return `${String(Math.floor(seconds / 60))} min ${String(seconds % 60)} s`;
}

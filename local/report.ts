/** What a person sees of the runner: one line per delivery and per wake or sleep, and the deliveries the console lists. */
import type { Note, NoteLevel } from "./process/note/note.ts";

export type DeliveryOutcome = "done" | "retry" | "dead-letter" | "dropped";

/** One attempt at one function. */
export interface DeliveryReport {
  readonly function: string;
  readonly event: { readonly source: string; readonly id: string; readonly type: string };
  readonly attempt: number;
  /** Null where no answer came: refused, reset, timed out. */
  readonly status: number | null;
  readonly ms: number;
  readonly at: Date;
  readonly outcome: DeliveryOutcome;
}

export interface DeliveryQuery {
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  readonly limit: number;
}

export interface Report {
  delivery(delivery: DeliveryReport): void;
  /** Newest first. */
  deliveries(query: DeliveryQuery): DeliveryReport[];
  /** A sentence about a function or a part: it wakes, sleeps, or does what nobody must overlook. */
  readonly note: Note;
}

export interface ReportOptions {
  /** Prints one line, without its newline. */
  readonly print: (line: string) => void;
  /** How many of the last deliveries are kept. */
  readonly capacity?: number;
}

export function createReport({ print, capacity = 20_000 }: ReportOptions): Report {
  let kept: DeliveryReport[] = [];
  return {
    delivery(delivery) {
      kept.push(delivery);
      // Cut in halves, so that keeping the last N costs nothing per delivery.
      if (kept.length >= capacity * 2) kept = kept.slice(-capacity);
      print(deliveryLine(delivery));
    },
    deliveries({ id, source, limit }) {
      const found: DeliveryReport[] = [];
      const oldest = Math.max(0, kept.length - capacity);
      for (let index = kept.length - 1; index >= oldest && found.length < limit; index--) {
        const delivery = kept[index];
        if (delivery === undefined) break;
        if (id !== undefined && delivery.event.id !== id) continue;
        if (source !== undefined && delivery.event.source !== source) continue;
        found.push(delivery);
      }
      return found;
    },
    note: (subject, text, level = "info") => print(noteLine(subject, text, level)),
  };
}

function deliveryLine(delivery: DeliveryReport): string {
  const { event, status, outcome } = delivery;
  const columns = [
    printable(event.type).padEnd(24),
    printable(event.id).padEnd(20),
    delivery.function.padEnd(16),
    String(status ?? "---"),
    `${Math.round(delivery.ms)} ms`.padStart(8),
    `attempt ${delivery.attempt}`,
  ];
  if (outcome !== "done") columns.push(outcome);
  return columns.join("  ");
}

const marks: Record<NoteLevel, string> = { info: "", warning: "WARNING: ", error: "ERROR: " };

const noteLine = (subject: string, text: string, level: NoteLevel): string =>
  `${subject}: ${marks[level]}${text.split("\n").map(escaped).join("\n")}`;

/** Producers choose ids and types: no control character of theirs reaches the terminal, and no line is endless. */
export const printable = (text: string): string =>
  escaped(text.length > 60 ? `${text.slice(0, 59)}…` : text);

const escaped = (text: string): string =>
  text.replace(
    /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

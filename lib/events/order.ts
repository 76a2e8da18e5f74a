/** Which of two events of one task came first. */
import type { Position } from "./event.ts";

/** What is kept of the last event that changed a task, to compare the next one with. */
export interface Place {
  readonly id: string;
  readonly source: string;
  /** `effectiveTime` of the event. */
  readonly at: Date;
  readonly position: Position | null;
  /** The topic's generation where it is known: offsets of two generations do not compare. */
  readonly generation: string | null;
}

/** Negative where `a` came first: by offset in one partition and generation, else by time; ties by id. */
export function comparePlaces(a: Place, b: Place): number {
  if (
    a.position !== null &&
    b.position !== null &&
    a.position.partition === b.position.partition &&
    a.generation === b.generation
  ) {
    return a.position.offset - b.position.offset;
  }
  return (
    a.at.getTime() - b.at.getTime() || compareText(a.id, b.id) || compareText(a.source, b.source)
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

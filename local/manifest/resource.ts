/** A resource as it was read: its fields, and where each of them stands. */

export interface Place {
  /** Relative to the repository, e.g. `eventing/broker-task-events.yaml`. */
  file: string;
  /** From 1. */
  line: number;
}

export type FieldPath = readonly (string | number)[];

export interface Read {
  /** The first line of its document. */
  at: Place;
  /** The line of a field; of the nearest one above it where it is absent. */
  placeOf: (path: FieldPath) => Place;
}

export type Resource<Fields> = Fields & Read;

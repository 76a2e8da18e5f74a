/** What a kind's own rules find beyond its schema. */
import type { FieldPath } from "./resource.ts";

export interface Fault {
  path: FieldPath;
  sentence: string;
  /** Works, but not as its writer may think. */
  isWarning?: true;
}

export type Check<Kind> = (resource: Kind) => Iterable<Fault>;

export const fault = (path: FieldPath, sentence: string): Fault => ({ path, sentence });

export const warning = (path: FieldPath, sentence: string): Fault => ({
  path,
  sentence,
  isWarning: true,
});

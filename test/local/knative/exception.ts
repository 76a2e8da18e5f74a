/** Every recorded case of real Knative in which the runner differs on purpose, or which is not replayed, and why. */

export type RecordingName = "ingress" | "dispatch" | "ping" | "trigger-filters";

export interface Exception {
  readonly recording: RecordingName;
  /** Of the recorded case; cases of `trigger-filters` have none and are named by `filterCaseName`. */
  readonly name: string;
  readonly reason: string;
}

export const exceptions: readonly Exception[] = [
  {
    recording: "ingress",
    name: "options-preflight",
    reason:
      "403 before 405: on a laptop every web page can send to localhost, so those of another origin are refused first",
  },
];

interface Named {
  readonly name: string;
}

/** The cases that must be as recorded, and those that must not: they are for `test.fails`, so that no entry outlives its reason. */
export function splitByException<C extends Named>(
  recording: RecordingName,
  cases: readonly C[],
): { readonly same: readonly C[]; readonly different: readonly C[] } {
  const names = new Set(
    exceptions.filter((it) => it.recording === recording).map(({ name }) => name),
  );
  return {
    same: cases.filter(({ name }) => !names.has(name)),
    different: cases.filter(({ name }) => names.has(name)),
  };
}

interface FilterCase {
  readonly filter?: object;
  readonly filters?: readonly object[];
  readonly event: object | null;
}

export const filterCaseName = ({ filter, filters, event }: FilterCase): string =>
  JSON.stringify({ filter, filters, event });

/** Every recorded case of real Knative in which the runner differs on purpose, or which is not replayed, and why. */

export type RecordingName = "ingress" | "dispatch" | "ping" | "trigger-filters";

export interface Exception {
  readonly recording: RecordingName;
  /** Of the recorded case, or of several; cases of `trigger-filters` have none and are named by `filterCaseName`. */
  readonly name: string | RegExp;
  readonly reason: string;
}

export const exceptions: readonly Exception[] = [
  {
    recording: "ingress",
    name: "options-preflight",
    reason:
      "403 before 405: on a laptop every web page can send to localhost, so those of another origin are refused first",
  },
  {
    recording: "trigger-filters",
    name: /"cesql":"[^"]/,
    reason:
      "there is no CESQL for Node: a Trigger with it is refused, with file and line, when the YAML is read",
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
  const names = exceptions.filter((it) => it.recording === recording).map(({ name }) => name);
  const isException = ({ name }: Named) => names.some((it) => isNamed(name, it));
  return {
    same: cases.filter((it) => !isException(it)),
    different: cases.filter(isException),
  };
}

export const isNamed = (name: string, by: Exception["name"]): boolean =>
  typeof by === "string" ? name === by : by.test(name);

interface FilterCase {
  readonly filter?: object | undefined;
  readonly filters?: readonly object[] | undefined;
  readonly event: object | null;
}

export const filterCaseName = ({ filter, filters, event }: FilterCase): string =>
  JSON.stringify({ filter, filters, event });

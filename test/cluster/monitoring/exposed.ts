/** What a metrics port tells: names, labels and their values. */

/** By metric, by label: the values that were told. */
export type Exposed = Map<string, Map<string, Set<string>>>;

export function addExposed(exposed: Exposed, text: string): void {
  for (const line of text.split("\n").filter((it) => it !== "" && !it.startsWith("#"))) {
    const [, metric = "", labels = ""] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    const known = exposed.get(metric) ?? new Map<string, Set<string>>();
    exposed.set(metric, known);
    for (const [, label = "", value = ""] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      known.set(label, (known.get(label) ?? new Set()).add(value));
    }
  }
}

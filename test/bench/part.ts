/** What a part of the bench is: ours and its peers, measured by turns in one run, and what shall come of it. */

/** One figure of one candidate: a value a round. */
export type Values = readonly number[];

export interface Column {
  readonly key: string;
  /** With its unit, e.g. `CPU s/10k`. */
  readonly title: string;
  readonly digits: number;
}

export interface Row {
  /** `ours`, or the peer's package and version. */
  readonly candidate: string;
  /** By the column's key. */
  readonly figures: Readonly<Record<string, Values>>;
}

/** A ratio of two candidates, formed within each round, so that what the machine did meanwhile falls out. */
export interface Goal {
  readonly sentence: string;
  readonly ratios: Values;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Outcome {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
  /** What a reader must know to believe the figures: size of the work, what a peer leaves out. */
  readonly notes: readonly string[];
}

export interface BenchContext {
  readonly rounds: number;
  /** Of this part alone, removed after it. */
  readonly folder: string;
  /** Where the peers' packages are installed: `test/bench/peer`. */
  readonly peerFolder: string;
  readonly say: (line: string) => void;
}

export interface Part {
  /** As `make bench PART=…` names it. */
  readonly name: string;
  readonly title: string;
  /** Fewer than others, so that all parts together stay under ten minutes. */
  readonly maxRounds?: number;
  readonly run: (context: BenchContext) => Promise<Outcome>;
}

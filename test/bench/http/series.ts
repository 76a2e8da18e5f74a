/** Candidates under load by turns, and what an event costs each of them. */
import type { Values } from "../part.ts";
import { type ServerCommand, type ServerProcess, startServer } from "../process/server-process.ts";
import { mean, ratios } from "../ratio.ts";
import { inTurns } from "../turn.ts";
import { type Load, startLoad } from "./load.ts";

export const httpColumns = [
  { key: "rate", title: "events/s", digits: 0 },
  { key: "cpu", title: "CPU s/10k", digits: 3 },
  { key: "p50", title: "p50 ms", digits: 2 },
  { key: "p99", title: "p99 ms", digits: 1 },
] as const;

export type HttpFigure = (typeof httpColumns)[number]["key"];
type HttpFigures = Readonly<Record<HttpFigure, number>>;

export interface SeriesOptions {
  readonly commands: readonly ServerCommand[];
  /** In flight at once. */
  readonly connections: number;
  /** Before the first round: until V8 has compiled what is hot. */
  readonly warmUpMs: number;
  /** Of each of a candidate's two turns a round. */
  readonly ms: number;
  readonly rounds: number;
  /** CPU of what works for the servers, such as a database. */
  readonly otherCpuSeconds?: () => number;
  readonly say: (line: string) => void;
}

export interface Measured {
  /** A value a round. */
  readonly figures: Readonly<Record<HttpFigure, Values>>;
  /** Events that were answered 204, in all. */
  readonly answers: number;
}

/** By candidate. */
export type Series = ReadonlyMap<string, Measured>;

/** As many partitions as the topic has. */
const partitions = 12;
const idPrefix = Date.now().toString(36);
/** Above what one process is sent: no two events that a database sees have the same place in the topic. */
const eventsApart = 12_000_000;
let servers = 0;

export async function measureSeries(options: SeriesOptions): Promise<Series> {
  await using stack = new AsyncDisposableStack();
  const load = stack.use(startLoad());
  const runs: Run[] = [];
  for (const command of options.commands) {
    runs.push(new Run(stack.use(await startServer(command)), command.name, load, options));
  }
  for (const run of runs) await run.turn(options.warmUpMs);
  const rounds = new Map<Run, HttpFigures[]>(runs.map((run) => [run, []]));
  for (let round = 1; round <= options.rounds; round++) {
    options.say(`${options.connections} in flight, round ${round} of ${options.rounds}`);
    const turns = await inTurns(runs, (run) => run.turn(options.ms));
    for (const [run, figures] of turns) rounds.get(run)?.push(meanOf(figures));
  }
  return new Map(
    [...rounds].map(([{ name, answers }, figures]) => [
      name,
      { figures: byFigure(figures), answers },
    ]),
  );
}

/** Of two candidates, round by round. */
export const ratiosOf = (series: Series, figure: HttpFigure, ours: string, peer: string): Values =>
  ratios(series.get(ours)?.figures[figure] ?? [], series.get(peer)?.figures[figure] ?? []);

const meanOf = (figures: readonly HttpFigures[]): HttpFigures =>
  perFigure((figure) => mean(figures.map((one) => one[figure])));

const byFigure = (figures: readonly HttpFigures[]): Record<HttpFigure, Values> =>
  perFigure((figure) => figures.map((one) => one[figure]));

const perFigure = <Value>(value: (figure: HttpFigure) => Value): Record<HttpFigure, Value> => ({
  rate: value("rate"),
  cpu: value("cpu"),
  p50: value("p50"),
  p99: value("p99"),
});

class Run {
  readonly name: string;
  readonly #server: ServerProcess;
  readonly #load: Load;
  readonly #options: SeriesOptions;
  readonly #first = ++servers * eventsApart;
  #answers = 0;

  constructor(server: ServerProcess, name: string, load: Load, options: SeriesOptions) {
    this.name = name;
    this.#server = server;
    this.#load = load;
    this.#options = options;
  }

  get answers(): number {
    return this.#answers;
  }

  async turn(ms: number): Promise<HttpFigures> {
    const { connections } = this.#options;
    const order = { port: this.#server.port, connections, ms, prefix: idPrefix, partitions };
    const before = this.#cpuSeconds();
    const { answers, seconds, p50Ms, p99Ms } = await this.#load.run({
      ...order,
      first: this.#first + this.#answers,
    });
    const cpu = ((this.#cpuSeconds() - before) / answers) * 10_000;
    this.#answers += answers;
    return { rate: answers / seconds, cpu, p50: p50Ms, p99: p99Ms };
  }

  #cpuSeconds(): number {
    return this.#server.cpuSeconds() + (this.#options.otherCpuSeconds?.() ?? 0);
  }
}

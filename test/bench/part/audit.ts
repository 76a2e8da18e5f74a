/** Audit: what it costs that an event is recorded, once and for ever, before it is answered. */
import { withAdmin } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres-process.ts";
import { prepareFunction } from "../candidate/function.ts";
import { oursOfBench } from "../candidate/ours.ts";
import {
  httpColumns,
  type HttpFigure,
  measureSeries,
  ratiosOf,
  type Series,
} from "../http/series.ts";
import type { BenchContext, Goal, Outcome, Part, Values } from "../part.ts";
import { faasInsert, fastifyInsert } from "../peer.ts";
import { cpuSecondsOf } from "../process/server-process.ts";

const levels = [1, 10, 100] as const;
const warmUpMs = 1_500;
const ms = 700;

export const audit: Part = {
  name: "audit",
  title: "Audit: an event POSTed, its entry with key and coverage committed, answered 204",
  run: runAudit,
};

async function runAudit({ rounds, folder, peerFolder, say }: BenchContext): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const postgres = stack.use(await startPostgres());
  const us = stack.use(await prepareFunction("audit-log", postgres.url));
  await makeEventTable(postgres.url);
  const faas = faasInsert(peerFolder, postgres.url);
  const fastify = fastifyInsert(peerFolder, postgres.url);
  const limit = { ...(await oursOfBench("quiet", folder)), name: "the host alone (limit)" };
  const commands = [us, limit, fastify, faas].map((command) => ({ ...command, folder }));
  const otherCpuSeconds = (): number => cpuSecondsOf(postgres.pid);
  const series = new Map<number, Series>();
  for (const connections of levels) {
    const options = { commands, connections, warmUpMs, ms, rounds, say, otherCpuSeconds };
    series.set(connections, await measureSeries(options));
  }
  await checkEntries(us.adminUrl, [...series.values()], us.name);
  const ratio = (level: number, figure: HttpFigure, peer: { name: string }): Values =>
    ratiosOf(series.get(level) ?? new Map(), figure, us.name, peer.name);
  return {
    columns: httpColumns,
    rows: [...series].flatMap(([level, of]) =>
      [...of].map(([name, { figures }]) => ({ candidate: `${level}: ${name}`, figures })),
    ),
    goals: goalsOf((level, figure) => ratio(level, figure, faas), ratio(1, "rate", fastify)),
    notes: [
      "In front of each candidate: events in flight, closed loop. CPU is that of the server and of PostgreSQL.",
      "PostgreSQL 18.4 with its defaults: fsync and synchronous_commit on. Every event is another one. Ours writes key, entry and coverage, and finds duplicates; the peers INSERT a row each, over up to 20 connections.",
    ],
  };
}

const goalsOf = (
  ofFaas: (level: number, figure: HttpFigure) => Values,
  ofFastify: Values,
): Goal[] => [
  {
    sentence: "events/s of faas-js-runtime + kysely, 100 in flight",
    ratios: ofFaas(100, "rate"),
    atLeast: 7,
  },
  {
    sentence: "CPU of faas-js-runtime + kysely, 100 in flight",
    ratios: ofFaas(100, "cpu"),
    atMost: 0.12,
  },
  {
    sentence: "events/s of faas-js-runtime + kysely, 10 in flight",
    ratios: ofFaas(10, "rate"),
    atLeast: 3,
  },
  {
    sentence: "events/s of fastify + kysely, one INSERT each, 1 in flight",
    ratios: ofFastify,
    atLeast: 1,
  },
];

const makeEventTable = (url: string): Promise<void> =>
  withAdmin(url, (admin) =>
    admin.query(`create table event (
      source text, id text, type text not null, subject text, time timestamptz, data jsonb,
      primary key (source, id))`),
  );

/** A fast answer to an event that is not there would be worth nothing. */
async function checkEntries(url: string, series: readonly Series[], name: string): Promise<void> {
  const answers = series.reduce((sum, of) => sum + (of.get(name)?.answers ?? 0), 0);
  await withAdmin(url, async (admin) => {
    const { rows } = await admin.query<{ entries: number }>(
      "select (select count(*) from audit.entry)::integer as entries",
    );
    const entries = rows[0]?.entries ?? 0;
    if (entries !== answers)
      throw new Error(`${answers} events were answered, ${entries} recorded`);
  });
}

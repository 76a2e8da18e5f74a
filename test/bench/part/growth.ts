/** How it behaves as the audit log and the crowd grow. */
import { UsageError } from "../../../lib/host/error.ts";
import { startBundle } from "../bundle.ts";
import { type BenchDatabase, startPostgres } from "../database.ts";
import { bytesOf, growEntries, makeMonths, yearBefore } from "../growth/entries.ts";
import { measurePeers, type PeersCost } from "../growth/idle-peers.ts";
import { type Kind, kinds, type Latency, measureQueries } from "../growth/query.ts";
import { metered } from "../metered.ts";
import type { BenchContext, Goal, Outcome, Part } from "../part.ts";

const defaultRows = 10_000_000;
const leastRows = 100_000;
const peers = [1_000, 5_000, 10_000];
const queries = 300;
const secret = "of-no-use-elsewhere-but-thirty-two-bytes-long";
/** What a busy machine makes of the same. */
const flat = 1.5;

const columns = [
  ...kinds.flatMap((kind) => [
    { key: `${kind} p50`, title: `${kind} p50 ms`, digits: 1 },
    { key: `${kind} p99`, title: `${kind} p99 ms`, digits: 1 },
    { key: `${kind} cpu`, title: `${kind} CPU ms`, digits: 2 },
  ]),
  { key: "bytes", title: "bytes a row or peer", digits: 0 },
];

export const growth: Part = {
  name: "growth",
  title: "growth: pages of the audit log by task, user and time; idle peers of the gateway",
  run,
};

interface Cost extends Latency {
  /** Of the function and PostgreSQL, for one query, in ms. */
  readonly cpu: number;
}

interface Stage {
  readonly rows: number;
  readonly bytesPerRow: number;
  readonly costs: ReadonlyMap<Kind, readonly Cost[]>;
}

async function run({ rounds, folder, say }: BenchContext): Promise<Outcome> {
  const last = readRows();
  const peersCosts = await measurePeers(peers, say);
  await using postgres = await startPostgres();
  const database = await postgres.makeDatabase("audit-log", "audit_log");
  const span = yearBefore(new Date());
  await makeMonths(database, span);
  const stages: Stage[] = [];
  let rows = 0;
  for (const to of [last / 100, last / 10, last]) {
    const startedAt = performance.now();
    // In each stage over the whole year: the fewer they are, the further apart.
    await growEntries(database, { from: rows, to, span, last: to }, say);
    say(`${to} rows after ${Math.round((performance.now() - startedAt) / 1_000)} s`);
    rows = to;
    stages.push(await measureStage(postgres.pid, database, { rounds, folder, rows, span }));
  }
  return toOutcome(stages, peersCosts);
}

function readRows(): number {
  const text = process.env["GROWTH_ROWS"] || String(defaultRows);
  const rows = Number(text);
  if (Number.isSafeInteger(rows / leastRows) && rows > 0) return rows;
  throw new UsageError(`GROWTH_ROWS is a multiple of ${leastRows}, not ${text}.`);
}

interface StageOptions {
  readonly rounds: number;
  readonly folder: string;
  readonly rows: number;
  readonly span: ReturnType<typeof yearBefore>;
}

async function measureStage(
  postgresPid: number,
  database: BenchDatabase,
  { rounds, folder, rows, span }: StageOptions,
): Promise<Stage> {
  await using auditLog = await startBundle({
    name: "audit-log",
    folder,
    given: {
      DATABASE_URL: database.url,
      JWT_SECRET: secret,
      SERVICE_TOKEN_KEY: secret,
    },
  });
  const options = { url: auditLog.url, secret, rows, span, queries };
  const pids = { function: auditLog.pid, postgres: postgresPid };
  const measure = async (kind: Kind): Promise<Cost> => {
    let latency: Latency | undefined;
    const { cpu } = await metered(pids, async () => {
      latency = await measureQueries(kind, options);
    });
    if (latency === undefined) throw new Error("nothing was asked");
    return { ...latency, cpu: ((cpu.function + cpu.postgres) / queries) * 1_000 };
  };
  for (const kind of kinds) await measure(kind);
  const costs = new Map<Kind, Cost[]>(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) costs.get(kind)?.push(await measure(kind));
  }
  return { rows, bytesPerRow: (await bytesOf(database)) / rows, costs };
}

function toOutcome(stages: readonly Stage[], peersCosts: readonly PeersCost[]): Outcome {
  return {
    columns,
    rows: [
      ...stages.map(({ rows, bytesPerRow, costs }) => ({
        candidate: `audit log, ${rows.toLocaleString("en")} rows`,
        figures: Object.fromEntries([
          ...[...costs].flatMap(([kind, all]) => [
            [`${kind} p50`, all.map(({ p50 }) => p50)] as const,
            [`${kind} p99`, all.map(({ p99 }) => p99)] as const,
            [`${kind} cpu`, all.map(({ cpu }) => cpu)] as const,
          ]),
          ["bytes", [bytesPerRow]] as const,
        ]),
      })),
      ...peersCosts.map((cost) => ({
        candidate: `gateway, ${cost.peers.toLocaleString("en")} idle peers`,
        figures: { bytes: [cost.bytesPerPeer] },
      })),
    ],
    goals: kinds.map((kind) => toGoal(kind, stages)),
    notes: [
      `Rows are put in by SQL in the shape that audit-log writes, over the months of a year, with all indexes; ${queries} random pages of 100 entries a round by GET /entries, one after the other. CPU time is that of function and PostgreSQL, for one page.`,
      "Bytes a row are those of entries and keys with all indexes. Bytes a peer are those that the gateway's process has resident beyond none; the first ones also warm it, and the kernel's buffers are not among them.",
    ],
  };
}

/** The last stage beside the one before: a hundredth of a table is in every cache. */
function toGoal(kind: Kind, stages: readonly Stage[]): Goal {
  const [before, last] = stages.slice(-2).map((stage) => stage.costs.get(kind) ?? []);
  const [smaller, larger] = stages.slice(-2).map(({ rows }) => rows.toLocaleString("en"));
  return {
    sentence: `p99 by ${kind} is flat: ${larger} beside ${smaller} rows`,
    ratios: (last ?? []).map(({ p99 }, round) => p99 / (before?.[round]?.p99 ?? NaN)),
    atMost: flat,
  };
}

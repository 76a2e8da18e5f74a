/** A ping that finds many series due among very many more: all published to the runner's Broker, beside a loop over the rows. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { ping } from "../../../lib/events/ping.ts";
import { startBundle } from "../bundle.ts";
import { type Child, startChild } from "../child.ts";
import { type BenchPostgres, startPostgres } from "../database.ts";
import type { BenchContext, Outcome, Part, Row } from "../part.ts";
import { postEvents } from "../post.ts";
import { metered, peakBytesOf } from "../metered.ts";
import type { BrokerNews, BrokerOrder } from "../recurrence/broker-process.ts";
import type { LoopNews, LoopOrder } from "../recurrence/loop-process.ts";
import { fillSeries, makeDueAgain, patternEvents } from "../recurrence/series.ts";

const due = 10_000;
const sizes = [10_000, 100_000, 1_000_000] as const;
const [smallest, , largest] = sizes;
/** The loop takes so long that it gets a part of them. */
const loopDue = 500;
const limitSeconds = 10;
const mebibyte = 1024 * 1024;

const columns = [
  { key: "seconds", title: "s for 10k", digits: 2 },
  { key: "cpu", title: "CPU s/10k", digits: 2 },
  { key: "databaseCpu", title: "PostgreSQL CPU s/10k", digits: 2 },
  { key: "peak", title: "peak MiB", digits: 0 },
];

export const recurrence: Part = {
  name: "recurrence",
  title: "recurrence: one ping, 10,000 series due, published to the runner's Broker",
  run,
};

interface Measured {
  readonly seconds: number;
  readonly cpu: number;
  readonly databaseCpu: number;
  readonly peak: number;
}

async function run({ rounds, folder, say }: BenchContext): Promise<Outcome> {
  await using opened = new AsyncDisposableStack();
  const scene = await openScene(opened, folder, say);
  const turns = [...scene.stages.map(({ all }) => `${all}`), "loop"];
  const measured = new Map<string, Measured[]>(turns.map((turn) => [turn, []]));
  for (let round = 0; round < rounds; round++) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) {
      const stage = scene.stages.find(({ all }) => `${all}` === turn);
      const result = stage === undefined ? await runLoop(scene) : await firePing(scene, stage);
      measured.get(turn)?.push(result);
      say(`round ${round + 1}, ${turn}: ${result.seconds.toFixed(1)} s`);
    }
  }
  return toOutcome(measured);
}

function toOutcome(measured: ReadonlyMap<string, readonly Measured[]>): Outcome {
  const of = (turn: string, key: keyof Measured) =>
    (measured.get(turn) ?? []).map((result) => result[key]);
  const ratios = (valueOf: (one: Measured) => number) => {
    const small = measured.get(`${smallest}`) ?? [];
    const large = measured.get(`${largest}`) ?? [];
    return large.map((one, round) => {
      const other = small[round];
      return other === undefined ? NaN : valueOf(one) / valueOf(other);
    });
  };
  const rowOf = (candidate: string, turn: string): Row => ({
    candidate,
    figures: Object.fromEntries(
      columns.map(({ key }) => [key, of(turn, key as keyof Measured)] as const),
    ),
  });
  const text = (count: number) => count.toLocaleString("en");
  return {
    columns,
    rows: [
      ...sizes.map((all) => rowOf(`ours, ${text(due)} of ${text(all)} series due`, `${all}`)),
      rowOf(`a loop over one SELECT, of ${text(largest)} series`, "loop"),
    ],
    goals: [
      {
        sentence: `of ${text(largest)} series all that are due are published within ${limitSeconds} s: share of that`,
        ratios: of(`${largest}`, "seconds").map((seconds) => seconds / limitSeconds),
        atMost: 1,
      },
      {
        sentence: `CPU time, PostgreSQL's too, grows with due, not with all: ${text(largest)} beside ${text(smallest)} series`,
        ratios: ratios(({ cpu, databaseCpu }) => cpu + databaseCpu),
        atMost: 1.3,
      },
      {
        sentence: `flat memory: the peak with ${text(largest)} beside that with ${text(smallest)} series`,
        ratios: ratios(({ peak }) => peak),
        atMost: 1.2,
      },
    ],
    notes: [
      `The function's own series of 8 rules in 4 time zones, copied by INSERT … SELECT generate_series; what is due is spread evenly over the table.`,
      `The loop publishes ${text(loopDue)} (figures for 10,000), one after the other, with our rules and events; it keeps no outbox: a crash between publishing and its UPDATE publishes twice, and two replicas publish all twice.`,
    ],
  };
}

interface Stage {
  readonly all: number;
  readonly url: string;
  readonly pid: number;
  readonly database: Awaited<ReturnType<BenchPostgres["makeDatabase"]>>;
}

interface Scene {
  readonly postgres: BenchPostgres;
  readonly broker: Child<BrokerOrder, BrokerNews>;
  readonly loop: Child<LoopOrder, LoopNews>;
  readonly stages: readonly Stage[];
}

const moduleOf = (name: string) => join(import.meta.dirname, "../recurrence", `${name}.ts`);

async function openScene(
  opened: AsyncDisposableStack,
  folder: string,
  say: BenchContext["say"],
): Promise<Scene> {
  const postgres = opened.use(await startPostgres());
  const broker = opened.use(
    startChild<BrokerOrder, BrokerNews>(moduleOf("broker-process"), [join(folder, "kafka")]),
  );
  const listening = await broker.news();
  if (!("url" in listening)) throw new Error("the Broker does not say where it listens");
  const stages: Stage[] = [];
  for (const all of sizes) {
    const startedAt = performance.now();
    stages.push(await openStage(opened, { postgres, folder, all, brokerUrl: listening.url }));
    say(`${all} series filled in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
  }
  const { database } = stages.at(-1) ?? {};
  const loop = opened.use(
    startChild<LoopOrder, LoopNews>(moduleOf("loop-process"), [database?.url ?? "", listening.url]),
  );
  return { postgres, broker, loop, stages };
}

interface StageOptions {
  readonly postgres: BenchPostgres;
  readonly folder: string;
  readonly all: number;
  readonly brokerUrl: string;
}

async function openStage(opened: AsyncDisposableStack, options: StageOptions): Promise<Stage> {
  const { postgres, folder, all, brokerUrl } = options;
  const database = await postgres.makeDatabase("recurring-task", `series_${all}`);
  const ours = opened.use(
    await startBundle({
      name: "recurring-task",
      folder: join(folder, `${all}`),
      given: {
        DATABASE_URL: database.url,
        BROKER_URL: brokerUrl,
        JWT_SECRET: "of-no-use-here-but-thirty-two-bytes-long",
      },
    }),
  );
  await postEvents({ url: ours.url, status: 204, inFlight: 1, events: patternEvents() });
  await fillSeries(database, { all, due });
  return { all, url: ours.url, pid: ours.pid, database };
}

async function firePing({ postgres, broker }: Scene, stage: Stage): Promise<Measured> {
  await makeDueAgain(stage.database);
  const event = { id: randomUUID(), type: ping.type, taskId: "ping", data: {} };
  let peak = 0;
  const before = await countEvents(broker);
  const { seconds, cpu } = await metered({ ours: stage.pid, postgres: postgres.pid }, async () => {
    peak = await peakBytesOf(stage.pid, () =>
      postEvents({ url: stage.url, status: 204, inFlight: 1, events: [event] }),
    );
  });
  const published = (await countEvents(broker)) - before;
  if (published !== due) throw new Error(`${published} of ${due} occurrences were published`);
  return { seconds, cpu: cpu.ours, databaseCpu: cpu.postgres, peak: peak / mebibyte };
}

async function runLoop({ postgres, broker, loop, stages }: Scene): Promise<Measured> {
  const stage = stages.at(-1);
  if (stage === undefined) throw new Error("there are no series");
  await makeDueAgain(stage.database);
  const before = await countEvents(broker);
  let peak = 0;
  const { seconds, cpu } = await metered({ loop: loop.pid, postgres: postgres.pid }, async () => {
    peak = await peakBytesOf(loop.pid, async () => {
      loop.order({ limit: loopDue });
      await loop.news();
    });
  });
  const published = (await countEvents(broker)) - before;
  if (published !== loopDue) throw new Error(`${published} of ${loopDue} were published`);
  const scale = due / loopDue;
  return {
    seconds: seconds * scale,
    cpu: cpu.loop * scale,
    databaseCpu: cpu.postgres * scale,
    peak: peak / mebibyte,
  };
}

async function countEvents(broker: Scene["broker"]): Promise<number> {
  broker.order("count");
  const news = await broker.news();
  if ("events" in news) return news.events;
  throw new Error("the Broker does not say how many events it has");
}

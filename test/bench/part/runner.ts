/** `make start`: POST to the Broker → row of the audit log, with the embedded log and with real Kafka in its place. */
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import { UsageError } from "../../../lib/host/error.ts";
import { partsFolder } from "../../../local/real/cache.ts";
import { installParts } from "../../../local/real/install.ts";
import { startRealKafka } from "../../../local/real/kafka/kafka.ts";
import { eventAt } from "../../load/event.ts";
import type { ManifestEdit, Runner, RunnerOptions } from "../../support/runner.ts";
import { withClient } from "../database.ts";
import { startRunner } from "../guarded-runner.ts";
import type { BenchContext, Outcome, Part } from "../part.ts";
import { postEvents } from "../post.ts";
import { metered, untilIdle } from "../metered.ts";
import { databaseUrlOf } from "../runner-database.ts";

const events = 10_000;
const warmUpEvents = 20_000;
const users = 200;
const inFlight = 128;
const goalRate = 2_000;

const columns = [
  { key: "rate", title: "events/s", digits: 0 },
  { key: "accepted", title: "accepted/s", digits: 0 },
  { key: "cpu", title: "CPU s/10k, all processes", digits: 1 },
];

export const runner: Part = {
  name: "runner",
  title: "runner: POST to the Broker → row of the audit log, in make start",
  maxRounds: 2,
  run,
};

interface Measured {
  readonly rate: number;
  readonly accepted: number;
  readonly cpu: number;
}

interface Flow {
  readonly candidate: string;
  readonly runner: Runner;
  readonly kafkaPid: number | undefined;
  /** The next event's number. */
  next: number;
  readonly measured: Measured[];
}

async function run({ rounds, folder, say }: BenchContext): Promise<Outcome> {
  await using opened = new AsyncDisposableStack();
  const parts = await installParts(partsFolder(process.env), say);
  const { path: jars, title, version, advice } = parts.kafka;
  if (jars === undefined) throw new UsageError(`${title} is missing: ${advice}.`);
  const kafka = opened.use(await startRealKafka({ dataDir: folder, jars }));
  const start = async (candidate: string, options: RunnerOptions, pid?: number): Promise<Flow> => {
    const running = await startRunner(opened, options);
    return { candidate, runner: running, kafkaPid: pid, next: 0, measured: [] };
  };
  const env = { KAFKA_BROKER: kafka.address };
  const flows = [
    await start("ours, embedded", { edit: auditLogAlone }),
    await start(`ours, on Apache Kafka ${version}`, { edit: auditLogAlone, env }, kafka.pid),
  ] as const;
  // The functions wake, and their code gets warm.
  for (const flow of flows) await measure(flow, warmUpEvents);
  for (let round = 0; round < rounds; round++) {
    for (const flow of round % 2 === 0 ? flows : flows.toReversed()) {
      flow.measured.push(await measure(flow, events));
    }
    const rates = flows.map(({ measured }) => measured.at(-1)?.rate.toFixed(0));
    say(`round ${round + 1}: ${rates.join(", ")} events/s`);
  }
  return toOutcome(flows);
}

/** No other source, and no ping that wakes another function. The gateway is always on, and gets every event too. */
const auditLogAlone: ManifestEdit = {
  "eventing/kustomization.yaml": (text) =>
    text.replaceAll(/^ *- (?:kafka-source-(?!audit-log)|ping-source-).*\n/gm, ""),
};

function toOutcome(flows: readonly [Flow, Flow]): Outcome {
  const [embedded, real] = flows;
  return {
    columns,
    rows: flows.map(({ candidate, measured }) => ({
      candidate,
      figures: {
        rate: measured.map(({ rate }) => rate),
        accepted: measured.map(({ accepted }) => accepted),
        cpu: measured.map(({ cpu }) => cpu),
      },
    })),
    goals: [
      {
        sentence: `at least ${goalRate.toLocaleString("en")} events/s: share of that`,
        ratios: embedded.measured.map(({ rate }) => rate / goalRate),
        atLeast: 1,
      },
      {
        sentence: "no slower than on real Kafka",
        ratios: embedded.measured.map(({ rate }, round) => {
          return rate / (real.measured[round]?.rate ?? NaN);
        }),
        atLeast: 1,
      },
    ],
    notes: [
      `${events.toLocaleString("en")} events of tasks' lives a round over 12 partitions, ${inFlight} in flight; events/s from the first POST to the last row. audit-log is the only function with a source.`,
      "Everything shares the cores: the runner, audit-log, the gateway, which gets every event too, PostgreSQL, Kafka, and whoever posts.",
    ],
  };
}

async function measure(flow: Flow, count: number): Promise<Measured> {
  const { runner: running, kafkaPid } = flow;
  const first = flow.next;
  flow.next += count;
  const posted = Array.from({ length: count }, (_, index) => eventAt(first + index, users));
  const url = running.url("broker", "/default/task-events");
  let accepted = 0;
  const pids: Record<string, number> = { runner: running.pid };
  if (kafkaPid !== undefined) pids["kafka"] = kafkaPid;
  const { seconds, cpu } = await withClient(databaseUrlOf(running), (client) =>
    metered(pids, async () => {
      const startedAt = performance.now();
      await postEvents({ url, status: 202, inFlight, events: posted });
      accepted = count / ((performance.now() - startedAt) / 1_000);
      await untilRecorded(client, flow.next);
    }),
  );
  // What is still under way here must not take the cores of whoever is next.
  await untilIdle(running.pid);
  const used = Object.values(cpu).reduce((sum, one) => sum + one, 0);
  return { rate: count / seconds, accepted, cpu: (used / count) * 10_000 };
}

const stallMs = 60_000;

/** So many entries in all: their sequence is gapless, and to count them would take the cores. */
async function untilRecorded(client: Client, wanted: number): Promise<void> {
  const deadline = performance.now() + stallMs;
  for (;;) {
    const { rows } = await client.query<{ sequence: string }>("select sequence from audit.log_end");
    const count = Number(rows[0]?.sequence);
    if (count >= wanted) return;
    if (performance.now() > deadline) throw new Error(`${count} of ${wanted} entries are there`);
    await delay(20);
  }
}

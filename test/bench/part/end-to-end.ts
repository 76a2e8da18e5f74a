/** How long an event is under way from its POST to the frame, beside the hops that it cannot do without. */
import { setTimeout as delay } from "node:timers/promises";
import { UsageError } from "../../../lib/host/error.ts";
import { partsFolder } from "../../../local/real/cache.ts";
import { installParts } from "../../../local/real/install.ts";
import { startServers } from "../../../local/real/servers.ts";
import { openDaprdHop } from "../end-to-end/daprd-hop.ts";
import { openFlowHop } from "../end-to-end/flow-hop.ts";
import type { Hop } from "../end-to-end/hop.ts";
import { openKafkaHop } from "../end-to-end/kafka-hop.ts";
import type { BenchContext, Outcome, Part } from "../part.ts";
import { packageVersion } from "../version.ts";

const ratePerSecond = 100;
const events = 600;
/** Until V8 has compiled what runs. */
const warmUpEvents = 3_000;
const warmUpRate = 500;
const limitMs = 30_000;
const allowed = 1.3;

const columns = [
  { key: "p50", title: "p50 ms", digits: 2 },
  { key: "p99", title: "p99 ms", digits: 1 },
];

export const endToEnd: Part = {
  name: "end-to-end",
  title: `end to end: POST → WebSocket frame at ${ratePerSecond} events/s, on real Kafka and daprd`,
  run,
};

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

interface Measured {
  readonly candidate: string;
  readonly hop: Hop;
  readonly latencies: Latency[];
}

async function run({ rounds, folder, say }: BenchContext): Promise<Outcome> {
  await using opened = new AsyncDisposableStack();
  const parts = await installParts(partsFolder(process.env), say);
  const servers = opened.use(await startServers({ parts, dataDir: folder, env: {} }));
  const { KAFKA_BROKER: brokers = "", DAPRD: daprd = "" } = servers.variables;
  if (brokers === "" || daprd === "") throw new UsageError("Kafka and daprd are both needed.");
  const measured = (candidate: string, hop: Hop): Measured => ({
    candidate,
    hop: opened.use(hop),
    latencies: [],
  });
  const kafkaName = `kafkajs ${packageVersion("kafkajs")}, Kafka ${parts.kafka.version}: produce → consume`;
  const hops = [
    measured("ours", await openFlowHop(servers.variables)),
    measured(kafkaName, await openKafkaHop(brokers)),
    measured(
      `daprd ${parts.daprd.version} alone: publish → deliver`,
      await openDaprdHop(daprd, folder),
    ),
  ] as const;
  for (const { hop } of hops) await measure(hop, "warm", warmUpEvents, warmUpRate);
  for (let round = 0; round < rounds; round++) {
    for (const { hop, latencies } of round % 2 === 0 ? hops : hops.toReversed()) {
      latencies.push(await measure(hop, `${round}`, events));
    }
    const medians = hops.map(({ latencies }) => latencies.at(-1)?.p50.toFixed(2));
    say(`round ${round + 1}: p50 ${medians.join(", ")} ms`);
  }
  return toOutcome(hops);
}

function toOutcome(hops: readonly [Measured, Measured, Measured]): Outcome {
  const [ours, kafka, daprd] = hops;
  const ratios = (key: keyof Latency) =>
    ours.latencies.map((latency, round) => {
      const sum = (kafka.latencies[round]?.[key] ?? NaN) + (daprd.latencies[round]?.[key] ?? NaN);
      return latency[key] / sum;
    });
  return {
    columns,
    rows: hops.map(({ candidate, latencies }) => ({
      candidate,
      figures: {
        p50: latencies.map(({ p50 }) => p50),
        p99: latencies.map(({ p99 }) => p99),
      },
    })),
    goals: [
      {
        sentence: "p50 beside the sum of both hops",
        ratios: ratios("p50"),
        atMost: allowed,
      },
      {
        sentence: "p99 beside the sum of both hops",
        ratios: ratios("p99"),
        atMost: allowed,
      },
    ],
    notes: [
      `${events} events a round, one client. Ours passes the ingress, Kafka (acks of all), daprd and the gateway. The other functions get no events: they would share the cores.`,
      "daprd alone keeps what is published in its memory (pubsub.in-memory): it is in and out by HTTP, without a broker.",
    ],
  };
}

/** At an even pace, whether or not the ones before have come: who is late keeps nobody waiting. */
async function measure(
  hop: Hop,
  round: string,
  count: number,
  perSecond = ratePerSecond,
): Promise<Latency> {
  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  const all = Promise.withResolvers<void>();
  hop.onArrival((id) => {
    const at = sentAt.get(id);
    if (at === undefined) return;
    sentAt.delete(id);
    latencies.push(performance.now() - at);
    if (latencies.length === count) all.resolve();
  });
  const begunAt = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    const waitMs = begunAt + (index / perSecond) * 1_000 - performance.now();
    if (waitMs > 0) await delay(waitMs);
    const id = `${round}-${index}`;
    sentAt.set(id, performance.now());
    sent.push(hop.send(id));
  }
  await Promise.all(sent);
  await Promise.race([all.promise, delay(limitMs, undefined, { ref: false })]);
  if (latencies.length < count) throw new Error(`${count - latencies.length} events did not come`);
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

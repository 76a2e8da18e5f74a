/** Fan-out: what it costs that an event reaches a thousand WebSocket clients. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findProgram, run } from "../../../local/real/command.ts";
import { prepareGateway } from "../candidate/gateway.ts";
import type { BenchContext, Goal, Outcome, Part, Values } from "../part.ts";
import type { PeerCommand } from "../peer.ts";
import { startServer } from "../process/server-process.ts";
import { ratios } from "../ratio.ts";
import { type Crowd, startCrowd } from "../socket/crowd.ts";
import type { ConnectOrder } from "../socket/crowd-process.ts";

const clients = 1_000;
/** What is loaded for the first ones is no cost of each. */
const firstClients = 100;
const userId = "user-0815";
const slow = 30;
const fast = 500;
/** Alone: a tenth of a second apart. */
const lone = 10;
const ms = { lone: 1_500, slow: 2_000, fast: 2_000 };
/** Until what a thousand handshakes left behind is settled. */
const settleMs = 1_500;

export const fanOut: Part = {
  name: "fan-out",
  title: `Fan-out: an event to each of ${clients.toLocaleString("en")} WebSocket clients`,
  run: runFanOut,
};

interface Candidate extends PeerCommand {
  readonly fill?: () => Promise<number>;
  readonly client: Pick<ConnectOrder, "path" | "headers" | "greeting" | "publication">;
}

const columns = [
  { key: "slow", title: `CPU s/M at ${slow}/s`, digits: 2 },
  { key: "fast", title: `CPU s/M at ${fast}/s`, digits: 2 },
  { key: "reached", title: `deliveries/s at ${fast}/s`, digits: 0 },
  { key: "memory", title: "KiB a client", digits: 1 },
  { key: "lone", title: "lone event p50 ms", digits: 1 },
] as const;

type Figure = (typeof columns)[number]["key"];
type Figures = Readonly<Record<Figure, number>>;

async function runFanOut({ rounds, folder, peerFolder, say }: BenchContext): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await prepareGateway(userId, folder));
  const centrifuge = await buildCentrifuge(peerFolder, folder);
  const ours: Candidate = {
    ...gateway,
    client: {
      path: "/ws",
      headers: {
        "sec-websocket-protocol": "task-events.v1",
        authorization: `Bearer ${gateway.token}`,
      },
      publication: "sidecar",
    },
  };
  const loop = peerOf("ws 8.23.0, a loop", join(peerFolder, "ws-loop.mjs"), { path: "/" });
  const socketIo = peerOf("socket.io 4.8.4", join(peerFolder, "socket-io.mjs"), {
    path: "/socket.io/?EIO=4&transport=websocket",
    greeting: "40",
  });
  const candidates = [ours, loop, socketIo, ...(centrifuge === undefined ? [] : [centrifuge])];
  await using crowd = startCrowd();
  const figures = new Map<string, Figures[]>(candidates.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    for (const candidate of round % 2 === 1 ? candidates : candidates.toReversed()) {
      figures.get(candidate.name)?.push(await measure(candidate, crowd, folder));
    }
  }
  const values = (name: string, figure: Figure): Values =>
    (figures.get(name) ?? []).map((one) => one[figure]);
  return {
    columns,
    rows: candidates.map(({ name }) => ({
      candidate: name,
      figures: Object.fromEntries(columns.map(({ key }) => [key, values(name, key)])),
    })),
    goals: goalsOf(values, ours.name, loop.name, centrifuge?.name),
    notes: [
      "An event of about 300 bytes is POSTed to each candidate: to ours as the sidecar delivers it, to the others as it is. CPU is the server's for a million deliveries; the first measure of a round begins with the other end of the list.",
      `Memory is the private memory that ${clients} clients add to that for ${firstClients}, after which all code is loaded. The lone event's latency is from the POST to the frame, over all clients.`,
      "The centrifuge library is Centrifugo's engine, in a server of 50 lines.",
      ...(centrifuge === undefined ? ["centrifuge is left out: Go is not installed here."] : []),
    ],
  };
}

function goalsOf(
  values: (name: string, figure: Figure) => Values,
  ours: string,
  loop: string,
  centrifuge: string | undefined,
): Goal[] {
  const late = values(ours, "lone").map((p50, round) => p50 - (values(loop, "lone")[round] ?? NaN));
  const alone = { sentence: "ms that a lone event comes later than by a loop", ratios: late };
  if (centrifuge === undefined) return [{ ...alone, atMost: 1 }];
  const ratio = (figure: Figure): Values =>
    ratios(values(ours, figure), values(centrifuge, figure));
  return [
    { sentence: `CPU of centrifuge at ${fast} events/s`, ratios: ratio("fast"), atMost: 0.6 },
    { sentence: `CPU of centrifuge at ${slow} events/s`, ratios: ratio("slow"), atMost: 1 },
    { sentence: "memory a client of centrifuge", ratios: ratio("memory"), atMost: 0.75 },
    { ...alone, atMost: 1 },
  ];
}

async function measure(candidate: Candidate, crowd: Crowd, folder: string): Promise<Figures> {
  const { client, fill, ...command } = candidate;
  await using server = await startServer({ ...command, folder });
  const { port } = server;
  const firstOffset = (await fill?.()) ?? 0;
  await crowd.connect({ port, clients: firstClients, firstOffset, ...client });
  await crowd.publish(lone, settleMs);
  const before = server.memoryBytes();
  await crowd.connect({ port, clients, ...client });
  await delay(settleMs);
  const memory = (server.memoryBytes() - before) / (clients - firstClients) / 1_024;
  const alone = await crowd.publish(lone, ms.lone);
  const costs = async (perSecond: number, ofMs: number) => {
    const from = server.cpuSeconds();
    const published = await crowd.publish(perSecond, ofMs);
    const cpu = ((server.cpuSeconds() - from) / published.deliveries) * 1_000_000;
    return { cpu, perSecond: published.deliveries / published.seconds };
  };
  const atSlow = await costs(slow, ms.slow);
  const atFast = await costs(fast, ms.fast);
  return {
    slow: atSlow.cpu,
    fast: atFast.cpu,
    reached: atFast.perSecond,
    memory,
    lone: alone.p50Ms,
  };
}

const peerOf = (
  name: string,
  file: string,
  client: { readonly path: string; readonly greeting?: string },
): Candidate => ({
  name,
  command: [process.execPath, file],
  client: { headers: {}, publication: "json", ...client },
});

/** Undefined where there is no Go. */
async function buildCentrifuge(peerFolder: string, folder: string): Promise<Candidate | undefined> {
  const go = findProgram("go", ["/usr/local/go/bin"]);
  if (go === undefined) return undefined;
  const program = join(folder, "centrifuge");
  await run(go, ["build", "-o", program, "."], { cwd: join(peerFolder, "centrifuge") });
  return {
    name: "centrifuge 0.40.1 (Go)",
    command: [program],
    client: {
      path: "/ws",
      headers: {},
      greeting: '{"id":1,"connect":{}}',
      publication: "json",
    },
  };
}

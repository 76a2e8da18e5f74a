/** Cold start: from the start of the process to the answer to its first event, which is committed where there is a database. */
import { join } from "node:path";
import { startPostgres } from "../../support/postgres-process.ts";
import { type FunctionName, prepareFunction } from "../candidate/function.ts";
import { bundlePeer } from "../candidate/ours.ts";
import { requestMaker } from "../http/request.ts";
import type { BenchContext, Outcome, Part, Values } from "../part.ts";
import { faasJs, functionsFramework, type PeerCommand, rawHttp } from "../peer.ts";
import { type FirstEvent, runOnce, timeFirstEvent } from "../process/first-event.ts";
import type { ServerCommand } from "../process/server-process.ts";
import { mean, ratios } from "../ratio.ts";
import { inTurns } from "../turn.ts";

const names: readonly FunctionName[] = ["audit-log", "notification", "recurring-task"];
/** A start takes no time: more of them, for closer medians. */
const startsPerRound = 3;
const mebibyte = 1024 * 1024;
/** What all three functions have something to do for. */
const payload = {
  recurrence: { rrule: "FREQ=WEEKLY;BYDAY=MO", dtstart: "2099-01-01T09:00:00", time_zone: "UTC" },
};

export const coldStart: Part = {
  name: "cold-start",
  title: "Cold start: from the start of the process to the answer to its first event",
  run: runColdStart,
};

const columns = [
  { key: "cpu", title: "CPU ms", digits: 0 },
  { key: "wall", title: "wall ms", digits: 0 },
  { key: "rss", title: "RSS MiB", digits: 1 },
] as const;

async function runColdStart({ rounds, folder, peerFolder, say }: BenchContext): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const postgres = stack.use(await startPostgres());
  const functions: PeerCommand[] = [];
  for (const name of names) functions.push(stack.use(await prepareFunction(name, postgres.url)));
  const faas = faasJs(peerFolder);
  const bundled = await bundledPeers(peerFolder, folder);
  const peers = [rawHttp(peerFolder), faas, functionsFramework(peerFolder), ...bundled];
  const commands = [...functions, ...peers].map((command) => ({ ...command, folder }));

  const nextRequest = requestsOf();
  // What an image holds: the compile cache is filled, and the files are read.
  for (const command of commands) await runOnce(command, nextRequest());
  const rows = new Map<ServerCommand, FirstEvent[]>(commands.map((command) => [command, []]));
  for (let round = 1; round <= rounds * startsPerRound; round++) {
    say(`round ${round} of ${rounds * startsPerRound}`);
    const turns = await inTurns(commands, (command) => timeFirstEvent(command, nextRequest()));
    for (const [command, starts] of turns) rows.get(command)?.push(meanOf(starts));
  }
  const figures = new Map([...rows].map(([{ name }, starts]) => [name, figuresOf(starts)]));
  const cpuRatios = (name: string): Values =>
    ratios(figures.get(name)?.cpu ?? [], figures.get(faas.name)?.cpu ?? []);
  const goals = [0.35, 0.45, 0.45].map((atMost, index) => ({
    sentence: `CPU of a trivial faas-js-runtime function: ${names[index]}`,
    ratios: cpuRatios(names[index] ?? ""),
    atMost,
  }));
  return {
    columns,
    rows: [...figures].map(([candidate, of]) => ({ candidate, figures: of })),
    goals,
    notes: [
      "CPU is the process's up to the answer, user and system. Ours connect to PostgreSQL and commit before they answer; the peers' functions do nothing.",
      "`bundled`: by the same bundler as ours, with a filled V8 compile cache; otherwise started by their own command, as their users run them.",
      "Files are in the page cache; the pull of an image and the start of a container are not in it.",
    ],
  };
}

async function bundledPeers(peerFolder: string, folder: string): Promise<PeerCommand[]> {
  const bundle = async (name: string, file: string): Promise<PeerCommand> => ({
    name: `${name}, bundled`,
    command: [process.execPath, await bundlePeer(join(peerFolder, file), folder)],
    env: { NODE_COMPILE_CACHE: join(folder, "compile-cache") },
  });
  return [
    await bundle("faas-js-runtime 4.0.1", "faas-bundled.cjs"),
    await bundle("functions-framework 5.0.5", "functions-framework-bundled.mjs"),
  ];
}

/** Each event once: a duplicate is another way through a function. */
function requestsOf(): () => string {
  const make = requestMaker({ prefix: "first", partitions: 12, payload });
  let sent = 0;
  return () => make(sent++);
}

const meanOf = (starts: readonly FirstEvent[]): FirstEvent => ({
  cpuMs: mean(starts.map(({ cpuMs }) => cpuMs)),
  wallMs: mean(starts.map(({ wallMs }) => wallMs)),
  memoryBytes: mean(starts.map(({ memoryBytes }) => memoryBytes)),
});

const figuresOf = (starts: readonly FirstEvent[]) => ({
  cpu: starts.map(({ cpuMs }) => cpuMs),
  wall: starts.map(({ wallMs }) => wallMs),
  rss: starts.map(({ memoryBytes }) => memoryBytes / mebibyte),
});

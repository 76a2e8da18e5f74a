/** One function as a process of its own: spawned with exactly the environment its YAML gives, ready, drained, ended. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { COMPILE_CACHE } from "../../compile-cache.ts";
import { keepLog, type FunctionLog } from "../note/function-log.ts";
import { freePort, isPortFree } from "./free-port.ts";
import type { Note } from "../note/note.ts";
import { recordProcess } from "./orphan.ts";
import { askProbe, DEFAULT_PROBES, isPassed, type Probe, type Probes } from "./probe.ts";

export interface FunctionCommand {
  /** The name in log file, report and pid record: `audit-log`, `websocket-gateway-0`. */
  name: string;
  /** Absolute path of the entry, e.g. `…/functions/audit-log/index.ts`. */
  entry: string;
  cwd: string;
  /** What the container's YAML gives. PORT, METRICS_PORT, HOST and the machine's PATH, HOME are added here. */
  env: Readonly<Record<string, string>>;
  stateDir: string;
  /** Default: a free one. */
  port?: number;
  /** Another free one where it is taken or not given. */
  metricsPort?: number;
  /** Default: `GET /health/readiness` alone. */
  probes?: Probes;
  /** From SIGTERM to SIGKILL. Default 10 s. */
  drainMs?: number;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The end of stderr. */
  sentence: string;
}

export function describeExit({ code, signal, sentence }: Exit): string {
  const how = signal ?? `exit code ${String(code)}`;
  return sentence === "" ? `ended with ${how}` : `ended with ${how}: ${sentence}`;
}

export interface FunctionProcess {
  readonly pid: number;
  readonly port: number;
  readonly metricsPort: number;
  readonly exited: Promise<Exit>;
  /** Resolves with true once its readiness probe passes, with false where the process ended before. */
  ready(): Promise<boolean>;
  stop(): Promise<Exit>;
}

const DRAIN_MS = 10_000;
const PROBE_MS = 20;
const SLOW_PROBE_MS = 250;
const SLOW_AFTER_MS = 5_000;

export async function startFunctionProcess(
  command: FunctionCommand,
  note: Note,
): Promise<FunctionProcess> {
  const port = command.port ?? (await freePort());
  const metricsPort = await portFor(command.metricsPort);
  const { child, exited } = await spawnNode(
    { ...command, env: { ...command.env, ...ports(port, metricsPort) } },
    note,
  );
  let gone = false;
  void exited.then(() => (gone = true));
  return {
    pid: child.pid ?? 0,
    port,
    metricsPort,
    exited,
    ready: () =>
      probeUntilReady(
        port,
        (command.probes ?? DEFAULT_PROBES).readiness,
        () => gone,
        (text) => note(command.name, text, "warning"),
      ),
    stop: () => stopChild(child, exited, command.drainMs ?? DRAIN_MS),
  };
}

/** Another one where the wanted port is taken, e.g. by a process that still drains. */
async function portFor(wanted: number | undefined): Promise<number> {
  return wanted !== undefined && (await isPortFree(wanted)) ? wanted : freePort();
}

const ports = (port: number, metricsPort: number) => ({
  PORT: String(port),
  METRICS_PORT: String(metricsPort),
  HOST: "127.0.0.1",
});

/** kafkajs sets timers in the past, and Node tells so on stderr, which is for sentences. */
const NODE_FLAGS = ["--disable-warning=TimeoutNegativeWarning"];

/** A child that ends with the runner: its stdin is a pipe that closes even at kill -9, and its pid is recorded. */
export async function spawnNode(
  command: FunctionCommand,
  note: Note,
): Promise<{ child: ChildProcess; exited: Promise<Exit> }> {
  const child = spawn(process.execPath, [...NODE_FLAGS, command.entry], {
    cwd: command.cwd,
    env: { ...machineEnv(), ...command.env, EXIT_WITH_PARENT: "1" },
    stdio: ["pipe", "pipe", "pipe"],
    // In a session of its own: Ctrl-C reaches the runner alone, which then drains in order.
    detached: true,
  });
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once("close", (code, signal) => resolve([code, signal]));
  });
  await once(child, "spawn");
  child.stdin.on("error", () => undefined);
  const record = recordProcess(command.stateDir, child.pid ?? 0, command.entry);
  const { stateDir, name } = command;
  const log = keepLog({ stateDir, name, note, stdout: child.stdout, stderr: child.stderr });
  return { child, exited: ended.then(([code, signal]) => toExit(code, signal, log, record)) };
}

function toExit(
  code: number | null,
  signal: NodeJS.Signals | null,
  log: FunctionLog,
  record: Disposable,
): Exit {
  record[Symbol.dispose]();
  return { code, signal, sentence: log.errorLines() };
}

const INHERITED = ["PATH", "HOME", "TMPDIR", "LANG"];

/** Nothing else of the runner's environment: what a function needs must be in its YAML. */
function machineEnv(): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    TZ: "UTC",
    NODE_COMPILE_CACHE: COMPILE_CACHE,
  };
}

export async function stopChild(
  child: ChildProcess,
  exited: Promise<Exit>,
  drainMs: number,
): Promise<Exit> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), drainMs);
  const exit = await exited;
  clearTimeout(timer);
  return exit;
}

/** Faster than kubelet, as the activator does it: the first request waits for it. */
async function probeUntilReady(
  port: number,
  probe: Probe,
  gone: () => boolean,
  warn: (text: string) => void,
): Promise<boolean> {
  const startedAt = performance.now();
  let warned = false;
  while (!gone()) {
    const answer = await askProbe(port, probe);
    if (isPassed(answer)) return true;
    const slow = performance.now() - startedAt > SLOW_AFTER_MS;
    if (slow && !warned) {
      warned = true;
      warn(`not ready yet (readiness answers ${answer === null ? "nothing" : String(answer)})`);
    }
    await delay(slow ? SLOW_PROBE_MS : PROBE_MS);
  }
  return false;
}

/** A real server as a process of ours: started until it says that it is ready, killed, started again, ended with us. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { commandLine } from "../process/replica/orphan.ts";
import { guardProcess } from "./guard.ts";

export interface ServerCommand {
  /** As a person calls it: `Kafka`. */
  name: string;
  program: string;
  args: readonly string[];
  /** Nothing else of our own environment but PATH and HOME. */
  env?: Readonly<Record<string, string>>;
  runAs?: { uid?: number; gid?: number };
  cwd: string;
  /** Grows. */
  logPath: string;
  /** What it logs when it answers. */
  readyLine: string;
  stopSignal: NodeJS.Signals;
}

export interface RealServer extends AsyncDisposable {
  readonly pid: number | undefined;
  /** To all of its processes. Resolves when it has ended; SIGSTOP and SIGCONT do not end it. Default SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** On the same port and data. One that still runs is stopped before. */
  restart(): Promise<void>;
}

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;
const PROBE_MS = 20;
/** The server cannot act on these itself. */
const FORCED = new Set<NodeJS.Signals>(["SIGKILL", "SIGSTOP", "SIGCONT"]);

export async function startServer(command: ServerCommand): Promise<RealServer> {
  const server = new ServerProcess(command);
  await server.start();
  return server;
}

class ServerProcess implements RealServer {
  readonly #command: ServerCommand;
  #child: ChildProcess | undefined;

  constructor(command: ServerCommand) {
    this.#command = command;
  }

  get pid(): number | undefined {
    return hasEnded(this.#child) ? undefined : this.#child?.pid;
  }

  async start(): Promise<void> {
    const { name, program, args, env, runAs, cwd, logPath, stopSignal } = this.#command;
    const from = sizeOf(logPath);
    // To a file, not a pipe: it goes on being written when nobody reads.
    const log = openSync(logPath, "a");
    const { PATH = "", HOME = "" } = process.env;
    const child = spawn(program, args, {
      ...runAs,
      cwd,
      env: { PATH, HOME, ...env },
      stdio: ["ignore", log, log],
      // Ctrl-C is for whoever started it, who ends this last.
      detached: true,
    });
    closeSync(log);
    await once(child, "spawn").catch((cause: unknown) => {
      throw new Error(`${name} does not start: ${String(cause)}`, { cause });
    });
    const guard = guardProcess(child.pid ?? 0, stopSignal);
    child.once("exit", () => guard[Symbol.dispose]());
    this.#child = child;
    await this.#untilReady(child, from);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || hasEnded(child)) return;
    const ended = once(child, "exit");
    const pids = FORCED.has(signal) ? treeOf(child.pid) : [child.pid];
    for (const pid of pids) sendSignal(pid, signal);
    if (signal === "SIGSTOP" || signal === "SIGCONT") return;
    await ended;
    // Its own children may still end: they would hold the port or the data against the next start.
    await until(() => pids.every((pid) => commandLine(pid) === ""), STOP_LIMIT_MS);
  }

  async restart(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (hasEnded(this.#child)) return;
    // One that stands still would hear nothing.
    await this.kill("SIGCONT");
    const stopped = this.kill(this.#command.stopSignal);
    const forced = new AbortController();
    const force = delay(STOP_LIMIT_MS, undefined, { signal: forced.signal }).then(
      () => this.kill("SIGKILL"),
      () => undefined,
    );
    await stopped;
    forced.abort();
    await force;
  }

  async #untilReady(child: ChildProcess, from: number): Promise<void> {
    const { name, readyLine, logPath } = this.#command;
    const said = (): string => readFileSync(logPath).subarray(from).toString();
    const isReady = await until(
      () => said().includes(readyLine) || hasEnded(child),
      START_LIMIT_MS,
    );
    if (isReady && !hasEnded(child)) return;
    await this.kill("SIGKILL");
    const end = said().trim().split("\n").slice(-10).join("\n");
    throw new Error(`${name} does not start (more in ${logPath}):\n${end}`);
  }
}

const hasEnded = (child: ChildProcess | undefined): boolean =>
  child === undefined || child.exitCode !== null || child.signalCode !== null;

const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);

async function until(check: () => boolean, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!check()) {
    if (performance.now() > deadline) return false;
    await delay(PROBE_MS);
  }
  return true;
}

/** The process and its children: PostgreSQL has one a connection, each in a group of its own. */
function treeOf(pid: number): number[] {
  const children =
    process.platform === "linux"
      ? readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, "utf8")
      : spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" }).stdout;
  return [pid, ...children.split(/\s+/).filter(Boolean).map(Number)];
}

/** To one that may have ended meanwhile. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

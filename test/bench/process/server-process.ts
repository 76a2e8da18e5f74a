/** A candidate as a process of its own, with the CPU time and the memory that it takes. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stablePort } from "../../../local/process/replica/free-port.ts";
import { guardProcess } from "../../../local/real/guard.ts";
import { family, readMemory, threadCpuSeconds } from "../../support/process-tree.ts";

export interface ServerCommand {
  readonly name: string;
  /** Of the program and its arguments; `{port}` is the port that it shall listen on. */
  readonly command: readonly [string, ...string[]];
  readonly cwd?: string;
  /** All of it but PATH, HOME and PORT. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output goes. */
  readonly folder: string;
}

export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Since it was spawned, with its children. */
  cpuSeconds(): number;
  /** Resident, without what it shares. */
  memoryBytes(): number;
}

export interface SpawnedServer extends ServerProcess {
  readonly child: ChildProcess;
  /** By `performance.now()`. */
  readonly spawnedAt: number;
}

const readyMs = 60_000;
const pollMs = 5;

/** Resolves once its port is open. */
export async function startServer(options: ServerCommand): Promise<ServerProcess> {
  const server = await spawnServer(options);
  await untilOpen(server.port, server.child);
  return server;
}

/** Resolves at once. */
export async function spawnServer(options: ServerCommand): Promise<SpawnedServer> {
  const port = await stablePort();
  const [program, ...args] = options.command;
  const log = join(options.folder, `${options.name.replaceAll(/[^\w-]+/g, "-")}.log`);
  const output = openSync(log, "a");
  const spawnedAt = performance.now();
  const child = spawn(
    program,
    args.map((arg) => arg.replace("{port}", String(port))),
    {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...machineEnv(), PORT: String(port), ...options.env },
      stdio: ["ignore", output, output],
    },
  );
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  const guard = guardProcess(pid, "SIGTERM");
  const exited = once(child, "exit");
  exited.catch(() => undefined);
  child.once("exit", (code) => {
    if (code !== null && code !== 0) console.error(readFileSync(log, "utf8").slice(-2_000));
  });
  return {
    child,
    spawnedAt,
    pid,
    port,
    cpuSeconds: () => cpuSecondsOf(pid),
    memoryBytes: () => readMemory(pid)?.ownBytes ?? 0,
    [Symbol.asyncDispose]: async () => {
      guard[Symbol.dispose]();
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await exited;
    },
  };
}

export const cpuSecondsOf = (root: number): number =>
  family(root).reduce(
    (sum, { pid, endedCpuSeconds }) => sum + threadCpuSeconds(pid) + endedCpuSeconds,
    0,
  );

const machineEnv = (): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: process.env["HOME"] ?? "",
});

async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + readyMs;
  while (!(await isOpen(port))) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended before it listened`);
    if (performance.now() > deadline) throw new Error(`${child.spawnfile} does not listen`);
    await delay(pollMs);
  }
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
  });

/** `kubectl port-forward`, kept up: it ends with the Pod that it led to, and a new one takes its place. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

type Said = (text: string) => void;

export interface ForwardTarget {
  context: string;
  namespace: string;
  /** `service/kafka` */
  resource: string;
  /** Of this machine; 0: any free one. */
  localPort: number;
  remotePort: number;
}

export interface PortForward extends AsyncDisposable {
  /** Where it listens now; undefined while it does not. */
  port(): number | undefined;
}

export function startPortForward(
  target: ForwardTarget,
  note: Said,
  restartMs = 1_000,
): PortForward {
  const ended = new AbortController();
  let port: number | undefined;
  const run = keepRunning(
    target,
    (now) => (port = now),
    (text) => note(`${target.resource}: ${text}`),
    { signal: ended.signal, restartMs },
  );
  return {
    port: () => port,
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await run;
    },
  };
}

async function keepRunning(
  target: ForwardTarget,
  listens: (port: number | undefined) => void,
  note: Said,
  { signal, restartMs }: { signal: AbortSignal; restartMs: number },
): Promise<void> {
  let last = "";
  while (!signal.aborted) {
    const reason = await runOnce(target, listens, signal);
    listens(undefined);
    // What repeats every second is said once.
    if (!signal.aborted && reason !== last) note((last = reason));
    await delay(restartMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Resolves with what it said last. */
async function runOnce(
  target: ForwardTarget,
  listens: (port: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const { context, namespace, resource, localPort, remotePort } = target;
  const ports = `${localPort === 0 ? "" : String(localPort)}:${String(remotePort)}`;
  const args = ["--context", context, "--namespace", namespace, "port-forward", resource, ports];
  const child = spawn("kubectl", args, { signal, stdio: ["ignore", "pipe", "pipe"] });
  let reason = "kubectl port-forward ended";
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [, found] = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (found !== undefined) listens(Number(found));
  });
  createInterface({ input: child.stderr }).on("line", (line) => (reason = line));
  return await new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", () => resolve(reason));
  });
}

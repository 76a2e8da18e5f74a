/** The probes of a container, asked as kubelet and queue-proxy ask them. */
import { get } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

export interface Probe {
  /** Of an `httpGet`; undefined: whether it listens. */
  path?: string;
  initialDelayMs: number;
  periodMs: number;
  timeoutMs: number;
  successThreshold: number;
  failureThreshold: number;
}

export interface Probes {
  /** Until it passes, liveness is not asked. */
  startup?: Probe;
  readiness: Probe;
  liveness?: Probe;
}

/** Kubernetes' defaults. */
export const DEFAULT_PROBE: Probe = {
  initialDelayMs: 0,
  periodMs: 10_000,
  timeoutMs: 1_000,
  successThreshold: 1,
  failureThreshold: 3,
};

/** What each function of this repository answers. */
export const DEFAULT_PROBES: Probes = {
  readiness: { ...DEFAULT_PROBE, path: "/health/readiness" },
};

/** The status, `true` for a connection that was asked for no more, or null where nothing answers in time. */
export type ProbeAnswer = number | true | null;

export const isPassed = (answer: ProbeAnswer): boolean =>
  answer === true || (answer !== null && answer >= 200 && answer < 400);

export function askProbe(port: number, { path, timeoutMs }: Probe): Promise<ProbeAnswer> {
  return path === undefined ? askPort(port, timeoutMs) : askPath(port, path, timeoutMs);
}

const askPath = (port: number, path: string, timeoutMs: number) =>
  new Promise<number | null>((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const req = get({ host: "127.0.0.1", port, path, agent: false, signal }, (res) => {
      res.on("error", () => undefined).resume();
      resolve(res.statusCode ?? null);
    });
    req.on("error", () => resolve(null));
  });

const askPort = (port: number, timeoutMs: number) =>
  new Promise<true | null>((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: timeoutMs });
    const settle = (answer: true | null) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => settle(true));
    socket.once("timeout", () => settle(null)).once("error", () => settle(null));
  });

/** Tells each change of a process that passed at first, until the signal. */
export async function keepProbing(
  port: number,
  probe: Probe,
  tell: (isPassing: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  let isPassing = true;
  let against = 0;
  await pause(probe.initialDelayMs, signal);
  for (;;) {
    await pause(probe.periodMs, signal);
    if (signal.aborted) return;
    const passed = isPassed(await askProbe(port, probe));
    against = passed === isPassing ? 0 : against + 1;
    if (against < (passed ? probe.successThreshold : probe.failureThreshold)) continue;
    if (against === 0 || signal.aborted) continue;
    isPassing = passed;
    against = 0;
    tell(isPassing);
  }
}

/** False where a starting process fails it so often as its `failureThreshold` says. */
export async function passesAtStart(
  port: number,
  probe: Probe,
  signal: AbortSignal,
): Promise<boolean> {
  await pause(probe.initialDelayMs, signal);
  for (let failures = 0; failures < probe.failureThreshold; failures += 1) {
    await pause(probe.periodMs, signal);
    if (signal.aborted || isPassed(await askProbe(port, probe))) return true;
  }
  return signal.aborted;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal, ref: false }).catch(() => undefined);

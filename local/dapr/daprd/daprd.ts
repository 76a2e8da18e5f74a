/** A real daprd as the sidecar of one pod: started before its app, restarted when it dies, ended after it. */
import { setTimeout as delay } from "node:timers/promises";
import { freePort, stablePort } from "../../process/replica/free-port.ts";
import type { Note } from "../../process/note/note.ts";
import type { PodSidecar } from "../../process/stateful-set.ts";
import { type DaprdProcess, spawnDaprd } from "./daprd-process.ts";

export interface DaprdOptions {
  /** The executable. */
  program: string;
  appId: string;
  podName: string;
  namespace: string;
  stateDir: string;
  /** Folders of Components, Subscriptions and Resiliencies, used as they are. */
  resources: readonly string[];
  /** File of the Configuration. */
  config: string | undefined;
  /** What envRef reads, its secrets among it. */
  env: Readonly<Record<string, string>>;
  /** What the app must say, and what daprd says to the app. */
  apiToken: string;
  appApiToken: string;
  note: Note;
}

export interface Daprd extends PodSidecar {
  readonly appPort: number;
  /** Undefined while it is not running. */
  readonly pid: number | undefined;
  /** Resolves when the app is found and the subscriptions have begun. */
  ready(): Promise<void>;
}

const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
const HEALTHY_MS = 10_000;
const PROBE_MS = 50;
const START_LIMIT_MS = 30_000;

/** Rejects where it does not get as far as to answer its app. */
export async function startDaprd(options: DaprdOptions): Promise<Daprd> {
  const daprd = new RestartedDaprd(options, {
    app: await stablePort(),
    http: await stablePort(),
    grpc: await stablePort(),
    internal: await stablePort(),
    metrics: await freePort(),
  });
  await daprd.start();
  return daprd;
}

export interface DaprdPorts {
  app: number;
  http: number;
  grpc: number;
  internal: number;
  metrics: number;
}

class RestartedDaprd implements Daprd {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly appPort: number;
  readonly env: Readonly<Record<string, string>>;
  readonly #options: DaprdOptions;
  readonly #ports: DaprdPorts;
  readonly #stopping = new AbortController();
  #process: DaprdProcess | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: DaprdOptions, ports: DaprdPorts) {
    this.#options = options;
    this.#ports = ports;
    [this.httpPort, this.grpcPort, this.appPort] = [ports.http, ports.grpc, ports.app];
    this.env = { DAPR_API_TOKEN: options.apiToken, APP_API_TOKEN: options.appApiToken };
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async start(): Promise<void> {
    const first = await spawnDaprd(this.#options, this.#ports);
    this.#running = this.#keepRunning(first);
    const ended = first.exited.then((how) => {
      throw new Error(`the sidecar of ${this.#options.podName} ${how}`);
    });
    try {
      await Promise.race([this.#answers("/v1.0/healthz/outbound"), ended]);
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  ready(): Promise<void> {
    return this.#answers("/v1.0/healthz");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#process?.stop();
    await this.#running;
  }

  async #keepRunning(first: DaprdProcess): Promise<void> {
    const { note, podName } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    for (let current: DaprdProcess | undefined = first; !signal.aborted;) {
      const startedAt = performance.now();
      this.#process = current;
      const how = current === undefined ? "did not start" : await current.exited;
      this.#process = undefined;
      if (signal.aborted) return;
      note(podName, `daprd ${how}`, "error");
      failures = performance.now() - startedAt > HEALTHY_MS ? 0 : failures + 1;
      const backoffMs = Math.min(BACKOFF_MS * 2 ** failures, MAX_BACKOFF_MS);
      await delay(backoffMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) {
        current = await spawnDaprd(this.#options, this.#ports).catch(() => undefined);
      }
      if (signal.aborted) await current?.stop();
    }
  }

  async #answers(path: string): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    const url = `http://127.0.0.1:${String(this.httpPort)}${path}`;
    const headers = { "dapr-api-token": this.#options.apiToken };
    while (!this.#stopping.signal.aborted) {
      const response = await fetch(url, { headers }).catch(() => undefined);
      await response?.arrayBuffer().catch(() => undefined);
      if (response?.ok === true) return;
      if (performance.now() > deadline) {
        const seconds = String(START_LIMIT_MS / 1_000);
        throw new Error(
          `daprd of ${this.#options.podName} does not answer ${path} in ${seconds} s`,
        );
      }
      await delay(PROBE_MS);
    }
  }
}

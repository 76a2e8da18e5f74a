/** Where figures come from, read again and again. What a source said is told whole, and not at all once it fails: never a wrong 0. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { Gauge, Registry } from "prom-client";

export interface Source {
  readonly name: string;
  readonly read: () => Promise<readonly Figure[]>;
}

/** A gauge. Without values it is not told. */
export interface Figure {
  readonly name: string;
  readonly help: string;
  readonly values: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

export interface Readings extends AsyncDisposable {
  /** In the Prometheus text format. */
  readonly text: () => Promise<string>;
  /** True once each source was asked. */
  readonly isComplete: () => boolean;
}

export interface ReadingOptions {
  readonly sources: readonly Source[];
  readonly intervalMs: number;
  /** A source that has not answered for so long has failed. */
  readonly patienceMs: number;
  readonly log: Logger;
}

export function startReading(options: ReadingOptions): Readings {
  const { sources } = options;
  const own = openOwn();
  const told = new Map<string, string>();
  const asked = new Set<string>();
  const stopping = new AbortController();
  const loops = sources.map((source) => loop(source, { ...options, own, told, asked, stopping }));
  return {
    text: async () => (await own.registry.metrics()) + [...told.values()].join(""),
    isComplete: () => asked.size === sources.length,
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

interface Loop extends ReadingOptions {
  readonly own: ReturnType<typeof openOwn>;
  readonly told: Map<string, string>;
  readonly asked: Set<string>;
  readonly stopping: AbortController;
}

async function loop(source: Source, options: Loop): Promise<void> {
  const { signal } = options.stopping;
  while (!signal.aborted) {
    await readOnce(source, options);
    await delay(options.intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

async function readOnce(source: Source, options: Loop): Promise<void> {
  const { own, told, asked, patienceMs, log } = options;
  const { name } = source;
  const fail = (reason: string): void => {
    if (told.has(name) || !asked.has(name)) {
      log.warn({ source: name, reason }, "a source cannot be read: its figures are gone");
    }
    told.delete(name);
    asked.add(name);
    own.up.set({ source: name }, 0);
  };
  const startedAt = performance.now();
  // It is not asked again while it has not answered: questions would pile up.
  const late = setTimeout(() => fail(`no answer within ${patienceMs / 1_000} s`), patienceMs);
  try {
    const text = await toText(await source.read());
    if (asked.has(name) && !told.has(name)) {
      log.info({ source: name }, "a source can be read again");
    }
    told.set(name, text);
    asked.add(name);
    own.up.set({ source: name }, 1);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(late);
    own.seconds.set({ source: name }, (performance.now() - startedAt) / 1_000);
  }
}

function openOwn() {
  const registry = new Registry();
  const labelNames = ["source"] as const;
  const registers = [registry];
  return {
    registry,
    up: new Gauge({
      name: "task_events_exporter_up",
      help: "1 where the last reading of a source succeeded; else its figures are not told.",
      labelNames,
      registers,
    }),
    seconds: new Gauge({
      name: "task_events_exporter_read_seconds",
      help: "How long the last reading of a source took.",
      labelNames,
      registers,
    }),
  };
}

async function toText(figures: readonly Figure[]): Promise<string> {
  const registry = new Registry();
  for (const { name, help, values } of figures) {
    const [first] = values;
    // prom-client would tell 0 of a gauge that has neither labels nor a value.
    if (first === undefined) continue;
    const labelNames = Object.keys(first[0]);
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
    for (const [labels, value] of values) gauge.set(labels, value);
  }
  return registry.metrics();
}

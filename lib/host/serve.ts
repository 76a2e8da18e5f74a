/** A function's life: read the environment, open, listen, wait for a signal, drain, close. */
import type { AddressInfo, Server } from "node:net";
import type { Logger } from "pino";
import { closeServer } from "./connection.ts";
import { readHostEnv, type HostEnv } from "./env.ts";
import { exitWith } from "./exit.ts";
import type { FunctionDefinition } from "./function.ts";
import { openLog } from "./log.ts";
import { openMetrics, serveMetrics } from "./metric.ts";
import { createFunctionServer } from "./server.ts";
import { openTracer } from "./span.ts";

export interface RunningFunction<Resources> extends AsyncDisposable {
  readonly url: string;
  readonly metricsUrl: string;
  readonly resources: Resources;
}

/** Opens the function and listens. Disposing drains: in-flight events are finished, then resources are closed. */
export async function startFunction<Resources extends AsyncDisposable>(
  definition: FunctionDefinition<Resources>,
  env: HostEnv,
  log: Logger = openLog(definition.name, env.logLevel),
): Promise<RunningFunction<Resources>> {
  const metrics = openMetrics(definition.name);
  const tracer = await openTracer(definition.name, env.traces, log);
  const resources = await definition.open({ log, metrics: metrics.registry, tracer });
  const { host } = env;
  const server = createFunctionServer({ definition, resources, log, metrics, tracer, host });
  const metricsServer = await serveMetrics(metrics.registry, env.metricsPort, env.host);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(env.port, env.host, resolve);
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await definition.drain?.(resources);
    await closeServer(server, env.drainMs);
    await resources[Symbol.asyncDispose]();
    await tracer[Symbol.asyncDispose]();
    metricsServer.closeAllConnections();
    metricsServer.close();
  };
  return {
    url: urlOf(server),
    metricsUrl: `${urlOf(metricsServer)}/metrics`,
    resources,
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

function urlOf(server: Server): string {
  // A listening TCP server has an AddressInfo; null and string are for closed ones and pipes.
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

/** Runs the function until SIGTERM or SIGINT. Exit codes: 0 drained, 1 a bug, 2 a person's mistake. */
export async function serve<Resources extends AsyncDisposable>(
  definition: FunctionDefinition<Resources>,
): Promise<void> {
  try {
    const env = readHostEnv();
    const log = openLog(definition.name, env.logLevel);
    const running = await startFunction(definition, env, log);
    log.info({ url: running.url }, "listening");
    await untilStopped(env.exitWithParent);
    log.info("draining");
    await running[Symbol.asyncDispose]();
    process.exit(0);
  } catch (error) {
    exitWith(error);
  }
}

function untilStopped(exitWithParent: boolean): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
    if (exitWithParent)
      process.stdin
        .on("end", () => resolve())
        .on("error", () => resolve())
        .resume();
  });
}

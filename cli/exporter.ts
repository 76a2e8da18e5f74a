/** `task-events exporter`: figures of what is waiting, for Prometheus, also while the functions sleep. Runs until it is stopped. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Command } from "commander";
import { Registry } from "prom-client";
import { UsageError } from "../lib/host/error.ts";
import { openLog } from "../lib/host/log.ts";
import { forLoopback } from "../lib/host/loopback.ts";
import { openBacklogSources } from "./exporter/backlog-source.ts";
import { certificateSource } from "./exporter/certificate-source.ts";
import { type ExporterEnv, readExporterEnv } from "./exporter/env.ts";
import { kafkaSource } from "./exporter/kafka-source.ts";
import { type Readings, startReading } from "./exporter/source.ts";

export const exporterCommand = (): Command =>
  new Command("exporter")
    .description(
      "Serves GET /metrics: lag, dead letters, what the functions have still to do, certificates.\n" +
        "It runs in the cluster and takes everything from its environment: DATABASE_URL (of the role monitor), KAFKA_BROKER, …",
    )
    .action(async () => {
      await using exporter = await startExporter(readExporterEnv());
      exporter.log.info({ url: exporter.url }, "listening");
      await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
    });

export interface Exporter extends AsyncDisposable {
  readonly url: string;
  readonly log: ReturnType<typeof openLog>;
}

/** Longer than what one question may take. */
const patienceMs = 20_000;

export async function startExporter(env: ExporterEnv): Promise<Exporter> {
  const { host, metricsPort, logLevel } = env.host;
  const log = openLog("exporter", logLevel);
  await using opened = new AsyncDisposableStack();
  const backlog = opened.use(openBacklogSources(env.databaseUrl));
  const certificates = certificateSource(env);
  const sources = [
    kafkaSource(env),
    ...backlog.sources,
    ...(certificates === undefined ? [] : [certificates]),
  ];
  const { intervalMs } = env;
  const readings = opened.use(startReading({ sources, intervalMs, patienceMs, log }));
  const server = createServer(forLoopback(host, answerWith(readings)));
  await listen(server, metricsPort, host);
  opened.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const closing = opened.move();
  // A listening TCP server has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    log,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** It is ready while Kafka or PostgreSQL is away: to say so is what it is for. */
const answerWith =
  (readings: Readings): RequestListener =>
  (request, response) => {
    const say = (status: number, text: string, type = "text/plain"): void =>
      void response.writeHead(status, { "content-type": type }).end(text);
    switch (request.url ?? "") {
      case "/metrics":
        readings.text().then(
          (text) => say(200, text, Registry.PROMETHEUS_CONTENT_TYPE),
          () => say(500, ""),
        );
        return;
      case "/health/liveness":
        return say(200, "alive");
      case "/health/readiness":
        return readings.isComplete() ? say(200, "ready") : say(503, "the first reading goes on");
      default:
        return say(404, "");
    }
  };

async function listen(server: Server, port: number, host: string | undefined): Promise<void> {
  try {
    await once(server.listen(port, host), "listening");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const sentence = `Nothing can listen on port ${port} (${code}): set METRICS_PORT to another one.`;
    throw new UsageError(sentence, { cause });
  }
}

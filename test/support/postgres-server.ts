/** Vitest's global setup: one PostgreSQL for the whole run, started when the first test file asks for it. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { type RunningPostgres, startPostgres } from "./postgres-process.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Answers a GET with the superuser's URL of the run's PostgreSQL. */
    postgresStarter: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let running: Promise<RunningPostgres> | undefined;
  const starter = createServer((_, response) => {
    // A database for tests may lose its data with the machine's power.
    running ??= startPostgres(["fsync=off"]);
    running.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await once(starter.listen(0, "127.0.0.1"), "listening");
  project.provide("postgresStarter", `http://127.0.0.1:${portOf(starter)}`);
  return async () => {
    starter.closeAllConnections();
    starter.close();
    await (await running)?.[Symbol.asyncDispose]();
  };
}

// A listening TCP server has an AddressInfo; null and string are for closed ones and pipes.
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

/** What the handlers share: the store, the Broker, limits, metrics and a clock. */
import type { Logger } from "pino";
import type { OpenContext } from "../../lib/host/function.ts";
import { tokenVerifier, type VerifyToken } from "../../lib/host/token.ts";
import { openStore, type Store } from "../../lib/store/database.ts";
import { type Broker, openBroker } from "./firing/broker.ts";
import type { RecurringTaskEnv } from "./env.ts";
import { openRecurringMetrics, type RecurringMetrics } from "./metric.ts";
import { migrations } from "./migrations.ts";
import type { Tables } from "./table.ts";

export interface Resources extends AsyncDisposable {
  readonly env: RecurringTaskEnv;
  readonly db: Store<Tables>["db"];
  readonly broker: Broker;
  readonly metrics: RecurringMetrics;
  readonly log: Logger;
  readonly verifyToken: VerifyToken;
  readonly now: () => Date;
  /** Aborted on SIGTERM: a ping leaves what is left to the next one. */
  readonly stopping: AbortController;
}

export function openResources(
  env: RecurringTaskEnv,
  { log, metrics }: OpenContext,
  now: () => Date = () => new Date(),
): Resources {
  const store = openStore<Tables>({
    url: env.databaseUrl,
    schema: migrations.schema,
    maxConnections: env.maxConnections,
    log,
  });
  const broker = openBroker(env.brokerUrl, log);
  return {
    env,
    db: store.db,
    broker,
    metrics: openRecurringMetrics(metrics),
    log,
    verifyToken: tokenVerifier(env.token),
    now,
    stopping: new AbortController(),
    [Symbol.asyncDispose]: () => {
      broker[Symbol.dispose]();
      return store[Symbol.asyncDispose]();
    },
  };
}

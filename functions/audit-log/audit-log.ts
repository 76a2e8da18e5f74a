/** What the audit log holds open while it runs. */
import type { OpenContext } from "../../lib/host/function.ts";
import { tokenVerifier, type VerifyToken } from "../../lib/host/token.ts";
import { schemaBehind } from "../../lib/store/migrate.ts";
import { readAuditEnv, type AuditEnv } from "./env.ts";
import { gaugeWaiting, openAuditMetrics } from "./metric.ts";
import { migrations } from "./migrations.ts";
import { openRecorder, type Recorder } from "./record/recorder.ts";
import { serviceTokenVerifier, type VerifyServiceToken } from "./query/service-token.ts";
import { openAuditStore, type AuditStore } from "./store.ts";

export interface AuditLog extends AsyncDisposable {
  readonly topic: string;
  readonly store: AuditStore;
  readonly recorder: Recorder;
  readonly verifyToken: VerifyToken;
  readonly verifyServiceToken: VerifyServiceToken;
  /** Null where ready, else what is missing. */
  readonly missing: () => Promise<string | null>;
}

export async function openAuditLog(
  { log, metrics: registry }: OpenContext,
  env: AuditEnv = readAuditEnv(),
): Promise<AuditLog> {
  const { topic } = env;
  const store = openAuditStore(env.databaseUrl, log);
  const metrics = openAuditMetrics(registry);
  const recorder = openRecorder({ store, topic, log, metrics });
  gaugeWaiting(registry, recorder.waiting);
  return {
    topic,
    store,
    recorder,
    verifyToken: tokenVerifier(env.token),
    verifyServiceToken: serviceTokenVerifier(env.serviceTokenKey),
    missing: () => schemaBehind(store.reader, migrations),
    [Symbol.asyncDispose]: async () => {
      await recorder.idle();
      await store[Symbol.asyncDispose]();
    },
  };
}

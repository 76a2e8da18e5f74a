/** Finds what the audit log misses of the topic, records what is there, and keeps the months ahead: a CronJob. */
import type { Logger } from "pino";
import { Registry } from "prom-client";
import { openLog } from "../../lib/host/log.ts";
import { exitWith } from "../../lib/host/exit.ts";
import { openKafka } from "../../lib/kafka/client.ts";
import type { KafkaEnv } from "../../lib/kafka/env.ts";
import { openStore } from "../../lib/store/database.ts";
import { readVerifyEnv } from "./env.ts";
import { openAuditMetrics } from "./metric.ts";
import { keepMonthsAhead } from "./month-partition.ts";
import { openRecorder } from "./record/recorder.ts";
import { openAuditStore } from "./store.ts";
import type { AuditTables } from "./tables.ts";
import { fillHoles, type VerifyReport } from "./topic/fill-holes.ts";
import { explained } from "./unavailable.ts";

export interface VerifyOptions {
  readonly databaseUrl: string;
  /** Of the owner, who makes partitions. */
  readonly maintenanceUrl: string;
  readonly kafka: KafkaEnv;
  readonly topic: string;
  readonly log: Logger;
  readonly now?: (() => Date) | undefined;
  readonly stallMs?: number;
}

export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const { databaseUrl, maintenanceUrl, topic, log, now } = options;
  const months = await makeMonths(maintenanceUrl, now?.() ?? new Date());
  if (months.length > 0) log.info({ months }, "partitions made");
  await using store = openAuditStore(databaseUrl, log);
  const metrics = openAuditMetrics(new Registry());
  const report = await fillHoles({
    store,
    recorder: openRecorder({ store, topic, log, metrics, now }),
    kafka: openKafka({ ...options.kafka, clientId: "audit-log-verify" }),
    topic,
    log,
    stallMs: options.stallMs ?? 15_000,
  });
  tell(report, log);
  return report;
}

async function makeMonths(url: string, now: Date): Promise<readonly string[]> {
  await using store = openStore<AuditTables>({
    url,
    schema: "audit",
    maxConnections: 1,
    statementTimeoutMs: 120_000,
  });
  return await keepMonthsAhead(store.db, now);
}

function tell(report: VerifyReport, log: Logger): void {
  const { missing, recorded, voids, lost, unread, refused } = report;
  const sentence =
    missing === 0
      ? "nothing is missing"
      : `${missing} offsets were missing: ${recorded} recorded, ${voids} hold no record, ${lost} are lost, ${unread} could not be read yet, ${refused} were refused`;
  if (lost > 0 || refused > 0) log.error(report, sentence);
  else log.info(report, sentence);
}

async function main(): Promise<void> {
  const env = readVerifyEnv();
  try {
    await verify({ ...env, log: openLog("audit-log", env.logLevel) });
  } catch (error) {
    throw explained(error, env.kafka);
  }
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    exitWith(error);
  }
}

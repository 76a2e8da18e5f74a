/** Makes the topics and begins a generation: a Job, on the laptop and in the cluster. */
import { openLog } from "../../lib/host/log.ts";
import { exitWith } from "../../lib/host/exit.ts";
import { openKafka } from "../../lib/kafka/client.ts";
import { schemaBehind } from "../../lib/store/migrate.ts";
import { readTopicsEnv } from "./env.ts";
import { migrations } from "./migrations.ts";
import { openAuditStore } from "./store.ts";
import { endGeneration } from "./topic/end-generation.ts";
import { makeTopics } from "./topic/make-topics.ts";

async function main(): Promise<void> {
  const env = readTopicsEnv();
  const log = openLog("audit-log", env.logLevel);
  await using store = openAuditStore(env.databaseUrl, log);
  const behind = await schemaBehind(store.reader, migrations);
  if (behind !== null) throw new Error(behind);
  const kafka = openKafka({ ...env.kafka, clientId: "audit-log-topics" });
  const { remakeGeneration: number, topics } = env;
  if (number > 0) await endGeneration({ store, kafka, topic: topics[0], number, log });
  await makeTopics({ ...env, kafka, db: store.writer(), log });
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    exitWith(error);
  }
}

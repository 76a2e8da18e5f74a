/** The parts around the functions: database, log, mail and SMS catcher. Each has a real one in its place where the environment names it. */
import type { Kafka } from "kafkajs";
import type { KafkaEnv } from "../../../lib/kafka/env.ts";
import type { Ports } from "../../address.ts";
import { type Mail, startMail } from "../../part/mail.ts";
import { type Sms, startSms } from "../../part/sms.ts";
import type { Note } from "../../process/note/note.ts";
import { type Environment, openKeys, openSecrets, type Secrets } from "../../secret.ts";
import { startAll } from "../all.ts";
import { openDatabase } from "./database.ts";
import { openRunnerKafka, requireKafka, startLog } from "./kafka.ts";
import { type Redis, requireRedis } from "./redis.ts";

export interface Parts {
  kafka: Kafka;
  mail: Mail;
  sms: Sms;
  secrets: Secrets;
}

/** Where Kafka is, the embedded or a real one, and a Redis, where there is one. */
export interface Servers {
  kafka: KafkaEnv;
  redis: Redis | undefined;
}

export interface PartsOptions {
  stateDir: string;
  ports: Ports;
  servers: Servers;
  env: Environment;
  note: Note;
}

const SMS_ACCOUNT = "local";

export async function startParts(
  stack: AsyncDisposableStack,
  options: PartsOptions,
): Promise<Parts> {
  const { stateDir, ports, servers, env, note } = options;
  await requireServers(servers, env);
  const keys = openKeys(stateDir);
  const account = { sid: SMS_ACCOUNT, token: keys("sms") };
  const database = openDatabase({ stateDir, env, keys, note });
  const mail = startMail({ stateDir, port: 0, note });
  const sms = startSms({ stateDir, port: 0, account, note });
  const log = startLog({ stateDir, port: ports.kafka, env, note });
  await startAll(stack, [database, mail, sms, log]);
  const { urlOf } = await database;
  const secrets = openSecrets(
    keys,
    {
      database: urlOf,
      smtp: `smtp://127.0.0.1:${String((await mail).port)}`,
      sms: `http://${account.sid}:${account.token}@127.0.0.1:${String((await sms).port)}`,
    },
    env,
  );
  return { kafka: openRunnerKafka(servers.kafka, note), mail: await mail, sms: await sms, secrets };
}

/** What is wrong with somebody's server is said before anything else starts. */
async function requireServers({ kafka, redis }: Servers, env: Environment): Promise<void> {
  const asked = [
    ...(env["KAFKA_BROKER"] ? [requireKafka(kafka)] : []),
    ...(redis === undefined ? [] : [requireRedis(redis)]),
  ];
  await Promise.all(asked);
}

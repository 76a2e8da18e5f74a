/** The parts around the functions: database, log, mail and SMS catcher. Each has a real one in its place where the environment names it. */
import { join } from "node:path";
import type { Kafka } from "kafkajs";
import { openKafka } from "../../lib/kafka/client.ts";
import type { Addresses, Ports } from "../address.ts";
import { startKafka } from "../kafka/server.ts";
import { type Mail, startMail } from "../part/mail.ts";
import { type Sms, startSms } from "../part/sms.ts";
import type { Note } from "../process/note.ts";
import { type Environment, openKeys, openSecrets, type Secrets } from "../secret.ts";
import { startAll } from "./all.ts";
import { openDatabase } from "./database.ts";

export interface Parts {
  kafka: Kafka;
  mail: Mail;
  sms: Sms;
  secrets: Secrets;
}

export interface PartsOptions {
  stateDir: string;
  ports: Ports;
  addresses: Addresses;
  env: Environment;
  note: Note;
}

const SMS_ACCOUNT = "local";

export async function startParts(
  stack: AsyncDisposableStack,
  options: PartsOptions,
): Promise<Parts> {
  const { stateDir, addresses, env, note } = options;
  const keys = openKeys(stateDir);
  const account = { sid: SMS_ACCOUNT, token: keys("sms") };
  const database = openDatabase({ stateDir, env, keys, note });
  const mail = startMail({ stateDir, port: 0, note });
  const sms = startSms({ stateDir, port: 0, account, note });
  await startAll(stack, [database, mail, sms, startLog(options)]);
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
  const kafka = openKafka({
    brokers: addresses.kafka,
    clientId: "runner",
    onLog: ({ namespace, log }) => note("kafka", `${namespace}: ${log.message}`, "warning"),
  });
  return { kafka, mail: await mail, sms: await sms, secrets };
}

function startLog({ stateDir, ports, env, note }: PartsOptions): Promise<AsyncDisposable> {
  if (env["KAFKA_BROKER"]) return Promise.resolve(new AsyncDisposableStack());
  return startKafka({
    dataDir: join(stateDir, "kafka"),
    port: ports.kafka,
    log: (message) => note("kafka", message, "warning"),
  });
}

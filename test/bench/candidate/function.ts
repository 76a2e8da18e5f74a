/** The functions as `make build` bundles them, each with the variables that its Service gives it and a database of its own. */
import { makeDatabase } from "../../support/database.ts";
import { migrations as ofAuditLog } from "../../../functions/audit-log/migrations.ts";
import { migrations as ofNotification } from "../../../functions/notification/migrations.ts";
import { migrations as ofRecurringTask } from "../../../functions/recurring-task/migrations.ts";
import type { PeerCommand } from "../peer.ts";
import { oursOfImage } from "./ours.ts";

const secret = "a secret of the bench of 32 bytes or more";
/** Nothing listens there: what a function does after its answer is not measured. */
const nobody = "127.0.0.1:9";

const functions = {
  "audit-log": {
    migrations: ofAuditLog,
    env: {
      KAFKA_BROKER: nobody,
      KAFKA_TOPIC: "task-events",
      JWT_SECRET: secret,
      SERVICE_TOKEN_KEY: secret,
    },
  },
  notification: {
    migrations: ofNotification,
    env: {
      SMTP_URL: `smtp://${nobody}`,
      SMTP_FROM: "Task Events <no-reply@task-events.example>",
      SMS_URL: `http://account:secret@${nobody}`,
      SMS_FROM: "+15550100000",
      JWT_SECRET: secret,
    },
  },
  "recurring-task": {
    migrations: ofRecurringTask,
    env: { BROKER_URL: `http://${nobody}/default/task-events`, JWT_SECRET: secret },
  },
} as const;

export type FunctionName = keyof typeof functions;

export interface FunctionCandidate extends PeerCommand, AsyncDisposable {
  /** Of the superuser, to look. */
  readonly adminUrl: string;
}

export async function prepareFunction(
  name: FunctionName,
  postgresUrl: string,
): Promise<FunctionCandidate> {
  const { migrations, env } = functions[name];
  const database = await makeDatabase(postgresUrl, migrations);
  return {
    ...(await oursOfImage(name, { ...env, DATABASE_URL: database.url })),
    adminUrl: database.adminUrl,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** The function with its database and its providers, for a test: events in, mails and ledger out. */
import { SignJWT } from "jose";
import { Client } from "pg";
import { onTestFinished } from "vitest";
import type { NotificationEnv } from "../../../functions/notification/env.ts";
import { notification } from "../../../functions/notification/index.ts";
import type { Timing } from "../../../functions/notification/send/line.ts";
import { openNotifier } from "../../../functions/notification/notifier.ts";
import { migrations } from "../../../functions/notification/migrations.ts";
import type { RecipientBody } from "../../../functions/notification/recipient.ts";
import { startForTest } from "../../support/function.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import { type MailServer, type SmsServer, startMailServer, startSmsServer } from "./provider.ts";

const secret = "a secret of at least thirty-two bytes";

export const tokenOf = (sub: string, scope = "", expires = "1h"): Promise<string> =>
  new SignJWT({ scope })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));

export interface LedgerItem {
  readonly event: { source: string; id: string; type: string };
  readonly user_id: string;
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly updated_at: string;
}

export interface Scene {
  readonly database: TestDatabase;
  readonly mail: MailServer;
  readonly sms: SmsServer;
  readonly env: NotificationEnv;
  start(timing?: Timing, env?: Partial<NotificationEnv>): Promise<Replica>;
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
}

export async function startScene(): Promise<Scene> {
  const database = await startTestDatabase(migrations);
  onTestFinished(() => database[Symbol.asyncDispose]());
  const mail = await startMailServer();
  onTestFinished(() => mail[Symbol.asyncDispose]());
  const sms = await startSmsServer();
  onTestFinished(() => sms[Symbol.asyncDispose]());
  const env: NotificationEnv = {
    databaseUrl: database.url,
    smtpUrl: mail.url,
    smtpFrom: "Task Events <no-reply@task-events.example>",
    smtpConnections: 4,
    smsUrl: sms.url,
    smsFrom: "+15550100000",
    smsConnections: 4,
    retryHours: 24,
    ledgerDays: 400,
    token: { secret, jwksUrl: undefined, issuer: undefined, audience: undefined },
  };
  return {
    database,
    mail,
    sms,
    env,
    start: (timing = {}, changed = {}) => startReplica({ ...env, ...changed }, timing),
    query: async (text, values) => {
      const client = new Client({ connectionString: database.adminUrl });
      await client.connect();
      try {
        await client.query("set search_path to notification");
        const { rows } = await client.query<Record<string, unknown>>(text, values);
        return rows;
      } finally {
        await client.end();
      }
    },
  };
}

export interface Replica extends AsyncDisposable {
  readonly url: string;
  readonly metricsUrl: string;
  post(event: TestEvent): Promise<Response>;
  ping(): Promise<Response>;
  put(userId: string, body: RecipientBody): Promise<Response>;
  ledger(query?: string): Promise<readonly LedgerItem[]>;
  ask(method: string, path: string, token?: string, body?: unknown): Promise<Response>;
}

export interface TestEvent {
  readonly id?: string;
  readonly type?: string;
  readonly user?: string;
  readonly title?: string;
  readonly payload?: object;
  readonly headers?: Record<string, string>;
}

let counter = 0;

async function startReplica(env: NotificationEnv, timing: Timing): Promise<Replica> {
  const running = await startForTest({
    ...notification,
    open: (context) => openNotifier(env, { ...context, timing }),
  });
  const { url } = running;
  const ask: Replica["ask"] = async (method, path, token, body) =>
    fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    url,
    metricsUrl: running.metricsUrl,
    ask,
    post: (event) => postEvent(url, event),
    ping: () => postEvent(url, { type: "dev.knative.sources.ping" }),
    put: async (userId, body) =>
      ask("PUT", `/recipients/${encodeURIComponent(userId)}`, await tokenOf("a", "admin"), body),
    ledger: async (query = "limit=1000") => {
      const response = await ask("GET", `/notifications?${query}`, await tokenOf("a", "admin"));
      const { notifications } = (await response.json()) as { notifications: LedgerItem[] };
      return notifications;
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

function postEvent(url: string, event: TestEvent): Promise<Response> {
  const { id = `e${++counter}`, type = "task.created", user = "u1", title = "Buy milk" } = event;
  return fetch(url, {
    method: "POST",
    headers: {
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-source": "/task-app",
      "ce-type": type,
      "content-type": "application/json",
      ...event.headers,
    },
    body: JSON.stringify({ task_id: "t1", user_id: user, payload: { title, ...event.payload } }),
  });
}

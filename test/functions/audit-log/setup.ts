/** The audit log on a database of its own, spoken to over HTTP as the dispatcher does. */
import { SignJWT } from "jose";
import pino from "pino";
import { afterEach, beforeEach } from "vitest";
import { auditLog } from "../../../functions/audit-log/index.ts";
import { migrations } from "../../../functions/audit-log/migrations.ts";
import { openAuditLog } from "../../../functions/audit-log/audit-log.ts";
import { readAuditEnv } from "../../../functions/audit-log/env.ts";
import { readHostEnv } from "../../../lib/host/env.ts";
import type { GenerationResponse } from "../../../lib/events/history.ts";
import { startFunction } from "../../../lib/host/serve.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";

export const jwtSecret = "a secret of at least thirty-two bytes";
export const serviceTokenKey = "the key that the gateway and the log share";
export const topic = "task-events";

/** Lines of the log, parsed. */
export type LogLines = Record<string, unknown>[];

export async function startAuditLog(url: string) {
  const lines: LogLines = [];
  const log = pino(
    { level: "info", formatters: { level: (label) => ({ level: label }) } },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const env = readAuditEnv({
    DATABASE_URL: url,
    KAFKA_TOPIC: topic,
    JWT_SECRET: jwtSecret,
    SERVICE_TOKEN_KEY: serviceTokenKey,
  });
  const hostEnv = readHostEnv({ HOST: "127.0.0.1", PORT: "0", METRICS_PORT: "0" });
  const running = await startFunction(
    { ...auditLog, open: (context) => openAuditLog(context, env) },
    hostEnv,
    log,
  );
  return { ...running, lines, log };
}

interface Scene {
  database: TestDatabase;
  log: Awaited<ReturnType<typeof startAuditLog>>;
}

/** A database and a log of its own for each test of the file; the value has them while a test runs. */
export function auditLogForEach(): Scene {
  const scene: Partial<Scene> = {};
  beforeEach(async () => {
    scene.database = await startTestDatabase(migrations);
    scene.log = await startAuditLog(scene.database.url);
  });
  afterEach(async () => {
    await scene.log?.[Symbol.asyncDispose]();
    await scene.database?.[Symbol.asyncDispose]();
  });
  return scene as Scene;
}

export interface Delivery {
  readonly id?: string;
  readonly source?: string;
  readonly type?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly data?: string | Buffer;
  readonly contentType?: string;
  readonly headers?: Record<string, string>;
}

export const taskData = (taskId = "t1", userId = "u1"): string =>
  JSON.stringify({ task_id: taskId, user_id: userId, payload: { title: "Water the plants" } });

/** Binary content mode, as KafkaSource sends it; a delivery without a place is a direct POST. */
export async function deliver(url: string, delivery: Delivery): Promise<number> {
  const { partition, offset, data = taskData() } = delivery;
  const response = await fetch(`${url}/`, {
    method: "POST",
    headers: {
      "ce-specversion": "1.0",
      "ce-id": delivery.id ?? "e1",
      "ce-source": delivery.source ?? "/task-app",
      "ce-type": delivery.type ?? "task.created",
      "content-type": delivery.contentType ?? "application/json",
      ...(partition === undefined ? {} : { "ce-knativekafkapartition": String(partition) }),
      ...(offset === undefined ? {} : { "ce-knativekafkaoffset": String(offset) }),
      ...delivery.headers,
    },
    body: data,
  });
  await response.arrayBuffer();
  return response.status;
}

const sign = (claims: Record<string, unknown>, key: string, expiresIn: string): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(key));

export const userToken = (userId: string, scope = ""): Promise<string> =>
  sign({ sub: userId, scope }, jwtSecret, "5m");

export const serviceToken = (expiresIn = "60s", audience = "audit-log"): Promise<string> =>
  sign({ aud: audience }, serviceTokenKey, expiresIn);

export interface EntryJson {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly recorded_at: string;
  readonly task_id: string | null;
  readonly user_id: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly data: unknown;
  readonly data_base64?: string;
  readonly problem: { code: string; message: string } | null;
}

export interface PageJson {
  readonly entries: EntryJson[];
  readonly next: string | null;
}

export async function getEntries(
  url: string,
  query: Record<string, string> = {},
  token?: string,
): Promise<{ status: number; text: string; page: PageJson }> {
  const response = await fetch(`${url}/entries?${new URLSearchParams(query).toString()}`, {
    headers: { authorization: `Bearer ${token ?? (await userToken("root", "admin"))}` },
  });
  const text = await response.text();
  return { status: response.status, text, page: JSON.parse(text) as PageJson };
}

export async function getGeneration(url: string): Promise<GenerationResponse> {
  const response = await fetch(`${url}/generation`, {
    headers: { authorization: `Bearer ${await serviceToken()}` },
  });
  return (await response.json()) as GenerationResponse;
}

/** recurring-task as it runs: over HTTP, on a real PostgreSQL, with a clock of the test's. */
import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { onTestFinished } from "vitest";
import { readEnv } from "../../../functions/recurring-task/env.ts";
import { recurringTask } from "../../../functions/recurring-task/index.ts";
import { migrations } from "../../../functions/recurring-task/migrations.ts";
import { openResources, type Resources } from "../../../functions/recurring-task/resources.ts";
import type { RunningFunction } from "../../../lib/host/serve.ts";
import { startForTest } from "../../support/function.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import { type RecordingBroker, startRecordingBroker } from "./recording-broker.ts";

const secret = "a-secret-of-32-bytes-for-tests-only";

export interface Clock {
  now: Date;
  readonly advance: (ms: number) => void;
}

export interface Harness {
  readonly database: TestDatabase;
  readonly broker: RecordingBroker;
  readonly clock: Clock;
  readonly replica: RunningFunction<Resources>;
  /** Another replica on the same database and Broker. */
  readonly startReplica: () => Promise<RunningFunction<Resources>>;
  /** Posts a task event; the status. `extra` are attributes. */
  readonly send: (
    type: string,
    taskId: string,
    payload: unknown,
    extra?: object,
  ) => Promise<number>;
  /** The whole answer to an event that was posted: an object, or its JSON. */
  readonly post: (event: object | string) => Promise<Response>;
  /** A PingSource's ping to a replica; the status. */
  readonly ping: (replica?: RunningFunction<Resources>) => Promise<number>;
  readonly get: (path: string, userId?: string, scope?: string) => Promise<Response>;
  /** The instants that were published for a task, in the order of arrival. */
  readonly published: (taskId: string) => string[];
}

/** The clock stands in the past: receipts are later than the times of events, as in life. */
export async function startHarness(
  startAt = "2026-03-02T07:30:00Z",
  env: Record<string, string> = {},
): Promise<Harness> {
  const database = await startTestDatabase(migrations);
  onTestFinished(() => database[Symbol.asyncDispose]());
  const broker = await startRecordingBroker();
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const clock: Clock = {
    now: new Date(startAt),
    advance: (ms) => void (clock.now = new Date(clock.now.getTime() + ms)),
  };
  const startReplica = () =>
    startForTest({
      ...recurringTask,
      open: async (context) =>
        openResources(
          readEnv({
            DATABASE_URL: database.url,
            BROKER_URL: broker.url,
            JWT_SECRET: secret,
            DATABASE_CONNECTIONS: "6",
            ...env,
          }),
          context,
          () => clock.now,
        ),
    });
  const replica = await startReplica();
  return createHarness({ database, broker, clock, replica, startReplica });
}

function createHarness(
  parts: Pick<Harness, "database" | "broker" | "clock" | "replica" | "startReplica">,
): Harness {
  const { broker, clock, replica } = parts;
  const post = (event: object | string, url = replica.url) => {
    const attributes = { specversion: "1.0", id: randomUUID(), source: "/test" };
    const body = typeof event === "string" ? event : JSON.stringify({ ...attributes, ...event });
    const headers = { "content-type": "application/cloudevents+json" };
    return fetch(url, { method: "POST", headers, body });
  };
  return {
    ...parts,
    post,
    send: async (type, taskId, payload, extra = {}) => {
      const data = { task_id: taskId, user_id: "u1", payload };
      const time = clock.now.toISOString();
      return (await post({ type, subject: taskId, time, data, ...extra })).status;
    },
    ping: async (target = replica) => {
      return (await post({ type: "dev.knative.sources.ping" }, target.url)).status;
    },
    get: async (path, userId = "u1", scope = "") => {
      const token = await new SignJWT({ scope })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject(userId)
        .setExpirationTime("1h")
        .sign(new TextEncoder().encode(secret));
      return fetch(`${replica.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    },
    published: (taskId) =>
      broker.stored
        .filter(({ event }) => event.data.task_id === taskId)
        .map(({ event }) => event.data.payload.occurrence_at),
  };
}

/** A recurrence in Berlin, from 09:00 on 1 March 2026. */
export const recurrence = (rrule: string, more: object = {}) => ({
  rrule,
  dtstart: "2026-03-01T09:00:00",
  time_zone: "Europe/Berlin",
  ...more,
});

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

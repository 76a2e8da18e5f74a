/** Pages of entries, asked for as a person does: by task, by user, by time. */
import { SignJWT } from "jose";
import { eventsOfTask, type Span, users } from "./entries.ts";

export type Kind = "task" | "user" | "time";

export const kinds: readonly Kind[] = ["task", "user", "time"];

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface QueryOptions {
  /** Of the function. */
  readonly url: string;
  readonly secret: string;
  /** That are there, and over which time. */
  readonly rows: number;
  readonly span: Span;
  readonly queries: number;
}

/** In a time there are about two pages of them. */
const pageEntries = 100;

/** In ms, one query after the other: each for something else. */
export async function measureQueries(kind: Kind, options: QueryOptions): Promise<Latency> {
  const headers = { authorization: `Bearer ${await adminToken(options.secret)}` };
  const latencies: number[] = [];
  for (let query = 0; query < options.queries; query++) {
    const url = new URL(
      `/entries?${parametersOf(kind, options)}&limit=${pageEntries}`,
      options.url,
    );
    const startedAt = performance.now();
    const response = await fetch(url, { headers });
    const { entries } = (await response.json()) as { entries?: readonly unknown[] };
    latencies.push(performance.now() - startedAt);
    if (!entries?.length) throw new Error(`${url.href}: ${response.status}, no entries`);
  }
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

function parametersOf(kind: Kind, { rows, span }: QueryOptions): string {
  const below = (limit: number): number => Math.floor(Math.random() * limit);
  if (kind === "task") return `task_id=task-${1 + below(rows / eventsOfTask - 1)}`;
  if (kind === "user") return `user_id=user-${below(Math.min(users, rows / eventsOfTask))}`;
  const allMs = span.to.getTime() - span.from.getTime();
  const windowMs = Math.round((allMs / rows) * pageEntries * 2);
  const from = span.from.getTime() + below(allMs - windowMs);
  const at = (ms: number): string => new Date(ms).toISOString();
  return `from=${at(from)}&to=${at(from + windowMs)}`;
}

const adminToken = (secret: string): Promise<string> =>
  new SignJWT({ scope: "admin" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("bench")
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(secret));

/** What a person can look up of a running flow, and waiting until it is so. */
import pLimit from "p-limit";
import { expect, vi } from "vitest";
import type { Runner } from "./runner.ts";

/** Until `check` throws nothing any more; at the end it throws what that threw. */
export const until = (check: () => Promise<void> | void, timeout = 60_000): Promise<void> =>
  vi.waitFor(check, { timeout, interval: 100 });

export interface Delivery {
  readonly function: string;
  readonly attempt: number;
  readonly status: number | null;
  readonly ms: number;
  readonly at: string;
  readonly outcome: string;
}

/** Of one event at one function, the first attempt first. */
export async function deliveriesOf(runner: Runner, id: string, name: string): Promise<Delivery[]> {
  const { deliveries } = await runner.json<{ deliveries: Delivery[] }>(
    "console",
    `/api/deliveries?id=${id}&limit=1000`,
  );
  return deliveries.filter((it) => it.function === name).toReversed();
}

/** Until an event is settled at a function: its attempts. */
export async function settled(runner: Runner, id: string, name: string): Promise<Delivery[]> {
  let attempts: Delivery[] = [];
  await until(async () => {
    attempts = await deliveriesOf(runner, id, name);
    expect(attempts.map(({ outcome }) => outcome)).toContainEqual(
      expect.stringMatching(/^(done|dead-letter|dropped)$/),
    );
  });
  return attempts;
}

/** Between the end of each attempt and the begin of the next, in milliseconds. */
export const waitsOf = (attempts: readonly Delivery[]): number[] =>
  attempts
    .slice(1)
    .map(({ at, ms }, index) => Date.parse(at) - ms - Date.parse(attempts[index]?.at ?? ""));

export interface DeadLetter {
  readonly function: string;
  readonly code: number | null;
  readonly reason: string | null;
  readonly event: { readonly id: string } | null;
}

export async function deadLetters(runner: Runner): Promise<DeadLetter[]> {
  const path = "/api/dead-letters?limit=1000";
  return (await runner.json<{ dead_letters: DeadLetter[] }>("console", path)).dead_letters;
}

export interface Entry {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly task_id: string | null;
  readonly data: unknown;
  readonly problem: unknown;
}

/** All pages. */
export async function entriesOf(runner: Runner, query = ""): Promise<Entry[]> {
  const entries: Entry[] = [];
  let next: string | null = "";
  while (next !== null) {
    const cursor: string = next === "" ? "" : `&cursor=${encodeURIComponent(next)}`;
    const page: { entries: Entry[]; next: string | null } = await runner.json(
      "audit-log",
      `/entries?limit=1000&${query}${cursor}`,
      "admin",
      "admin",
    );
    entries.push(...page.entries);
    next = page.next;
  }
  return entries;
}

export interface TaskEvent {
  readonly id: string;
  readonly type?: string;
  readonly task?: string;
  readonly user?: string;
  readonly payload?: object;
}

/** Each is accepted, or it throws. Those of one task one after the other, so that their order is known. */
export async function publish(runner: Runner, events: readonly TaskEvent[]): Promise<void> {
  const limit = pLimit(12);
  const byTask = Map.groupBy(events, ({ task = "t1" }) => task);
  await Promise.all(
    [...byTask].map(([task, ofTask]) =>
      limit(async () => {
        for (const event of ofTask) await publishOne(runner, task, event);
      }),
    ),
  );
}

async function publishOne(runner: Runner, task: string, event: TaskEvent): Promise<void> {
  const { id, type = "task.updated", user = "u1", payload = { title: `Task ${id}` } } = event;
  const data = { task_id: task, user_id: user, payload };
  const status = await runner.post({ id, type, subject: task, partitionkey: task }, data);
  if (status !== 202) throw new Error(`${id} was answered ${status}`);
}

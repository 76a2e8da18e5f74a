/** What the audit log has of a load, page by page, by its own route. */
import type { Runner } from "../support/runner.ts";
import { indexOf } from "./event.ts";

export interface Recorded {
  /** In ms since the epoch; 0 where there is no entry. */
  readonly recordedAt: Float64Array;
  readonly entries: number;
}

interface Page {
  readonly entries: readonly { readonly id: string; readonly recorded_at: string }[];
  readonly next: string | null;
}

const pageEntries = 1_000;

export async function readRecorded(runner: Runner, events: number): Promise<Recorded> {
  const recordedAt = new Float64Array(events);
  const authorization = `Bearer ${await runner.token("admin", "admin")}`;
  let entries = 0;
  let next: string | null = "";
  while (next !== null) {
    const cursor: string = next === "" ? "" : `&cursor=${encodeURIComponent(next)}`;
    const url = runner.url("audit-log", `/entries?source=/load&limit=${pageEntries}${cursor}`);
    const response = await fetch(url, { headers: { authorization } });
    if (!response.ok) throw new Error(`audit-log answers ${response.status} to /entries`);
    const page = (await response.json()) as Page;
    for (const { id, recorded_at: at } of page.entries) recordedAt[indexOf(id)] = Date.parse(at);
    entries += page.entries.length;
    next = page.next;
  }
  return { recordedAt, entries };
}

/** The peer: one SELECT of what is due, then row by row: publish it, and write down that it was. Rules and events are ours. */
import { Agent, request } from "node:http";
import { Client } from "pg";
import { takeDue } from "../../../functions/recurring-task/firing/due.ts";
import { toOccurrenceEvent } from "../../../functions/recurring-task/firing/occurrence-event.ts";
import { openSchedule } from "../../../functions/recurring-task/recurrence/recurrence.ts";
import { fromRow } from "../../../functions/recurring-task/series/series.ts";
import type { SeriesTable } from "../../../functions/recurring-task/table.ts";
import type { Selectable } from "kysely";

export interface LoopOrder {
  /** So many of the rows that are due. */
  readonly limit: number;
}

export interface LoopNews {
  readonly published: number;
}

const [databaseUrl = "", brokerUrl = ""] = process.argv.slice(2);
const limits = { catchUpMs: 604_800_000, missedAfterMs: 150_000, limit: 100 };
const agent = new Agent({ keepAlive: true });
const client = new Client({
  connectionString: databaseUrl,
  options: "-c search_path=recurring",
});
await client.connect();

process.on("message", ({ limit }: LoopOrder) => {
  void publishDue(limit).then((published) => process.send?.({ published } satisfies LoopNews));
});
process.once("disconnect", () => process.exit());

async function publishDue(limit: number): Promise<number> {
  const now = new Date();
  const { rows } = await client.query<Selectable<SeriesTable>>(
    "select * from series where next_occurrence_at <= $1 limit $2",
    [now, limit],
  );
  let published = 0;
  for (const row of rows) published += await publish(row, now);
  return published;
}

async function publish(row: Selectable<SeriesTable>, now: Date): Promise<number> {
  const { taskId, userId, fields, recurrence, watermark } = fromRow(row);
  if (recurrence === null || watermark === null) return 0;
  const span = { watermark: watermark.getTime(), now: now.getTime() };
  const due = takeDue(openSchedule(recurrence), recurrence.catchUp, span, limits);
  for (const at of due.fired) {
    const occurrence = { taskId, userId, fields, recurrence, at, traceparent: undefined };
    await post(toOccurrenceEvent(occurrence).json);
  }
  await client.query(
    "update series set watermark = $2, next_occurrence_at = $3 where task_id = $1",
    [taskId, new Date(due.watermark), due.next === null ? null : new Date(due.next)],
  );
  return due.fired.length;
}

const post = (json: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/cloudevents+json",
      "content-length": Buffer.byteLength(json),
    };
    const posted = request(brokerUrl, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () =>
        response.statusCode === 202
          ? resolve()
          : reject(new Error(`the Broker answered ${response.statusCode}`)),
      );
    });
    posted.once("error", reject).end(json);
  });

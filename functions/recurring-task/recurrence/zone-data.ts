/** New time zone data move occurrences to come: their series are computed anew. */
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { upcoming } from "../series/change.ts";
import { zoneDataVersion } from "./zone.ts";
import { fromRow, type Series } from "../series/series.ts";
import type { Tables } from "../table.ts";

const batchSeries = 500;

/** One batch of series that older data computed; false where none is left. Versions sort by age: `2026b`, `2026c`. */
export function recomputeBatch(db: Kysely<Tables>, log: Logger): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom("series")
      .selectAll()
      .where("zone_data_version", "<", zoneDataVersion)
      .where("next_occurrence_at", "is not", null)
      .limit(batchSeries)
      .forUpdate()
      .skipLocked()
      .execute();
    for (const row of rows) {
      await trx
        .updateTable("series")
        .where("task_id", "=", row.task_id)
        .set({ ...recompute(fromRow(row), log), zone_data_version: zoneDataVersion })
        .execute();
    }
    return rows.length === batchSeries;
  });
}

function recompute({ taskId, recurrence, watermark }: Series, log: Logger) {
  if (recurrence === null || watermark === null) return {};
  try {
    const { state, nextOccurrenceAt } = upcoming(recurrence, watermark);
    return { state, next_occurrence_at: nextOccurrenceAt };
  } catch (error) {
    // It stays due when it was, and is looked at again then.
    log.error({ err: error, task_id: taskId }, "a series cannot be computed anew");
    return {};
  }
}

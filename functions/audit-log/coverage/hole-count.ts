/** How many offsets before the last recorded one are not recorded, a partition: the metric of holes. */
import type { Kysely } from "kysely";
import type { AuditTables } from "../tables.ts";
import { readCoverage } from "./coverage.ts";
import { currentGeneration } from "./generation.ts";
import { countOffsets, holesIn } from "./offset-range.ts";

/** Empty where the database does not answer: what else is measured must still be told. */
export async function countHoles(db: Kysely<AuditTables>): Promise<ReadonlyMap<number, number>> {
  try {
    const current = await currentGeneration(db);
    if (current === undefined) return new Map();
    const coverage = await readCoverage(db, current.generation);
    return new Map(
      [...coverage].map(([partition, ranges]) => [
        partition,
        countOffsets(holesIn(ranges, current.begins[partition] ?? 0, ranges.at(-1)?.end ?? 0)),
      ]),
    );
  } catch {
    return new Map();
  }
}

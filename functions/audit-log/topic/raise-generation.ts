/** The topic's generation, where the topic itself is at hand: begun, kept, or raised with an alarm. */
import type { Kysely } from "kysely";
import { readCoverage } from "../coverage/coverage.ts";
import { beginGeneration, currentGeneration, lockLogEnd } from "../coverage/generation.ts";
import type { AuditTables } from "../tables.ts";
import { shortened, type TopicExtent } from "./topic-extent.ts";

export interface Raised {
  readonly generation: string;
  /** Undefined where the recorded generation still holds. */
  readonly reason: string | undefined;
  readonly isAlarm: boolean;
}

/** Compares what is recorded with the topic; `readExtent` is called after the coverage was read. */
export async function raiseWhereRemade(
  db: Kysely<AuditTables>,
  topic: string,
  readExtent: () => Promise<TopicExtent>,
): Promise<Raised & { readonly extent: TopicExtent }> {
  const current = await currentGeneration(db);
  const coverage = current === undefined ? undefined : await readCoverage(db, current.generation);
  const extent = await readExtent();
  const begins = extent.map(({ low }) => low);
  if (current === undefined || coverage === undefined) {
    const raised = await begin(db, null, { topic, begins, reason: "found" });
    return { ...raised, isAlarm: false, extent };
  }
  const reason = shortened(coverage, extent);
  if (reason === undefined) {
    return { generation: current.generation, reason, isAlarm: false, extent };
  }
  const raised = await begin(db, current.generation, { topic, begins, reason });
  return { ...raised, isAlarm: raised.reason !== undefined, extent };
}

/** Nothing where somebody else has begun one since. */
export async function begin(
  db: Kysely<AuditTables>,
  instead: string | null,
  next: { topic: string; begins: readonly number[]; reason: string },
): Promise<{ generation: string; reason: string | undefined }> {
  return db.transaction().execute(async (trx) => {
    const { generation } = await lockLogEnd(trx);
    if (generation !== null && generation !== instead) return { generation, reason: undefined };
    return { generation: await beginGeneration(trx, next), reason: next.reason };
  });
}

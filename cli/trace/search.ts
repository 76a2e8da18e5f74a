/** Looks for an event on the topic itself, where the audit log has not recorded it. */
import { fromKafkaRecord } from "../../lib/events/kafka-record.ts";
import type { Event } from "../../lib/events/event.ts";
import { parsePoint, resolvePoint } from "../topic/point.ts";
import { readWindows } from "../topic/read-windows.ts";
import { type KafkaSession, readExtent } from "../topic/session.ts";
import { type AskOptions, askOthers, type Verdicts } from "./ask.ts";

export interface SearchOptions extends AskOptions {
  readonly topic: string;
  readonly since: string;
}

/** One verdict an identity: of its first record. */
export async function findRecords(
  session: KafkaSession,
  options: SearchOptions,
): Promise<Verdicts[]> {
  const { topic, id, source } = options;
  const extent = await readExtent(session, topic);
  const point = parsePoint("--since", options.since, new Date());
  const firsts = await resolvePoint(session, topic, extent, point);
  const found = new Map<string, Event>();
  await readWindows({
    session,
    topic,
    windows: new Map(
      extent.map(({ high }, partition) => [
        partition,
        [{ first: firsts[partition] ?? high, end: high }],
      ]),
    ),
    onRecords: (_, records) => {
      for (const record of records) {
        const event = fromKafkaRecord(record, new Date(record.timestampMs));
        if (event?.id !== id || (source !== undefined && event.source !== source)) continue;
        if (!found.has(event.source)) found.set(event.source, event);
      }
    },
  });
  return Promise.all([...found.values()].map((event) => toVerdicts(event, options)));
}

async function toVerdicts(event: Event, options: AskOptions): Promise<Verdicts> {
  const traced = {
    source: event.source,
    id: event.id,
    type: event.type,
    time: event.time,
    task_id: event.taskId,
    user_id: event.userId,
    extensions: event.extensions,
    partition: event.position?.partition ?? null,
    offset: event.position?.offset ?? null,
    problem: event.problem,
  };
  return { event: traced, entry: null, ...(await askOthers(traced, options)), triggered: [] };
}

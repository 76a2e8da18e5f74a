/** Before the gateway listens: its group's offsets are set to the present end, and the ring is filled up to there. */
import { randomUUID } from "node:crypto";
import type { KafkaRecord } from "../../../lib/events/kafka-record.ts";
import { GroupTakenError, type TopicBounds, type TopicReader } from "./topic-reader.ts";
import { offsetOf, type Vector } from "./vector.ts";

export interface WarmUp {
  readonly reader: TopicReader;
  readonly groupId: string;
  /** Records wanted, all partitions together. */
  readonly records: number;
}

export interface Warm {
  /** First and last point of what was read, without a gap. */
  readonly begin: Vector;
  readonly end: Vector;
  readonly records: readonly KafkaRecord[];
}

/**
 * The sidecar joins after the port has opened, and begins where the group's offsets are: so the ring ends there.
 * A group that has members (only the app was restarted, or a killed sidecar's session still runs) keeps its offsets,
 * which are not behind the end: what the sidecar then repeats is known by its position.
 */
export async function warmUp({ reader, groupId, records }: WarmUp): Promise<Warm> {
  const bounds = await reader.bounds();
  if (!(await reader.hasMembers(groupId))) {
    try {
      return await readLast(reader, bounds, records, { groupId, commit: true });
    } catch (error) {
      if (!(error instanceof GroupTakenError)) throw error;
    }
  }
  return rereadTopic({ reader, groupId, records }, bounds);
}

/** Reads under a name of its own, and commits nothing. */
export async function rereadTopic(
  { reader, groupId, records }: WarmUp,
  bounds?: TopicBounds,
): Promise<Warm> {
  const group = { groupId: readerGroup(groupId), commit: false };
  return readLast(reader, bounds ?? (await reader.bounds()), records, group);
}

/** Kafka drops a group without offsets as soon as it is empty. */
export const readerGroup = (groupId: string): string => `${groupId}-reader-${randomUUID()}`;

async function readLast(
  reader: TopicReader,
  { begin: oldest, end }: TopicBounds,
  count: number,
  group: { groupId: string; commit: boolean },
): Promise<Warm> {
  const share = Math.ceil(count / Math.max(end.length, 1));
  const begin = end.map((last, partition) => Math.max(offsetOf(oldest, partition), last - share));
  const records: KafkaRecord[] = [];
  const onRecord = (record: KafkaRecord): void => void records.push(record);
  await reader.read({ ...group, from: begin, until: end, onRecord });
  return { begin, end, records };
}

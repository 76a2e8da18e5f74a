/** The lag of the groups that read a topic: what they have not committed, and since when its first record waits. */
import { type Group, readGroups } from "./group.ts";
import { readWindows } from "./read-windows.ts";
import { type Extent, type KafkaSession, readExtent } from "./session.ts";

export interface PartitionLag {
  readonly partition: number;
  /** Null where the group has committed nothing of it. */
  readonly committed: number | null;
  readonly end: number;
  readonly records: number;
  /** Age of the first record that is not committed; null where there is none. */
  readonly seconds: number | null;
}

export interface GroupLag {
  readonly group: string;
  /** Kafka's word; `none` where a function's group was never there. */
  readonly state: string;
  readonly members: number;
  readonly records: number;
  readonly seconds: number | null;
  readonly partitions: readonly PartitionLag[];
  /** Of a gateway replica that does not run now: expected after a scale-down, at most one an ordinal. */
  readonly isAway: boolean;
}

/** Groups with the names of the functions, and every other one that has committed offsets of the topic. */
export async function readLag(
  session: KafkaSession,
  topic: string,
  now: Date,
): Promise<GroupLag[]> {
  // Whether there is such a topic; groups cannot be asked about one that is not there.
  await readExtent(session, topic);
  // Before the end: what is committed meanwhile must not look like more than there is.
  const groups = await readGroups(session, topic);
  const extent = await readExtent(session, topic);
  const ages = await readAges(session, topic, extent, groups);
  return groups.map((group) => toLag(group, extent, ages, now));
}

/** Below the log's start the records are gone: a consumer goes on with the first that is left. */
const positionOf = (group: Group, partition: number, extent: Extent): number =>
  Math.max(group.committed.get(partition) ?? 0, extent[partition]?.low ?? 0);

/** By partition: offset and timestamp of the first records at or after the asked offsets, in order. */
type Ages = ReadonlyMap<number, readonly { readonly offset: number; readonly atMs: number }[]>;

async function readAges(
  session: KafkaSession,
  topic: string,
  extent: Extent,
  groups: readonly Group[],
): Promise<Ages> {
  const windows = extent.map(({ high }, partition) => {
    const firsts = new Set(groups.map((group) => positionOf(group, partition, extent)));
    return [partition, [...firsts].map((first) => ({ first, end: high, most: 1 }))] as const;
  });
  const ages = new Map<number, { offset: number; atMs: number }[]>();
  await readWindows({
    session,
    topic,
    windows: new Map(windows),
    onRecords: (partition, records) => {
      const found = ages.get(partition) ?? [];
      found.push(...records.map(({ offset, timestampMs: atMs }) => ({ offset, atMs })));
      ages.set(partition, found);
    },
  });
  return ages;
}

function toLag(group: Group, extent: Extent, ages: Ages, now: Date): GroupLag {
  const partitions = extent.map(({ high }, partition): PartitionLag => {
    const position = positionOf(group, partition, extent);
    const first = ages.get(partition)?.find(({ offset }) => offset >= position);
    return {
      partition,
      committed: group.committed.get(partition) ?? null,
      end: high,
      records: Math.max(0, high - position),
      // No record there: what is left are markers of transactions.
      seconds:
        position >= high || first === undefined
          ? null
          : Math.max(0, (now.getTime() - first.atMs) / 1000),
    };
  });
  const seconds = partitions.flatMap((partition) => partition.seconds ?? []);
  return {
    group: group.name,
    state: group.state,
    members: group.members,
    records: partitions.reduce((sum, { records }) => sum + records, 0),
    seconds: seconds.length === 0 ? null : Math.max(...seconds),
    partitions,
    isAway: group.isAway,
  };
}

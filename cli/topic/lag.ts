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

export interface LagQuestion {
  readonly topic: string;
  readonly now: Date;
  /** Default: groups with the names of the functions, and every other one that has committed offsets of the topic. */
  readonly isAsked?: (group: string) => boolean;
  /** Default: from the records themselves, which are read for it. */
  readonly agesOf?: (positions: Positions, extent: Extent) => Promise<Ages>;
}

export async function readLag(session: KafkaSession, question: LagQuestion): Promise<GroupLag[]> {
  const { topic, now, isAsked } = question;
  const { agesOf = (positions, extent) => readAges(session, topic, positions, extent) } = question;
  // Whether there is such a topic; groups cannot be asked about one that is not there.
  await readExtent(session, topic);
  // Before the end: what is committed meanwhile must not look like more than there is.
  const groups = await readGroups(session, topic, isAsked);
  const extent = await readExtent(session, topic);
  const positions = extent.map(({ high }, partition) => {
    const all = groups.map((group) => positionOf(group, partition, extent));
    return [...new Set(all)].filter((position) => position < high).toSorted((a, b) => a - b);
  });
  const ages = await agesOf(positions, extent);
  return groups.map((group) => toLag(group, extent, ages, now));
}

/** Index: partition. Where somebody stands before its end: offsets, ascending. */
export type Positions = readonly (readonly number[])[];

/** Below the log's start the records are gone: a consumer goes on with the first that is left. */
const positionOf = (group: Group, partition: number, extent: Extent): number =>
  Math.max(group.committed.get(partition) ?? 0, extent[partition]?.low ?? 0);

/** By partition: offset and timestamp of the first records at or after the asked offsets, in order. */
export type Ages = ReadonlyMap<
  number,
  readonly { readonly offset: number; readonly atMs: number }[]
>;

async function readAges(
  session: KafkaSession,
  topic: string,
  positions: Positions,
  extent: Extent,
): Promise<Ages> {
  const windows = positions.map((firsts, partition) => {
    const end = extent[partition]?.high ?? 0;
    return [partition, firsts.map((first) => ({ first, end, most: 1 }))] as const;
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

/** Deletes the segments that `retention.ms` and `retention.bytes` no longer want, as Kafka's cleaner does. */
import type { PartitionLog } from "../storage/partition-log.ts";
import type { Segment } from "../storage/segment.ts";
import type { TopicConfig } from "./topic-config.ts";

export async function enforceRetention(
  partition: PartitionLog,
  config: TopicConfig,
  now: number,
): Promise<void> {
  const expiredEnd = Math.max(
    endByAge(partition, config.number("retention.ms"), now),
    endBySize(partition, config.number("retention.bytes")),
  );
  await partition.moveStart(expiredEnd);
}

function endByAge(partition: PartitionLog, retentionMs: number, now: number): number {
  if (retentionMs < 0) return 0;
  const isExpired = (segment: Segment): boolean =>
    !segment.isEmpty && segment.maxTimestamp < now - retentionMs;
  return endWhile(partition.segments, isExpired);
}

function endBySize(partition: PartitionLog, retentionBytes: number): number {
  if (retentionBytes < 0) return 0;
  let surplus =
    partition.segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - retentionBytes;
  return endWhile(partition.segments, ({ sizeBytes, isEmpty }) => {
    surplus -= sizeBytes;
    return !isEmpty && surplus >= 0;
  });
}

function endWhile(segments: readonly Segment[], isExpired: (segment: Segment) => boolean): number {
  let end = 0;
  for (const segment of segments) {
    if (!isExpired(segment)) break;
    end = segment.nextOffset;
  }
  return end;
}

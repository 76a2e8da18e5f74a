/** `--from` and `--to` of a stretch of the topic: a time, an offset, or an offset a partition. */
import { UsageError } from "../../lib/host/error.ts";
import { instantForms, toInstant } from "./instant.ts";
import type { Extent, KafkaSession } from "./session.ts";

export type Point =
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "time"; readonly atMs: number }
  | { readonly kind: "offset"; readonly offset: number }
  /** Partitions that are not named have no part in the stretch. */
  | { readonly kind: "offsets"; readonly offsets: ReadonlyMap<number, number> };

export const pointForms = `start, end, ${instantForms}, an offset of every partition: 1200, or of some: 0:1200,3:88`;

export function parsePoint(flag: string, text: string, now: Date): Point {
  if (text === "start" || text === "end") return { kind: text };
  if (/^\d{1,15}$/.test(text)) return { kind: "offset", offset: Number(text) };
  if (/^\d{1,6}:\d{1,15}(,\d{1,6}:\d{1,15})*$/.test(text)) {
    const pairs = text.split(",").map((pair) => pair.split(":").map(Number));
    return {
      kind: "offsets",
      offsets: new Map(pairs.map(([partition = 0, offset = 0]) => [partition, offset])),
    };
  }
  const atMs = toInstant(text, now);
  if (atMs === undefined) throw new UsageError(`${flag} ${text}: write ${pointForms}.`);
  return { kind: "time", atMs };
}

/** By partition: the first offset at or after the point; undefined where the partition has no part. */
export async function resolvePoint(
  { admin }: KafkaSession,
  topic: string,
  extent: Extent,
  point: Point,
): Promise<readonly (number | undefined)[]> {
  const clamp = (offset: number, partition: number): number =>
    Math.min(Math.max(offset, extent[partition]?.low ?? 0), extent[partition]?.high ?? 0);
  switch (point.kind) {
    case "start":
      return extent.map(({ low }) => low);
    case "end":
      return extent.map(({ high }) => high);
    case "offset":
      return extent.map((_, partition) => clamp(point.offset, partition));
    case "offsets":
      return extent.map((_, partition) => {
        const offset = point.offsets.get(partition);
        return offset === undefined ? undefined : clamp(offset, partition);
      });
    case "time": {
      const found = await admin.fetchTopicOffsetsByTimestamp(topic, Math.max(0, point.atMs));
      const offsets = new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
      return extent.map(({ high }, partition) => clamp(offsets.get(partition) ?? high, partition));
    }
  }
}

export const formatOffsets = (offsets: ReadonlyMap<number, number>): string =>
  [...offsets]
    .toSorted(([a], [b]) => a - b)
    .map(([partition, offset]) => `${partition}:${offset}`)
    .join(",");

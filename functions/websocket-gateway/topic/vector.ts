/** A point of the topic: one offset a partition, the first that was not seen yet; index = partition. */

export type Vector = readonly number[];

/** A partition that the vector does not name was added later: nothing of it was seen. */
export const offsetOf = (vector: Vector, partition: number): number => vector[partition] ?? 0;

/** Whether `vector` is nowhere behind `point`. */
export const reaches = (vector: Vector, point: Vector): boolean =>
  point.every((offset, partition) => offsetOf(vector, partition) >= offset);

/** The later of both in each partition. */
export function later(a: Vector, b: Vector): number[] {
  const longer = a.length >= b.length ? a : b;
  return longer.map((_, partition) => Math.max(offsetOf(a, partition), offsetOf(b, partition)));
}

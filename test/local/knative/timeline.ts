/** When the dispatcher sent what, beside when real Knative did. */
import { expect as globalExpect, type ExpectStatic } from "vitest";

export interface TimedRequest {
  readonly record: number;
  readonly atMs: number;
  /** Absent where the dispatcher waited for the answer. */
  readonly closedByDispatcherAtMs?: number | undefined;
}

interface Step extends TimedRequest {
  readonly isDeadLetter: boolean;
}

/** Of the recording's clock and of two busy machines: a process' first requests took 50 ms longer. Late is allowed, early is not. */
const earlyMs = 50;
const lateMs = 500;
/** A request that is held until a timeout is stamped when it has arrived, which may be late. */
const earlyHeldMs = 200;

/** Deliveries and dead letters in one row; what shares a millisecond is in the order of the records. */
function timeline(
  deliveries: readonly TimedRequest[],
  deadLetters: readonly TimedRequest[],
): readonly Step[] {
  return [
    ...deliveries.map((it) => ({ ...it, isDeadLetter: false })),
    ...deadLetters.map((it) => ({ ...it, isDeadLetter: true })),
  ].toSorted(
    (a, b) =>
      Math.round(a.atMs) - Math.round(b.atMs) ||
      a.record - b.record ||
      Number(a.isDeadLetter) - Number(b.isDeadLetter),
  );
}

export interface Requests {
  readonly deliveries: readonly TimedRequest[];
  readonly deadLetters: readonly TimedRequest[];
}

/** In an ordered partition: each delivery and dead letter in its place. */
export function orderByPartition(
  { deliveries, deadLetters }: Requests,
  partitionOf: (record: number) => number | undefined,
): Map<number | undefined, string[]> {
  const steps = timeline(deliveries, deadLetters).map(({ record, isDeadLetter }) => ({
    partition: partitionOf(record),
    text: `${isDeadLetter ? "dead letter" : "delivery"} of ${record}`,
  }));
  const order = new Map<number | undefined, string[]>();
  for (const [partition, of] of Map.groupBy(steps, ({ partition }) => partition)) {
    order.set(
      partition,
      of.map(({ text }) => text),
    );
  }
  return order;
}

/** The waits between the requests for one record, the dead letters' included, and how long the unanswered ones were held. */
export function expectWaits(seen: Requests, recorded: Requests, expect = globalExpect) {
  for (const [record, steps] of stepsByRecord(recorded)) {
    const seenSteps = stepsByRecord(seen).get(record) ?? [];
    expect(seenSteps).toHaveLength(steps.length);
    for (const [index, step] of steps.entries()) {
      const seenStep = seenSteps[index] ?? step;
      const waitMs = waitBefore(step, steps[index - 1]);
      expectNear(waitBefore(seenStep, seenSteps[index - 1]), waitMs, expect);
      expect(seenStep.closedByDispatcherAtMs === undefined).toBe(
        step.closedByDispatcherAtMs === undefined,
      );
      expectNear(heldMs(seenStep), heldMs(step), expect, earlyHeldMs);
    }
  }
}

const stepsByRecord = ({ deliveries, deadLetters }: Requests) =>
  Map.groupBy(timeline(deliveries, deadLetters), ({ record }) => record);

/** From where the one before was given up, if it was: its own stamp may be late. */
const waitBefore = ({ atMs }: TimedRequest, before?: TimedRequest): number =>
  before === undefined ? 0 : atMs - (before.closedByDispatcherAtMs ?? before.atMs);

const heldMs = ({ atMs, closedByDispatcherAtMs = atMs }: TimedRequest): number =>
  closedByDispatcherAtMs - atMs;

function expectNear(seenMs: number, recordedMs: number, expect: ExpectStatic, early = earlyMs) {
  expect(seenMs).toBeGreaterThan(recordedMs - early);
  expect(seenMs).toBeLessThan(recordedMs + lateMs);
}

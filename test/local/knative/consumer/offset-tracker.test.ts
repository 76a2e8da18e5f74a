import { expect, test } from "vitest";
import * as fc from "fast-check";
import { OffsetTracker } from "../../../../local/knative/consumer/offset-tracker.ts";

test("nothing is committable until the first record is settled", () => {
  const tracker = new OffsetTracker();
  const [, settleSecond] = [tracker.begin(7), tracker.begin(9)];
  settleSecond();
  expect(tracker.committable).toBeUndefined();
});

test("whatever the order of settling, all below the committable offset are settled and the one at it is not", () => {
  const offsets = fc.uniqueArray(fc.nat(1_000), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(offsets, fc.infiniteStream(fc.nat()), fc.nat(40), (given, chance, count) => {
      const ascending = given.toSorted((a, b) => a - b);
      const tracker = new OffsetTracker();
      const open = ascending.map((offset) => ({ offset, settle: tracker.begin(offset) }));
      for (let settled = 0; settled < Math.min(count, ascending.length); settled++) {
        const [one] = open.splice(chance.next().value % open.length, 1);
        one?.settle();
        const firstOpen = open[0]?.offset ?? Infinity;
        const below = ascending.filter((offset) => offset < firstOpen);
        const last = below.at(-1);
        expect(tracker.committable).toBe(last === undefined ? undefined : last + 1);
      }
    }),
  );
});

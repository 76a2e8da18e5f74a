/** Group commit: callers share commits, are bounded, and each is told what became of its own item. */
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { openGroupCommit } from "../../../lib/store/group-commit.ts";

function open(limits: { maxItems?: number; maxBytes?: number } = {}) {
  const batches: string[][] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const commit = async (items: readonly string[]) => {
    batches.push([...items]);
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
    return items.map((item): PromiseSettledResult<string> =>
      item === "bad"
        ? { status: "rejected", reason: new Error("bad") }
        : { status: "fulfilled", value: item.toUpperCase() },
    );
  };
  const group = openGroupCommit({
    commit,
    bytesOf: (item) => item.length,
    maxItems: 3,
    maxBytes: 10,
    ...limits,
  });
  return { group, batches, gates };
}

test("what arrives during a commit waits for the next one, all of it together", async () => {
  const { group, batches, gates } = open();
  const first = group.add("a");
  await expect.poll(() => batches).toEqual([["a"]]);
  const others = ["b", "c", "d", "e"].map((item) => group.add(item));
  expect(group.waiting()).toBe(4);
  gates[0]?.resolve();
  expect(await first).toBe("A");
  await expect.poll(() => batches).toEqual([["a"], ["b", "c", "d"]]);
  gates[1]?.resolve();
  await expect.poll(() => batches[2]).toEqual(["e"]);
  gates[2]?.resolve();
  expect(await Promise.all(others)).toEqual(["B", "C", "D", "E"]);
  await group.idle();
});

test("callers that come back at once with their next item stay together with those that waited", async () => {
  const { group, batches, gates } = open({ maxItems: 10 });
  const comesBack = group
    .add("a")
    .then(() => setImmediate())
    .then(() => group.add("a2"));
  await expect.poll(() => batches).toEqual([["a"]]);
  const others = ["b", "c"].map((item) => group.add(item));
  gates[0]?.resolve();
  await expect.poll(() => batches[1]).toEqual(["b", "c", "a2"]);
  gates[1]?.resolve();
  expect(await Promise.all([comesBack, ...others])).toEqual(["A2", "B", "C"]);
  await group.idle();
});

test("a batch is bounded in bytes, and an item above the bound passes alone", async () => {
  const { group, batches, gates } = open();
  const all = Promise.all(
    ["123456", "1234567", "x".repeat(50), "y"].map((item) => group.add(item)),
  );
  for (const index of [0, 1, 2, 3]) {
    await expect.poll(() => gates.length).toBe(index + 1);
    gates[index]?.resolve();
  }
  await all;
  expect(batches.map((batch) => batch.length)).toEqual([1, 1, 1, 1]);
});

test("one item's failure is told to its caller alone, a failed commit to all of it, and the next one goes on", async () => {
  const { group, gates } = open();
  const settled = Promise.allSettled([group.add("good"), group.add("bad")]);
  await expect.poll(() => gates.length).toBe(1);
  gates[0]?.resolve();
  expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  const failing = Promise.allSettled([group.add("a"), group.add("b")]);
  await expect.poll(() => gates.length).toBe(2);
  gates[1]?.reject(new Error("down"));
  expect((await failing).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const next = group.add("c");
  await expect.poll(() => gates.length).toBe(3);
  gates[2]?.resolve();
  expect(await next).toBe("C");
});

/** Many callers, one commit. */
import { expect, test } from "vitest";
import { groupCommit } from "../../../functions/notification/group-commit.ts";

test("who comes while a commit is under way goes with the next, at most so many, and gets their own result", async () => {
  const groups: number[][] = [];
  const commit = groupCommit(async (items: readonly number[]) => {
    groups.push([...items]);
    await new Promise(setImmediate);
    return items.map((item) => item * 10);
  }, 3);

  const results = await Promise.all([1, 2, 3, 4].map((item) => commit(item)));

  expect(results).toEqual([10, 20, 30, 40]);
  expect(groups).toEqual([[1, 2, 3], [4]]);
});

test("a commit that fails fails its own group alone", async () => {
  const commit = groupCommit(async (items: readonly string[]) => {
    if (items.includes("bad")) throw new Error("refused");
    return items;
  }, 2);

  const results = await Promise.allSettled(["bad", "with it", "after"].map((item) => commit(item)));

  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
});

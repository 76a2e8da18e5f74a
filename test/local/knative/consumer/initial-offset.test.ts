import { afterAll, beforeAll, expect, test } from "vitest";
import { commitEnds } from "../../../../local/knative/consumer/initial-offset.ts";
import { startLog, type TopicLog } from "../topic-log.ts";

let log: TopicLog;

beforeAll(async () => {
  log = await startLog();
});

afterAll(async () => {
  await log[Symbol.asyncDispose]();
});

test("a new group's offsets are the ends of all partitions, and that takes no long poll of 5 s", async () => {
  await log.createTopic("a", 3);
  await log.createTopic("b", 1);
  await log.produce("a", [
    { partition: 1, value: "1" },
    { partition: 1, value: "2" },
  ]);
  const startedAt = performance.now();
  await commitEnds(log.kafka, "new", ["a", "b"]);
  expect(performance.now() - startedAt).toBeLessThan(2_500);
  expect(await log.committed("new", "a")).toEqual({ 0: 0, 1: 2, 2: 0 });
  expect(await log.committed("new", "b")).toEqual({ 0: 0 });
});

test("what a group has committed stays; a partition that was added begins at its end", async () => {
  await log.createTopic("grown", 1);
  await log.produce("grown", [{ value: "1" }]);
  await commitEnds(log.kafka, "old", ["grown"]);
  const admin = log.kafka.admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: [{ topic: "grown", count: 2 }] });
  await admin.disconnect();
  await log.produce("grown", [{ partition: 0, value: "2" }]);
  expect(await log.committed("old", "grown")).toEqual({ 0: 1, 1: -1 });
  await commitEnds(log.kafka, "old", ["grown"]);
  expect(await log.committed("old", "grown")).toEqual({ 0: 1, 1: 0 });
});

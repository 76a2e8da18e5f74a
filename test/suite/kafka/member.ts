/** One member's life, in the versions of the clients that were recorded, and the rebalances around it. */
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Answer, Wire } from "../../support/kafka-wire.ts";
import { openSession } from "./broker-session.ts";
import { callJoin, commit, heartbeat, join, metadata, sync } from "./membership.ts";

export function memberTests(getBroker: () => string): void {
  describe("a member of a consumer group", () => {
    it("lives in the versions of sarama: joins at once, without being told its id first", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const groupId = `sarama-${randomUUID()}`;
      const [one, two] = [await session.wire(), await session.wire()];
      const first = await joinAsSarama(one, groupId);
      expect(first).toMatchObject({ errorCode: 0, generationId: 1, groupProtocol: "range" });
      expect(first.leaderId).toBe(first.memberId);
      expect((await syncAsSarama(one, groupId, first)).memberAssignment.toString()).toBe("all");
      const who = { groupId, groupGenerationId: 1, memberId: first.memberId };
      expect(await one.call("heartbeat", 2, who)).toMatchObject({ errorCode: 0 });
      const partitions = [{ partition: 0, offset: 7, metadata: "" }];
      const committed = { ...who, retentionTime: -1, topics: [{ topic, partitions }] };
      await one.call("offsetCommit", 4, committed);
      const read = await one.call("offsetFetch", 4, { groupId, topics: [{ topic, partitions }] });
      expect(read.responses[0].partitions[0]).toMatchObject({ offset: "7", errorCode: 0 });
      const joining = joinAsSarama(two, groupId);
      await expect
        .poll(async () => (await one.call("heartbeat", 2, who)).errorCode as number)
        .toBe(27);
      const again = await joinAsSarama(one, groupId, first.memberId);
      expect([(await joining).generationId, again.generationId]).toEqual([2, 2]);
      expect(again.members).toHaveLength(2);
    });

    it("leaves as librdkafka does, and the one that stays leads", async () => {
      await using session = await openSession(getBroker());
      const groupId = `leave-${randomUUID()}`;
      const [one, two] = [await session.wire(), await session.wire()];
      const { first, second } = await joinTwo(one, two, groupId);
      await one.call("leaveGroup", 1, { groupId, memberId: first.memberId });
      await expect.poll(() => heartbeat(two, groupId, second)).toBe(27);
      const alone = await join(two, groupId, second.memberId);
      expect(alone).toMatchObject({ leaderId: second.memberId, generationId: 3 });
      expect(alone.members).toHaveLength(1);
      expect(await heartbeat(one, groupId, first)).toBe(25);
    });

    it("that misses a rebalance is out when the rebalance timeout is over", async () => {
      await using session = await openSession(getBroker());
      const groupId = `slow-${randomUUID()}`;
      const [one, two] = [await session.wire(), await session.wire()];
      const quick = { rebalanceTimeout: 1000 };
      const { memberId } = await callJoin(one, groupId, "", quick);
      const slow = await callJoin(one, groupId, memberId, quick);
      await sync(one, groupId, slow);
      const expected = await callJoin(two, groupId, "", quick);
      const second = await callJoin(two, groupId, expected.memberId, quick);
      expect(second).toMatchObject({ errorCode: 0, leaderId: second.memberId });
      expect(second.members).toHaveLength(1);
      expect(await heartbeat(one, groupId, slow)).toBe(25);
    });

    it("may not commit while the others wait for the leader's assignment", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const groupId = `early-${randomUUID()}`;
      const wire = await session.wire();
      const member = await join(wire, groupId);
      expect(await commit(wire, groupId, member, topic, 1)).toBe(27);
      await sync(wire, groupId, member);
      expect(await commit(wire, groupId, member, topic, 1)).toBe(0);
    });

    it("of another generation gets no assignment", async () => {
      await using session = await openSession(getBroker());
      const groupId = `old-${randomUUID()}`;
      const wire = await session.wire();
      const member = await join(wire, groupId);
      expect(await sync(wire, groupId, { ...member, generationId: 7 })).toMatchObject({
        errorCode: 22,
      });
      expect(await sync(wire, groupId, { ...member, memberId: "stranger" })).toMatchObject({
        errorCode: 25,
      });
    });
  });

  describe("committed offsets", () => {
    it("are all told to one that names no topics, and go with their topic", async () => {
      await using session = await openSession(getBroker());
      const [kept, gone] = [await session.topic(), await session.topic()];
      const groupId = `offsets-${randomUUID()}`;
      const wire = await session.wire();
      const outsider = { memberId: "", generationId: -1 };
      for (const topic of [kept, gone]) await commit(wire, groupId, outsider, topic, 3);
      const topics = async (): Promise<string[]> =>
        (await wire.call("offsetFetch", 4, { groupId, topics: [] })).responses
          .map(({ topic }: { topic: string }) => topic)
          .toSorted();
      expect(await topics()).toEqual([kept, gone].toSorted());
      await session.admin.deleteTopics({ topics: [gone] });
      await expect.poll(topics).toEqual([kept]);
    });
  });
}

function joinAsSarama(wire: Wire, groupId: string, memberId = ""): Promise<Answer> {
  return wire.call("joinGroup", 3, {
    groupId,
    memberId,
    sessionTimeout: 10_000,
    rebalanceTimeout: 60_000,
    protocolType: "consumer",
    groupProtocols: [{ name: "range", metadata }],
  });
}

function syncAsSarama(
  wire: Wire,
  groupId: string,
  { generationId, memberId }: Answer,
): Promise<Answer> {
  const groupAssignment = [{ memberId, memberAssignment: Buffer.from("all") }];
  return wire.call("syncGroup", 2, { groupId, generationId, memberId, groupAssignment });
}

async function joinTwo(
  one: Wire,
  two: Wire,
  groupId: string,
): Promise<{ first: Answer; second: Answer }> {
  const alone = await join(one, groupId);
  await sync(one, groupId, alone);
  const joining = join(two, groupId);
  await expect.poll(() => heartbeat(one, groupId, alone)).toBe(27);
  const first = await join(one, groupId, alone.memberId);
  const second = await joining;
  await Promise.all([sync(two, groupId, second), sync(one, groupId, first, second.memberId)]);
  return { first, second };
}

/** Consumer groups: who reads what, what was committed, and what happens when a member goes. */
import { randomUUID } from "node:crypto";
import type { Consumer } from "kafkajs";
import { describe, expect, it } from "vitest";
import { type BrokerSession, openSession } from "./broker-session.ts";
import { callJoin, commit, heartbeat, join, sync } from "./membership.ts";
import { produce } from "./requests.ts";

export function groupTests(getBroker: () => string): void {
  describe("consumer groups", () => {
    it(
      "share the partitions among their members, and take over those of one that leaves",
      { timeout: 60_000 },
      async () => {
        await using session = await openSession(getBroker());
        const topic = await session.topic(4);
        const groupId = `group-${randomUUID()}`;
        const [first, second] = [
          await session.consumer(shortLived(groupId)),
          await session.consumer(shortLived(groupId)),
        ];
        const assigned = [watchAssignment(first, topic), watchAssignment(second, topic)];
        for (const consumer of [first, second]) {
          await consumer.subscribe({ topic, fromBeginning: true });
          await consumer.run({ eachMessage: async () => {} });
        }
        await expect
          .poll(() => assigned.map((read) => read().length), { timeout: 20_000 })
          .toEqual([2, 2]);
        expect(new Set(assigned.flatMap((read) => read()))).toEqual(new Set([0, 1, 2, 3]));
        await first.disconnect();
        await expect.poll(() => assigned[1]?.().length, { timeout: 20_000 }).toBe(4);
      },
    );

    it("go on from what they committed", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const producer = await session.producer();
      const groupId = `group-${randomUUID()}`;
      await producer.send({ topic, messages: [{ value: "1" }, { value: "2" }] });
      expect(await consume(session, groupId, topic, 2)).toEqual(["1", "2"]);
      await producer.send({ topic, messages: [{ value: "3" }] });
      expect(await consume(session, groupId, topic, 1)).toEqual(["3"]);
      const committed = await session.admin.fetchOffsets({ groupId, topics: [topic] });
      expect(committed).toMatchObject([{ topic, partitions: [{ partition: 0, offset: "3" }] }]);
    });

    it("are listed, described and deleted, though not while they have members", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const groupId = `group-${randomUUID()}`;
      const wire = await session.wire();
      const member = await join(wire, groupId);
      await sync(wire, groupId, member);
      expect((await session.admin.listGroups()).groups).toContainEqual({
        groupId,
        protocolType: "consumer",
      });
      const { groups } = await session.admin.describeGroups([groupId]);
      expect(groups).toMatchObject([
        {
          groupId,
          state: "Stable",
          protocol: "RoundRobinAssigner",
          members: [{ memberId: member.memberId }],
        },
      ]);
      await expect(session.admin.deleteGroups([groupId])).rejects.toThrow("DeleteGroups");
      await commit(wire, groupId, member, topic, 5);
      await wire.call("leaveGroup", 1, { groupId, memberId: member.memberId });
      expect((await session.admin.describeGroups([groupId])).groups).toMatchObject([
        { state: "Empty", members: [] },
      ]);
      await session.admin.deleteGroups([groupId]);
      expect((await session.admin.listGroups()).groups.map((group) => group.groupId)).not.toContain(
        groupId,
      );
      expect((await session.admin.describeGroups([groupId])).groups).toMatchObject([
        { state: "Dead" },
      ]);
    });

    it("drop a member whose session times out", { timeout: 40_000 }, async () => {
      await using session = await openSession(getBroker());
      const groupId = `group-${randomUUID()}`;
      const wire = await session.wire();
      const member = await join(wire, groupId);
      await sync(wire, groupId, member);
      const state = async (): Promise<string | undefined> =>
        (await session.admin.describeGroups([groupId])).groups[0]?.state;
      expect(await state()).toBe("Stable");
      await expect.poll(state, { timeout: 20_000, interval: 500 }).not.toBe("Stable");
      expect(await heartbeat(wire, groupId, member)).toBe(25);
    });

    it("tell a member that another one joined, and refuse its old generation afterwards", async () => {
      await using session = await openSession(getBroker());
      const groupId = `group-${randomUUID()}`;
      const [one, two] = [await session.wire(), await session.wire()];
      const first = await join(one, groupId);
      await sync(one, groupId, first);
      expect(await heartbeat(one, groupId, first)).toBe(0);
      const joining = join(two, groupId);
      await expect.poll(() => heartbeat(one, groupId, first)).toBe(27);
      const again = await join(one, groupId, first.memberId);
      const second = await joining;
      expect(again.generationId).toBe(second.generationId);
      expect([again.leaderId, second.leaderId]).toEqual([first.memberId, first.memberId]);
      expect([again.members.length, second.members.length]).toEqual([2, 0]);
      expect(await heartbeat(one, groupId, first)).toBe(22);
      const assigned = await Promise.all([
        sync(two, groupId, second),
        sync(one, groupId, again, second.memberId),
      ]);
      expect(assigned.map((answer) => answer.memberAssignment.toString())).toEqual([
        second.memberId,
        again.memberId,
      ]);
    });

    it("let a static member come back without a rebalance, and fence the one it replaces", async () => {
      await using session = await openSession(getBroker());
      const groupId = `group-${randomUUID()}`;
      const wire = await session.wire();
      const groupInstanceId = "one";
      const first = await callJoin(wire, groupId, "", { groupInstanceId });
      await sync(wire, groupId, first);
      const second = await callJoin(wire, groupId, "", { groupInstanceId });
      expect(second).toMatchObject({ errorCode: 0, generationId: first.generationId });
      expect(second.memberId).not.toBe(first.memberId);
      const payload = { groupId, groupGenerationId: first.generationId, groupInstanceId };
      expect(
        await wire.call("heartbeat", 3, { ...payload, memberId: first.memberId }),
      ).toMatchObject({ errorCode: 82 });
      expect(
        await wire.call("heartbeat", 3, { ...payload, memberId: second.memberId }),
      ).toMatchObject({ errorCode: 0 });
    });

    it("refuse strangers, other protocols and unreasonable timeouts", async () => {
      await using session = await openSession(getBroker());
      const groupId = `group-${randomUUID()}`;
      const wire = await session.wire();
      await join(wire, groupId);
      expect(await heartbeat(wire, groupId, { memberId: "stranger", generationId: 1 })).toBe(25);
      expect((await callJoin(wire, groupId, "stranger")).errorCode).toBe(25);
      expect((await callJoin(wire, groupId, "", { protocolType: "connect" })).errorCode).toBe(23);
      expect((await callJoin(wire, groupId, "", { sessionTimeout: 10 })).errorCode).toBe(26);
      expect((await callJoin(wire, "", "")).errorCode).toBe(24);
    });

    it("take commits of their members alone while they have any", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const groupId = `group-${randomUUID()}`;
      const wire = await session.wire();
      const outsider = { memberId: "", generationId: -1 };
      expect(await commit(wire, groupId, outsider, topic, 3)).toBe(0);
      const member = await join(wire, groupId);
      await sync(wire, groupId, member);
      expect(await commit(wire, groupId, outsider, topic, 4)).toBe(25);
      expect(await commit(wire, groupId, { ...member, generationId: 99 }, topic, 4)).toBe(22);
      expect(await commit(wire, groupId, member, topic, 5)).toBe(0);
      expect(await commit(wire, groupId, member, "no-such-topic", 5)).toBe(3);
      expect(await session.admin.fetchOffsets({ groupId, topics: [topic] })).toMatchObject([
        { partitions: [{ offset: "5" }] },
      ]);
    });

    it("can be set back to the beginning while they are empty, and their lag be told", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      const groupId = `group-${randomUUID()}`;
      const wire = await session.wire();
      await produce(wire, topic, ["1", "2", "3"]);
      expect(await consume(session, groupId, topic, 3)).toHaveLength(3);
      const lag = async (): Promise<number> => {
        const [committed] = await session.admin.fetchOffsets({ groupId, topics: [topic] });
        const [end] = await session.admin.fetchTopicOffsets(topic);
        return Number(end?.high) - Number(committed?.partitions[0]?.offset);
      };
      expect(await lag()).toBe(0);
      await session.admin.setOffsets({
        groupId,
        topic,
        partitions: [{ partition: 0, offset: "1" }],
      });
      expect(await lag()).toBe(2);
      expect(await consume(session, groupId, topic, 2)).toEqual(["2", "3"]);
    });
  });
}

function shortLived(groupId: string) {
  return { groupId, heartbeatInterval: 200, sessionTimeout: 6000, rebalanceTimeout: 6000 };
}

function watchAssignment(consumer: Consumer, topic: string): () => number[] {
  let partitions: number[] = [];
  consumer.on(
    consumer.events.GROUP_JOIN,
    ({ payload }) => (partitions = payload.memberAssignment[topic] ?? []),
  );
  return () => partitions;
}

async function consume(
  session: BrokerSession,
  groupId: string,
  topic: string,
  count: number,
): Promise<string[]> {
  const consumer = await session.consumer(shortLived(groupId));
  const values: string[] = [];
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => void values.push(message.value?.toString() ?? ""),
  });
  await expect.poll(() => values.length, { timeout: 20_000 }).toBe(count);
  await consumer.disconnect();
  return values;
}

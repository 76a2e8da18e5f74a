/** What a member of a consumer group says, request by request. */
import kafkajs from "kafkajs";
import { expect } from "vitest";
import type { Answer, Wire } from "../../support/kafka-wire.ts";

/** Kafka reads it, and a group whose members say something else never settles. */
export const metadata = kafkajs.AssignerProtocol.MemberMetadata.encode({
  version: 1,
  topics: ["t"],
  userData: Buffer.alloc(0),
});

export interface Membership {
  readonly memberId: string;
  readonly generationId: number;
}

export async function callJoin(
  wire: Wire,
  groupId: string,
  memberId: string,
  options: object = {},
): Promise<Answer> {
  const groupProtocols = [{ name: "RoundRobinAssigner", metadata }];
  const payload = {
    groupId,
    memberId,
    sessionTimeout: 6000,
    rebalanceTimeout: 6000,
    protocolType: "consumer",
    groupProtocols,
  };
  return wire.call("joinGroup", 5, { ...payload, ...options });
}

/** As a client does: learns its id, then joins with it. */
export async function join(wire: Wire, groupId: string, memberId = ""): Promise<Answer> {
  const answer = await callJoin(wire, groupId, memberId);
  if (answer.errorCode === 79) return join(wire, groupId, answer.memberId);
  expect(answer.errorCode).toBe(0);
  return answer;
}

/** Assigns each member its own id. */
export function sync(
  wire: Wire,
  groupId: string,
  { memberId, generationId }: Membership,
  ...others: string[]
): Promise<Answer> {
  const groupAssignment = [memberId, ...others].map((id) => ({
    memberId: id,
    memberAssignment: Buffer.from(id),
  }));
  return wire.call("syncGroup", 3, { groupId, generationId, memberId, groupAssignment });
}

export async function heartbeat(
  wire: Wire,
  groupId: string,
  { memberId, generationId }: Membership,
): Promise<number> {
  return (await wire.call("heartbeat", 3, { groupId, groupGenerationId: generationId, memberId }))
    .errorCode;
}

export async function commit(
  wire: Wire,
  groupId: string,
  member: Membership,
  topic: string,
  offset: number,
): Promise<number> {
  const topics = [{ topic, partitions: [{ partition: 0, offset, metadata: "" }] }];
  const payload = {
    groupId,
    groupGenerationId: member.generationId,
    memberId: member.memberId,
    topics,
  };
  return (await wire.call("offsetCommit", 5, payload)).responses[0].partitions[0].errorCode;
}

/** The consumer groups of a topic. */
import { functionNames } from "../option.ts";
import type { KafkaSession } from "./session.ts";

export interface Group {
  readonly name: string;
  readonly state: string;
  readonly members: number;
  /** By partition; those without a commit are left out. */
  readonly committed: ReadonlyMap<number, number>;
  /** Of a gateway replica that does not run now: expected after a scale-down, at most one an ordinal. */
  readonly isAway: boolean;
}

const gatewayForm = /^websocket-gateway-\d+$/;

/** Groups of the functions and of gateway replicas. */
export const isOurs = (name: string): boolean => isFunction(name) || gatewayForm.test(name);

/** Groups with the names of the functions, and every other one that has committed offsets of the topic. */
export async function readGroups(
  { admin }: KafkaSession,
  topic: string,
  isAsked: (name: string) => boolean = () => true,
): Promise<Group[]> {
  const { groups } = await admin.listGroups();
  const consumers = groups.filter(({ protocolType }) => /^(consumer)?$/.test(protocolType));
  const names = consumers.map(({ groupId }) => groupId).filter(isAsked);
  const known = names.length === 0 ? [] : (await admin.describeGroups(names)).groups;
  const read = known.map(async ({ groupId, state, members }) => ({
    name: groupId,
    state,
    members: members.length,
    committed: await readCommitted(admin, groupId, topic),
    isAway: gatewayForm.test(groupId) && members.length === 0,
  }));
  const found = (await Promise.all(read)).filter(
    ({ name, committed }) => committed.size > 0 || isFunction(name),
  );
  const missing = functionNames.filter((name) => !found.some((group) => group.name === name));
  const never = missing.map((name) => ({
    name,
    state: "none",
    members: 0,
    committed: new Map<number, number>(),
    isAway: false,
  }));
  return [...found, ...never].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const isFunction = (name: string): boolean => (functionNames as readonly string[]).includes(name);

async function readCommitted(
  admin: KafkaSession["admin"],
  groupId: string,
  topic: string,
): Promise<Map<number, number>> {
  const [ofTopic] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const offsets = (ofTopic?.partitions ?? []).map(
    ({ partition, offset }) => [partition, Number(offset)] as const,
  );
  return new Map(offsets.filter(([, offset]) => offset >= 0));
}

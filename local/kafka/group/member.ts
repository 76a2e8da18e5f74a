/** One consumer in a group, between its join and its leave. */
import type { ErrorCode } from "../protocol/error-code.ts";

export interface Protocol {
  readonly name: string;
  readonly metadata: Buffer;
}

/** Who speaks: the instance id is set by static members alone. */
export interface MemberIdentity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface JoinRequest extends MemberIdentity {
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly Protocol[];
  /** From JoinGroup v4 on, a new member is first told its id and joins again with it. */
  readonly requiresKnownId: boolean;
}

export interface JoinAnswer {
  readonly error: ErrorCode;
  readonly generation: number;
  readonly protocol: string;
  readonly leader: string;
  readonly memberId: string;
  readonly members: readonly {
    memberId: string;
    groupInstanceId: string | null;
    metadata: Buffer;
  }[];
}

export interface SyncAnswer {
  readonly error: ErrorCode;
  readonly assignment: Buffer;
}

export interface Member {
  readonly id: string;
  readonly request: JoinRequest;
  assignment: Buffer;
  /** Set while its JoinGroup waits for the other members. */
  joining?: ((answer: JoinAnswer) => void) | undefined;
  /** Set while its SyncGroup waits for the leader's assignment. */
  syncing?: ((answer: SyncAnswer) => void) | undefined;
  session?: NodeJS.Timeout | undefined;
}

export function metadataOf(member: Member, protocol: string): Buffer {
  return (
    member.request.protocols.find(({ name }) => name === protocol)?.metadata ?? Buffer.alloc(0)
  );
}

/** As the members' own preference among what all of them support; the first listed wins a draw. */
export function voteProtocol(members: readonly Member[]): string {
  const supported = commonProtocols(members);
  const votes = new Map<string, number>();
  for (const { request } of members) {
    const choice = request.protocols.find(({ name }) => supported.has(name))?.name ?? "";
    votes.set(choice, (votes.get(choice) ?? 0) + 1);
  }
  return [...votes].reduce((best, next) => (next[1] > best[1] ? next : best), ["", 0])[0];
}

export function commonProtocols(members: readonly Member[]): Set<string> {
  const [first, ...others] = members.map(({ request }) =>
    request.protocols.map(({ name }) => name),
  );
  return new Set(first?.filter((name) => others.every((names) => names.includes(name))));
}

export function sameProtocols(one: readonly Protocol[], other: readonly Protocol[]): boolean {
  return (
    one.length === other.length &&
    one.every(
      ({ name, metadata }, i) => name === other[i]?.name && metadata.equals(other[i].metadata),
    )
  );
}

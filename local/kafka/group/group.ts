/** The classic group protocol of Kafka: join, sync, heartbeat, leave, and the rebalance that they start. */
import { randomUUID } from "node:crypto";
import { ErrorCode } from "../protocol/error-code.ts";
import {
  commonProtocols,
  type JoinAnswer,
  type JoinRequest,
  type Member,
  type MemberIdentity,
  metadataOf,
  sameProtocols,
  type SyncAnswer,
  voteProtocol,
} from "./member.ts";

export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

export class Group {
  readonly id: string;
  readonly members = new Map<string, Member>();
  state: GroupState = "Empty";
  generation = 0;
  protocolType = "";
  protocol = "";
  leader = "";
  /** Ids that were given out and have not joined yet; a rebalance waits for them. */
  readonly #expected = new Map<string, NodeJS.Timeout>();
  #rebalance: NodeJS.Timeout | undefined;

  constructor(id: string) {
    this.id = id;
  }

  async join(request: JoinRequest): Promise<JoinAnswer> {
    const refused = this.#refusal(request);
    if (refused !== undefined) return refusedJoin(refused, request.memberId);
    const known = this.members.get(this.#idOf(request));
    if (known) return this.#rejoin(known, request);
    const id = request.memberId || `${request.clientId}-${randomUUID()}`;
    if (!request.memberId && request.requiresKnownId && request.groupInstanceId === null) {
      this.#expect(id, request.sessionTimeoutMs);
      return refusedJoin(ErrorCode.MEMBER_ID_REQUIRED, id);
    }
    this.#expectNoLonger(id);
    return this.#admit(id, request);
  }

  async sync(
    who: MemberIdentity,
    generation: number,
    assignments: ReadonlyMap<string, Buffer>,
  ): Promise<SyncAnswer> {
    const error = this.check(who, generation);
    const member = this.members.get(who.memberId);
    if (error !== ErrorCode.NONE || !member) return refusedSync(error);
    if (this.state === "PreparingRebalance") return refusedSync(ErrorCode.REBALANCE_IN_PROGRESS);
    if (this.state === "Stable") return this.#assigned(member);
    const answer = new Promise<SyncAnswer>((resolve) => (member.syncing = resolve));
    if (member.id === this.leader) this.#stabilize(assignments);
    return answer;
  }

  heartbeat(who: MemberIdentity, generation: number): ErrorCode {
    const error = this.check(who, generation);
    if (error !== ErrorCode.NONE) return error;
    this.touch(who.memberId);
    return this.state === "PreparingRebalance" ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  leave({ memberId, groupInstanceId }: MemberIdentity): ErrorCode {
    if (this.#expectNoLonger(memberId)) return ErrorCode.NONE;
    const member =
      groupInstanceId === null ? this.members.get(memberId) : this.#byInstance(groupInstanceId);
    if (!member) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (memberId && member.id !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    this.#remove(member);
    return ErrorCode.NONE;
  }

  /** Whether a member of this generation may speak. */
  check({ memberId, groupInstanceId }: MemberIdentity, generation: number): ErrorCode {
    const owner = groupInstanceId === null ? undefined : this.#byInstance(groupInstanceId);
    if (owner && owner.id !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    if (!this.members.has(memberId)) return ErrorCode.UNKNOWN_MEMBER_ID;
    return generation === this.generation ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
  }

  /** Begins the member's session timeout anew. */
  touch(memberId: string): void {
    const member = this.members.get(memberId);
    if (!member) return;
    clearTimeout(member.session);
    member.session = setTimeout(
      () => this.#expire(member),
      member.request.sessionTimeoutMs,
    ).unref();
  }

  close(): void {
    this.state = "Dead";
    clearTimeout(this.#rebalance);
    for (const timer of this.#expected.values()) clearTimeout(timer);
    for (const member of this.members.values()) clearTimeout(member.session);
  }

  #refusal(request: JoinRequest): ErrorCode | undefined {
    const { memberId, protocolType, protocols } = request;
    const others = [...this.members.values()].filter(({ id }) => id !== this.#idOf(request));
    if (protocolType === "" || protocols.length === 0) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
    const common = commonProtocols(others);
    const isConsistent =
      others.length === 0 ||
      (protocolType === this.protocolType && protocols.some(({ name }) => common.has(name)));
    if (!isConsistent) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
    if (!memberId) return undefined;
    const owner =
      request.groupInstanceId === null ? undefined : this.#byInstance(request.groupInstanceId);
    if (owner && owner.id !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    return this.members.has(memberId) || this.#expected.has(memberId)
      ? undefined
      : ErrorCode.UNKNOWN_MEMBER_ID;
  }

  #idOf({ memberId, groupInstanceId }: JoinRequest): string {
    if (memberId || groupInstanceId === null) return memberId;
    return this.#byInstance(groupInstanceId)?.id ?? "";
  }

  #byInstance(groupInstanceId: string): Member | undefined {
    return [...this.members.values()].find(
      ({ request }) => request.groupInstanceId === groupInstanceId,
    );
  }

  #rejoin(known: Member, request: JoinRequest): Promise<JoinAnswer> {
    const isUnchanged = sameProtocols(known.request.protocols, request.protocols);
    const wantsRebalance =
      this.state === "Stable" && known.id === this.leader && request.memberId !== "";
    const answersAtOnce =
      isUnchanged &&
      !wantsRebalance &&
      (this.state === "Stable" || this.state === "CompletingRebalance");
    // A static member that comes back without its id is given a new one, and the old one is fenced.
    const id = request.memberId || `${request.groupInstanceId}-${randomUUID()}`;
    known.joining?.(
      refusedJoin(
        known.id === id ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.FENCED_INSTANCE_ID,
        known.id,
      ),
    );
    clearTimeout(known.session);
    this.members.delete(known.id);
    if (this.leader === known.id) this.leader = id;
    const member: Member = { id, request, assignment: known.assignment, syncing: known.syncing };
    this.members.set(id, member);
    if (answersAtOnce) {
      this.touch(id);
      return Promise.resolve(this.#joined(member));
    }
    return this.#awaitRebalance(member);
  }

  #admit(id: string, request: JoinRequest): Promise<JoinAnswer> {
    const member: Member = { id, request, assignment: Buffer.alloc(0) };
    if (this.members.size === 0) this.protocolType = request.protocolType;
    this.members.set(id, member);
    return this.#awaitRebalance(member);
  }

  #awaitRebalance(member: Member): Promise<JoinAnswer> {
    const answer = new Promise<JoinAnswer>((resolve) => (member.joining = resolve));
    this.#prepareRebalance();
    return answer;
  }

  #prepareRebalance(): void {
    if (this.state !== "PreparingRebalance") {
      for (const member of this.members.values())
        this.#answerSync(member, refusedSync(ErrorCode.REBALANCE_IN_PROGRESS));
      this.state = "PreparingRebalance";
      const timeoutMs = Math.max(
        0,
        ...[...this.members.values()].map(({ request }) => request.rebalanceTimeoutMs),
      );
      this.#rebalance = setTimeout(() => this.#completeJoin(), timeoutMs).unref();
    }
    const isComplete =
      this.#expected.size === 0 && [...this.members.values()].every(({ joining }) => joining);
    if (isComplete) this.#completeJoin();
  }

  /** Begins the next generation with those who came; the others are out. */
  #completeJoin(): void {
    clearTimeout(this.#rebalance);
    for (const member of this.members.values()) {
      if (!member.joining && member.request.groupInstanceId === null) this.#forget(member);
    }
    this.generation += 1;
    const members = [...this.members.values()];
    this.protocol = voteProtocol(members);
    if (!this.members.has(this.leader))
      this.leader = members.find(({ joining }) => joining)?.id ?? members[0]?.id ?? "";
    this.state = members.length === 0 ? "Empty" : "CompletingRebalance";
    for (const member of members) {
      const answer = member.joining;
      member.joining = undefined;
      answer?.(this.#joined(member));
      this.touch(member.id);
    }
  }

  #stabilize(assignments: ReadonlyMap<string, Buffer>): void {
    this.state = "Stable";
    for (const member of this.members.values()) {
      member.assignment = assignments.get(member.id) ?? Buffer.alloc(0);
      if (member.syncing) this.#answerSync(member, this.#assigned(member));
    }
  }

  #assigned(member: Member): SyncAnswer {
    this.touch(member.id);
    return { error: ErrorCode.NONE, assignment: member.assignment };
  }

  #answerSync(member: Member, answer: SyncAnswer): void {
    const waiting = member.syncing;
    member.syncing = undefined;
    waiting?.(answer);
  }

  /** The leader alone sees the others, because it alone assigns. */
  #joined(member: Member): JoinAnswer {
    const { generation, protocol, leader } = this;
    const seen = member.id === leader ? [...this.members.values()] : [];
    const members = seen.map((other) => ({
      memberId: other.id,
      groupInstanceId: other.request.groupInstanceId,
      metadata: metadataOf(other, protocol),
    }));
    return { error: ErrorCode.NONE, generation, protocol, leader, memberId: member.id, members };
  }

  #expect(id: string, timeoutMs: number): void {
    const give = (): void => {
      this.#expectNoLonger(id);
      if (this.state === "PreparingRebalance") this.#prepareRebalance();
    };
    this.#expected.set(id, setTimeout(give, timeoutMs).unref());
  }

  #expectNoLonger(id: string): boolean {
    clearTimeout(this.#expected.get(id));
    return this.#expected.delete(id);
  }

  #expire(member: Member): void {
    // Whoever waits for an answer of ours is alive as far as we know.
    if (!member.joining && !member.syncing) this.#remove(member);
  }

  #remove(member: Member): void {
    this.#forget(member);
    member.joining?.(refusedJoin(ErrorCode.UNKNOWN_MEMBER_ID, member.id));
    this.#answerSync(member, refusedSync(ErrorCode.UNKNOWN_MEMBER_ID));
    this.#prepareRebalance();
  }

  #forget(member: Member): void {
    clearTimeout(member.session);
    this.members.delete(member.id);
  }
}

function refusedJoin(error: ErrorCode, memberId: string): JoinAnswer {
  return { error, generation: -1, protocol: "", leader: "", memberId, members: [] };
}

function refusedSync(error: ErrorCode): SyncAnswer {
  return { error, assignment: Buffer.alloc(0) };
}

/** The classic group protocol of Kafka: join, sync, heartbeat, leave, and the rebalance that they start. */
import { randomUUID } from "node:crypto";
import { ErrorCode } from "../protocol/error-code.ts";
import {
  type JoinAnswer,
  type JoinRequest,
  type Member,
  type MemberIdentity,
  metadataOf,
  sameProtocols,
  type SyncAnswer,
  voteProtocol,
} from "./member.ts";
import { Roster } from "./roster.ts";

export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

export class Group {
  readonly id: string;
  state: GroupState = "Empty";
  protocolType = "";
  protocol = "";
  #generation = 0;
  #leader = "";
  #rebalance: NodeJS.Timeout | undefined;
  readonly #roster = new Roster({
    onExpired: (member) => this.#remove(member),
    onUnused: () => {
      if (this.state === "PreparingRebalance") this.#prepareRebalance();
    },
  });

  constructor(id: string) {
    this.id = id;
  }

  get members(): Member[] {
    return this.#roster.members;
  }

  async join(request: JoinRequest): Promise<JoinAnswer> {
    const refused = this.#roster.refusal(request, this.protocolType);
    if (refused !== undefined) return refusedJoin(refused, request.memberId);
    const known = this.#roster.find(request);
    if (known) return this.#rejoin(known, request);
    const id = request.memberId || newMemberId(request);
    if (!request.memberId && request.requiresKnownId && request.groupInstanceId === null) {
      this.#roster.expect(id, request.sessionTimeoutMs);
      return refusedJoin(ErrorCode.MEMBER_ID_REQUIRED, id);
    }
    this.#roster.expectNoLonger(id);
    if (this.members.length === 0) this.protocolType = request.protocolType;
    return this.#awaitRebalance({ id, request, assignment: Buffer.alloc(0) });
  }

  async sync(
    who: MemberIdentity,
    generation: number,
    assignments: ReadonlyMap<string, Buffer>,
  ): Promise<SyncAnswer> {
    const error = this.check(who, generation);
    const member = this.#roster.get(who.memberId);
    if (error !== ErrorCode.NONE || !member) return refusedSync(error);
    if (this.state === "PreparingRebalance") return refusedSync(ErrorCode.REBALANCE_IN_PROGRESS);
    if (this.state === "Stable") return this.#assigned(member);
    const answer = new Promise<SyncAnswer>((resolve) => (member.syncing = resolve));
    if (member.id === this.#leader) this.#stabilize(assignments);
    return answer;
  }

  heartbeat(who: MemberIdentity, generation: number): ErrorCode {
    const error = this.check(who, generation);
    if (error !== ErrorCode.NONE) return error;
    this.touch(who.memberId);
    return this.state === "PreparingRebalance" ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  leave(who: MemberIdentity): ErrorCode {
    if (this.#roster.expectNoLonger(who.memberId)) return ErrorCode.NONE;
    if (this.#roster.isFenced(who)) return ErrorCode.FENCED_INSTANCE_ID;
    const member = this.#roster.find(who);
    if (!member) return ErrorCode.UNKNOWN_MEMBER_ID;
    this.#remove(member);
    return ErrorCode.NONE;
  }

  /** Whether a member of this generation may speak. */
  check(who: MemberIdentity, generation: number): ErrorCode {
    if (this.#roster.isFenced(who)) return ErrorCode.FENCED_INSTANCE_ID;
    if (!this.#roster.get(who.memberId)) return ErrorCode.UNKNOWN_MEMBER_ID;
    return generation === this.#generation ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
  }

  touch(memberId: string): void {
    const member = this.#roster.get(memberId);
    if (member) this.#roster.touch(member);
  }

  close(): void {
    this.state = "Dead";
    clearTimeout(this.#rebalance);
    this.#roster.close();
  }

  #rejoin(known: Member, request: JoinRequest): JoinAnswer | Promise<JoinAnswer> {
    // A static member that comes back without its id is given a new one, and the old one is fenced.
    const id = request.memberId || newMemberId(request);
    const superseded =
      id === known.id ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.FENCED_INSTANCE_ID;
    known.joining?.(refusedJoin(superseded, known.id));
    if (id !== known.id) answerSync(known, refusedSync(superseded));
    const asksForRebalance = this.state === "Stable" && id === this.#leader;
    this.#roster.remove(known);
    if (this.#leader === known.id) this.#leader = id;
    const member: Member = { id, request, assignment: known.assignment, syncing: known.syncing };
    const isSettled = this.state === "Stable" || this.state === "CompletingRebalance";
    const isUnchanged = sameProtocols(known.request.protocols, request.protocols);
    if (!isSettled || !isUnchanged || asksForRebalance) return this.#awaitRebalance(member);
    this.#roster.add(member);
    this.#roster.touch(member);
    return this.#joined(member);
  }

  #awaitRebalance(member: Member): Promise<JoinAnswer> {
    const answer = new Promise<JoinAnswer>((resolve) => (member.joining = resolve));
    this.#roster.add(member);
    this.#prepareRebalance();
    return answer;
  }

  #prepareRebalance(): void {
    if (this.state !== "PreparingRebalance") {
      for (const member of this.members)
        answerSync(member, refusedSync(ErrorCode.REBALANCE_IN_PROGRESS));
      this.state = "PreparingRebalance";
      const timeoutMs = Math.max(
        0,
        ...this.members.map(({ request }) => request.rebalanceTimeoutMs),
      );
      this.#rebalance = setTimeout(() => this.#completeJoin(), timeoutMs).unref();
    }
    if (this.#roster.isComplete) this.#completeJoin();
  }

  /** Begins the next generation with those who came; the others are out, but for static members. */
  #completeJoin(): void {
    clearTimeout(this.#rebalance);
    for (const member of this.members) {
      if (!member.joining && member.request.groupInstanceId === null) this.#roster.remove(member);
    }
    const { members } = this;
    this.#generation += 1;
    this.protocol = voteProtocol(members);
    if (!this.#roster.get(this.#leader)?.joining)
      this.#leader = members.find(({ joining }) => joining)?.id ?? "";
    this.state = members.length === 0 ? "Empty" : "CompletingRebalance";
    for (const member of members) {
      const answer = member.joining;
      member.joining = undefined;
      answer?.(this.#joined(member));
      if (answer) this.#roster.touch(member);
    }
  }

  #stabilize(assignments: ReadonlyMap<string, Buffer>): void {
    this.state = "Stable";
    for (const member of this.members) {
      member.assignment = assignments.get(member.id) ?? Buffer.alloc(0);
      if (member.syncing) answerSync(member, this.#assigned(member));
    }
  }

  #assigned(member: Member): SyncAnswer {
    this.#roster.touch(member);
    return { error: ErrorCode.NONE, assignment: member.assignment };
  }

  /** The leader alone sees the others, because it alone assigns. */
  #joined(member: Member): JoinAnswer {
    const seen = member.id === this.#leader ? this.members : [];
    const members = seen.map((other) => ({
      memberId: other.id,
      groupInstanceId: other.request.groupInstanceId,
      metadata: metadataOf(other, this.protocol),
    }));
    const { protocol } = this;
    return {
      error: ErrorCode.NONE,
      generation: this.#generation,
      protocol,
      leader: this.#leader,
      memberId: member.id,
      members,
    };
  }

  #remove(member: Member): void {
    this.#roster.remove(member);
    member.joining?.(refusedJoin(ErrorCode.UNKNOWN_MEMBER_ID, member.id));
    answerSync(member, refusedSync(ErrorCode.UNKNOWN_MEMBER_ID));
    this.#prepareRebalance();
  }
}

function answerSync(member: Member, answer: SyncAnswer): void {
  const waiting = member.syncing;
  member.syncing = undefined;
  waiting?.(answer);
}

function newMemberId({ clientId, groupInstanceId }: JoinRequest): string {
  return `${groupInstanceId ?? clientId}-${randomUUID()}`;
}

export function refusedJoin(error: ErrorCode, memberId: string): JoinAnswer {
  return { error, generation: -1, protocol: "", leader: "", memberId, members: [] };
}

export function refusedSync(error: ErrorCode): SyncAnswer {
  return { error, assignment: Buffer.alloc(0) };
}

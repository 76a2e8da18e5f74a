/** The members of a group and their session timeouts, and the ids that are expected to join. */
import { ErrorCode } from "../protocol/error-code.ts";
import { commonProtocols, type JoinRequest, type Member, type MemberIdentity } from "./member.ts";

export interface RosterEvents {
  /** A member's session timed out. */
  readonly onExpired: (member: Member) => void;
  /** An id that was given out was not used in time. */
  readonly onUnused: () => void;
}

export class Roster {
  readonly #members = new Map<string, Member>();
  readonly #expected = new Map<string, NodeJS.Timeout>();
  readonly #events: RosterEvents;

  constructor(events: RosterEvents) {
    this.#events = events;
  }

  get members(): Member[] {
    return [...this.#members.values()];
  }

  /** Whether all who belong here have joined the rebalance. */
  get isComplete(): boolean {
    return this.#expected.size === 0 && this.members.every(({ joining }) => joining);
  }

  get(id: string): Member | undefined {
    return this.#members.get(id);
  }

  /** By the member id, or for a static member that comes without one by its instance id. */
  find({ memberId, groupInstanceId }: MemberIdentity): Member | undefined {
    return memberId ? this.#members.get(memberId) : this.#instance(groupInstanceId);
  }

  /** Whether the instance id now belongs to another member: this one was replaced. */
  isFenced({ memberId, groupInstanceId }: MemberIdentity): boolean {
    const owner = this.#instance(groupInstanceId);
    return memberId !== "" && owner !== undefined && owner.id !== memberId;
  }

  /** Why somebody may not join, if so. */
  refusal(request: JoinRequest, protocolType: string): ErrorCode | undefined {
    const known = this.find(request);
    const common = commonProtocols(this.members.filter((member) => member !== known));
    const isAlone = this.#members.size === 0 || (this.#members.size === 1 && known !== undefined);
    const fits =
      isAlone ||
      (request.protocolType === protocolType &&
        request.protocols.some(({ name }) => common.has(name)));
    if (request.protocolType === "" || request.protocols.length === 0 || !fits)
      return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
    if (this.isFenced(request)) return ErrorCode.FENCED_INSTANCE_ID;
    const isStranger = request.memberId !== "" && !known && !this.#expected.has(request.memberId);
    return isStranger ? ErrorCode.UNKNOWN_MEMBER_ID : undefined;
  }

  add(member: Member): void {
    this.#members.set(member.id, member);
  }

  remove(member: Member): void {
    clearTimeout(member.session);
    this.#members.delete(member.id);
  }

  /** Begins the member's session timeout anew. */
  touch(member: Member): void {
    clearTimeout(member.session);
    const expire = (): void => {
      // Whoever waits for an answer of ours is alive as far as we know.
      if (!member.joining && !member.syncing) this.#events.onExpired(member);
    };
    member.session = setTimeout(expire, member.request.sessionTimeoutMs).unref();
  }

  expect(id: string, timeoutMs: number): void {
    const giveUp = (): void => {
      this.expectNoLonger(id);
      this.#events.onUnused();
    };
    this.#expected.set(id, setTimeout(giveUp, timeoutMs).unref());
  }

  expectNoLonger(id: string): boolean {
    clearTimeout(this.#expected.get(id));
    return this.#expected.delete(id);
  }

  close(): void {
    for (const timer of this.#expected.values()) clearTimeout(timer);
    for (const { session } of this.#members.values()) clearTimeout(session);
  }

  #instance(groupInstanceId: string | null): Member | undefined {
    if (groupInstanceId === null) return undefined;
    return this.members.find(({ request }) => request.groupInstanceId === groupInstanceId);
  }
}

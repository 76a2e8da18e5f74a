/** All groups of this broker: who exists, and who may commit. */
import { ErrorCode } from "../protocol/error-code.ts";
import { isStorageError } from "../../file/atomic-file.ts";
import { Group } from "./group.ts";
import type { MemberIdentity } from "./member.ts";
import type { CommittedOffset, OffsetStore } from "./offset-store.ts";

/** `group.min.session.timeout.ms` and `group.max.session.timeout.ms` of Kafka. */
export const SESSION_TIMEOUT_MS = { smallest: 6_000, largest: 1_800_000 } as const;

export class GroupCoordinator {
  readonly offsets: OffsetStore;
  readonly #groups = new Map<string, Group>();

  constructor(offsets: OffsetStore) {
    this.offsets = offsets;
  }

  /** The group, also one that is known only by the offsets of an earlier run. */
  get(id: string): Group | undefined {
    const group = this.#groups.get(id);
    if (group || this.offsets.list(id).length === 0) return group;
    return this.getOrCreate(id);
  }

  getOrCreate(id: string): Group {
    const known = this.#groups.get(id);
    if (known) return known;
    const group = new Group(id);
    group.protocolType = this.offsets.protocolType(id);
    this.#groups.set(id, group);
    return group;
  }

  list(): Group[] {
    for (const id of this.offsets.groups()) this.getOrCreate(id);
    return [...this.#groups.values()].filter(
      ({ id, state }) => state !== "Empty" || this.offsets.list(id).length > 0,
    );
  }

  async commit(
    groupId: string,
    generation: number,
    who: MemberIdentity,
    offsets: readonly CommittedOffset[],
  ): Promise<ErrorCode> {
    const group = this.get(groupId);
    const error = this.#checkCommit(group, generation, who);
    if (error !== ErrorCode.NONE) return error;
    try {
      await this.offsets.commit(groupId, group?.protocolType ?? "", offsets);
      return ErrorCode.NONE;
    } catch (cause) {
      if (!isStorageError(cause)) throw cause;
      // As Kafka says it when its offsets topic cannot be written; clients retry.
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    }
  }

  async delete(groupId: string): Promise<ErrorCode> {
    const group = this.get(groupId);
    if (!group) return ErrorCode.GROUP_ID_NOT_FOUND;
    if (group.state !== "Empty") return ErrorCode.NON_EMPTY_GROUP;
    group.close();
    this.#groups.delete(groupId);
    await this.offsets.deleteGroup(groupId);
    return ErrorCode.NONE;
  }

  async close(): Promise<void> {
    for (const group of this.#groups.values()) group.close();
    await this.offsets.close();
  }

  /** A client without a generation may commit while nobody is in the group: that is how offsets are reset. */
  #checkCommit(group: Group | undefined, generation: number, who: MemberIdentity): ErrorCode {
    if (generation < 0 && (!group || group.state === "Empty")) return ErrorCode.NONE;
    if (!group) return ErrorCode.ILLEGAL_GENERATION;
    const error = group.check(who, generation);
    if (error !== ErrorCode.NONE) return error;
    if (group.state === "CompletingRebalance") return ErrorCode.REBALANCE_IN_PROGRESS;
    group.touch(who.memberId);
    return ErrorCode.NONE;
  }
}

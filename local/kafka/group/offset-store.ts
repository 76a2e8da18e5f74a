/** The committed offsets of all groups, on disk before a commit is answered. */
import { join } from "node:path";
import { Journal, type JournalState } from "../../file/journal.ts";

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

type Entry =
  | {
      readonly commit: string;
      readonly protocolType: string;
      readonly offsets: readonly CommittedOffset[];
    }
  | { readonly deleteGroup: string }
  | { readonly deleteTopic: string };

interface GroupOffsets {
  /** Empty where nobody ever joined, and offsets were only committed. */
  protocolType: string;
  readonly offsets: Map<string, CommittedOffset>;
}

class OffsetTable implements JournalState<Entry> {
  readonly groups = new Map<string, GroupOffsets>();

  apply(entry: Entry): void {
    if ("deleteGroup" in entry) this.groups.delete(entry.deleteGroup);
    else if ("deleteTopic" in entry) this.#deleteTopic(entry.deleteTopic);
    else this.#commit(entry.commit, entry.protocolType, entry.offsets);
  }

  snapshot(): Entry[] {
    return [...this.groups].map(([commit, { protocolType, offsets }]) => ({
      commit,
      protocolType,
      offsets: [...offsets.values()],
    }));
  }

  #commit(id: string, protocolType: string, offsets: readonly CommittedOffset[]): void {
    const group = this.groups.get(id) ?? {
      protocolType,
      offsets: new Map<string, CommittedOffset>(),
    };
    group.protocolType = protocolType || group.protocolType;
    this.groups.set(id, group);
    for (const offset of offsets)
      group.offsets.set(placeOf(offset.topic, offset.partition), offset);
  }

  #deleteTopic(topic: string): void {
    for (const [id, { offsets }] of this.groups) {
      for (const [place, offset] of offsets) if (offset.topic === topic) offsets.delete(place);
      if (offsets.size === 0) this.groups.delete(id);
    }
  }
}

export class OffsetStore {
  readonly #table: OffsetTable;
  readonly #journal: Journal<Entry>;

  private constructor(table: OffsetTable, journal: Journal<Entry>) {
    this.#table = table;
    this.#journal = journal;
  }

  static async open(dataDir: string): Promise<OffsetStore> {
    const table = new OffsetTable();
    return new OffsetStore(table, await Journal.open(join(dataDir, "offsets.jsonl"), table));
  }

  groups(): string[] {
    return [...this.#table.groups.keys()];
  }

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#table.groups.get(group)?.offsets.get(placeOf(topic, partition));
  }

  list(group: string): CommittedOffset[] {
    return [...(this.#table.groups.get(group)?.offsets.values() ?? [])];
  }

  protocolType(group: string): string {
    return this.#table.groups.get(group)?.protocolType ?? "";
  }

  commit(group: string, protocolType: string, offsets: readonly CommittedOffset[]): Promise<void> {
    return this.#journal.append({ commit: group, protocolType, offsets });
  }

  deleteGroup(group: string): Promise<void> {
    return this.#journal.append({ deleteGroup: group });
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#journal.append({ deleteTopic: topic });
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}

function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

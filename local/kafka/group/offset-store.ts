/** The committed offsets of all groups, on disk before a commit is answered. */
import { join } from "node:path";
import { Journal, type JournalState } from "../storage/journal.ts";

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

type Entry =
  | { readonly commit: string; readonly offsets: readonly CommittedOffset[] }
  | { readonly deleteGroup: string }
  | { readonly deleteTopic: string };

class OffsetTable implements JournalState<Entry> {
  readonly groups = new Map<string, Map<string, CommittedOffset>>();

  apply(entry: Entry): void {
    if ("deleteGroup" in entry) this.groups.delete(entry.deleteGroup);
    else if ("deleteTopic" in entry) this.#deleteTopic(entry.deleteTopic);
    else this.#commit(entry.commit, entry.offsets);
  }

  snapshot(): Entry[] {
    return [...this.groups].map(([commit, offsets]) => ({
      commit,
      offsets: [...offsets.values()],
    }));
  }

  #commit(group: string, offsets: readonly CommittedOffset[]): void {
    const table = this.groups.get(group) ?? new Map<string, CommittedOffset>();
    this.groups.set(group, table);
    for (const offset of offsets) table.set(placeOf(offset.topic, offset.partition), offset);
  }

  #deleteTopic(topic: string): void {
    for (const [group, table] of this.groups) {
      for (const [place, offset] of table) if (offset.topic === topic) table.delete(place);
      if (table.size === 0) this.groups.delete(group);
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
    return this.#table.groups.get(group)?.get(placeOf(topic, partition));
  }

  list(group: string): CommittedOffset[] {
    return [...(this.#table.groups.get(group)?.values() ?? [])];
  }

  commit(group: string, offsets: readonly CommittedOffset[]): Promise<void> {
    return this.#journal.append({ commit: group, offsets });
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

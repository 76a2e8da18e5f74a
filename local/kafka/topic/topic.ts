/** One topic: its partitions and what it is configured to do. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../../file/atomic-file.ts";
import { PartitionLog } from "../storage/partition-log.ts";
import { TopicConfig } from "./topic-config.ts";

/** What `topics.json` keeps of a topic. The id names its folder, so a topic made again never meets its old files. */
export interface TopicRecord {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  readonly config: Record<string, string>;
}

export interface TopicOptions {
  readonly folder: string;
  readonly verifyChecksums: boolean;
  readonly now: () => number;
  readonly log: (message: string) => void;
}

export class Topic {
  readonly name: string;
  readonly id: string;
  readonly partitions: PartitionLog[] = [];
  config: TopicConfig;
  readonly #options: TopicOptions;

  constructor(record: TopicRecord, options: TopicOptions) {
    this.name = record.name;
    this.id = record.id;
    this.config = new TopicConfig(Object.entries(record.config));
    this.#options = options;
  }

  get folder(): string {
    return join(this.#options.folder, this.id);
  }

  /** Adds what is missing up to the count: visible when they are there and the commit succeeded. */
  async addPartitions(count: number, commit?: () => Promise<void>): Promise<void> {
    const added: PartitionLog[] = [];
    await using failed = new AsyncDisposableStack();
    failed.defer(() => closeAll(added));
    await mkdir(this.folder, { recursive: true });
    for (let index = this.partitions.length; index < count; index += 1) {
      const options = {
        ...this.#options,
        folder: join(this.folder, String(index)),
        segmentBytes: () => this.config.segmentBytes,
      };
      added.push(await PartitionLog.open(options));
    }
    await syncFolder(this.folder);
    await syncFolder(this.#options.folder);
    await commit?.();
    failed.move();
    this.partitions.push(...added);
  }

  toRecord(): TopicRecord {
    return {
      name: this.name,
      id: this.id,
      partitions: this.partitions.length,
      config: this.config.toJSON(),
    };
  }

  close(): Promise<void> {
    return closeAll(this.partitions);
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function closeAll(partitions: readonly PartitionLog[]): Promise<void> {
  await Promise.all(partitions.map((partition) => partition.close()));
}

/** All topics: which there are is one small file, replaced as a whole; changes happen one after the other. */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { readFileIfAny, writeFileAtomically } from "../storage/atomic-file.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import { Serial } from "../storage/serial.ts";
import { Topic, type TopicOptions, type TopicRecord } from "./topic.ts";
import type { TopicConfig } from "./topic-config.ts";
import { isValidTopicName } from "./topic-name.ts";

/** A typing error in a partition count must not fill the disk with folders. */
const PARTITION_LIMIT = 1000;
const PRODUCER_ID_BLOCK = 1000;

interface Catalog {
  readonly clusterId: string;
  readonly nextProducerId: number;
  readonly topics: readonly TopicRecord[];
}

export class TopicStore {
  readonly clusterId: string;
  readonly #path: string;
  readonly #options: TopicOptions;
  readonly #topics = new Map<string, Topic>();
  readonly #changes = new Serial();
  #nextProducerId: number;
  #reservedProducerId: number;

  private constructor(path: string, catalog: Catalog, options: TopicOptions) {
    this.#path = path;
    this.#options = options;
    this.clusterId = catalog.clusterId;
    this.#nextProducerId = catalog.nextProducerId;
    this.#reservedProducerId = catalog.nextProducerId;
  }

  static async open(dataDir: string, options: Omit<TopicOptions, "folder">): Promise<TopicStore> {
    const folder = join(dataDir, "topics");
    await mkdir(folder, { recursive: true });
    const path = join(dataDir, "topics.json");
    const catalog = parseCatalog(await readFileIfAny(path), path);
    const store = new TopicStore(path, catalog, { ...options, folder });
    for (const record of catalog.topics) await store.#open(record);
    await store.#removeStrays(folder);
    await store.#save();
    return store;
  }

  list(): Topic[] {
    return [...this.#topics.values()];
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** Throws UNKNOWN_TOPIC_OR_PARTITION. */
  topic(name: string): Topic {
    const topic = this.#topics.get(name);
    if (!topic)
      throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);
    return topic;
  }

  /** Throws UNKNOWN_TOPIC_OR_PARTITION. */
  partition(name: string, index: number): PartitionLog {
    const partition = this.topic(name).partitions[index];
    if (!partition)
      throw new KafkaError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `${name} has no partition ${index}`,
      );
    return partition;
  }

  /** Throws where a topic of this name and size cannot be created now. */
  checkCreatable(name: string, partitions: number): void {
    if (!isValidTopicName(name))
      throw new KafkaError(ErrorCode.INVALID_TOPIC, `'${name}' is not a legal topic name`);
    if (this.#topics.has(name))
      throw new KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
    checkPartitionCount(partitions);
  }

  create(name: string, partitions: number, config: TopicConfig): Promise<Topic> {
    return this.#changes.run(async () => {
      this.checkCreatable(name, partitions);
      const topic = new Topic(
        { name, id: randomUUID(), partitions, config: config.toJSON() },
        this.#options,
      );
      await topic.openPartitions(partitions);
      this.#topics.set(name, topic);
      await this.#save();
      return topic;
    });
  }

  delete(name: string): Promise<void> {
    return this.#changes.run(async () => {
      const topic = this.topic(name);
      this.#topics.delete(name);
      await this.#save();
      await topic.remove();
    });
  }

  addPartitions(name: string, count: number): Promise<void> {
    return this.#changes.run(async () => {
      const topic = this.topic(name);
      checkPartitionCount(count);
      await topic.openPartitions(count);
      await this.#save();
    });
  }

  configure(name: string, config: TopicConfig): Promise<void> {
    return this.#changes.run(async () => {
      this.topic(name).config = config;
      await this.#save();
    });
  }

  /** Unique for ever: ids are reserved on disk by the block, so a crash wastes some but repeats none. */
  nextProducerId(): Promise<number> {
    return this.#changes.run(async () => {
      if (this.#nextProducerId === this.#reservedProducerId) {
        this.#reservedProducerId += PRODUCER_ID_BLOCK;
        await this.#save();
      }
      return this.#nextProducerId++;
    });
  }

  async close(): Promise<void> {
    await this.#changes.settled();
    await Promise.all(this.list().map((topic) => topic.close()));
  }

  async #open(record: TopicRecord): Promise<void> {
    const topic = new Topic(record, this.#options);
    await topic.openPartitions(record.partitions);
    this.#topics.set(record.name, topic);
  }

  /** Folders of topics that a crash left half made or half deleted. */
  async #removeStrays(folder: string): Promise<void> {
    const known = new Set(this.list().map(({ id }) => id));
    const strays = (await readdir(folder)).filter((name) => !known.has(name));
    for (const name of strays) await rm(join(folder, name), { recursive: true, force: true });
  }

  async #save(): Promise<void> {
    const topics = this.list().map((topic) => topic.toRecord());
    const catalog: Catalog = {
      clusterId: this.clusterId,
      nextProducerId: this.#reservedProducerId,
      topics,
    };
    await writeFileAtomically(this.#path, JSON.stringify(catalog, null, 2));
  }
}

function checkPartitionCount(count: number): void {
  if (count >= 1 && count <= PARTITION_LIMIT) return;
  throw new KafkaError(
    ErrorCode.INVALID_PARTITIONS,
    `a topic has 1 to ${PARTITION_LIMIT} partitions, not ${count}`,
  );
}

function parseCatalog(text: string | undefined, path: string): Catalog {
  if (text === undefined)
    return {
      clusterId: randomUUID().replaceAll("-", "").slice(0, 22),
      nextProducerId: 0,
      topics: [],
    };
  try {
    // Written by #save alone.
    return JSON.parse(text) as Catalog;
  } catch (cause) {
    throw new Error(
      `${path} cannot be read; it names the topics, so the log does not start without it`,
      { cause },
    );
  }
}

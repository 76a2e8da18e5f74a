/** All topics: which there are is one small file, replaced as a whole; changes happen one after the other. */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { readFileIfAny, writeFileAtomically } from "../../file/atomic-file.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import { Serial } from "../storage/serial.ts";
import { Topic, type TopicOptions, type TopicRecord } from "./topic.ts";
import type { TopicConfig } from "./topic-config.ts";
import { checkTopicName, collides } from "./topic-name.ts";

/** A typing error in a partition count must not fill the disk with folders. */
const PARTITION_LIMIT = 1000;
const PRODUCER_ID_BLOCK = 1000;

interface Catalog {
  readonly clusterId: string;
  readonly nextProducerId: number;
  readonly topics: readonly TopicRecord[];
}

export class TopicStore {
  readonly #path: string;
  readonly #options: TopicOptions;
  readonly #topics = new Map<string, Topic>();
  readonly #changes = new Serial();
  #catalog: Catalog;
  #nextProducerId: number;

  private constructor(path: string, catalog: Catalog, options: TopicOptions) {
    this.#path = path;
    this.#options = options;
    this.#catalog = catalog;
    this.#nextProducerId = catalog.nextProducerId;
  }

  static async open(dataDir: string, options: Omit<TopicOptions, "folder">): Promise<TopicStore> {
    const folder = join(dataDir, "topics");
    await mkdir(folder, { recursive: true });
    const path = join(dataDir, "topics.json");
    const catalog = parseCatalog(await readFileIfAny(path), path);
    const store = new TopicStore(path, catalog, { ...options, folder });
    await using failed = new AsyncDisposableStack();
    failed.defer(() => store.close());
    for (const record of catalog.topics) await store.#open(record);
    await store.#removeStrays(folder);
    await store.#save({});
    failed.move();
    return store;
  }

  get clusterId(): string {
    return this.#catalog.clusterId;
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
      throw new KafkaError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `The topic '${name}' does not exist.`,
      );
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
    checkTopicName(name);
    if (this.#topics.has(name))
      throw new KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
    const other = this.list().find((topic) => collides(topic.name, name));
    if (other)
      throw new KafkaError(
        ErrorCode.INVALID_TOPIC,
        `Topic '${name}' collides with existing topic: ${other.name}`,
      );
    checkPartitionCount(partitions);
  }

  create(name: string, partitions: number, config: TopicConfig): Promise<Topic> {
    return this.#changes.run(async () => {
      this.checkCreatable(name, partitions);
      const record = { name, id: randomUUID(), partitions, config: config.toJSON() };
      const topic = new Topic(record, this.#options);
      // A folder that the catalog does not name goes with the next start, should this one fail.
      await using failed = new AsyncDisposableStack();
      failed.defer(() => topic.remove());
      await topic.addPartitions(partitions, () =>
        this.#save({ topics: [...this.#recordsBut(name), record] }),
      );
      failed.move();
      this.#topics.set(name, topic);
      return topic;
    });
  }

  delete(name: string): Promise<void> {
    return this.#changes.run(async () => {
      const topic = this.topic(name);
      await this.#save({ topics: this.#recordsBut(name) });
      this.#topics.delete(name);
      await topic.remove();
    });
  }

  addPartitions(name: string, count: number): Promise<void> {
    return this.#changes.run(async () => {
      const topic = this.topic(name);
      checkPartitionCount(count);
      const record = { ...topic.toRecord(), partitions: count };
      await topic.addPartitions(count, () =>
        this.#save({ topics: [...this.#recordsBut(name), record] }),
      );
    });
  }

  /** `change` gets the configs as they are when its turn has come; what it throws changes nothing. */
  configure(name: string, change: (now: TopicConfig) => TopicConfig): Promise<void> {
    return this.#changes.run(async () => {
      const topic = this.topic(name);
      const config = change(topic.config);
      await this.#save({
        topics: [...this.#recordsBut(name), { ...topic.toRecord(), config: config.toJSON() }],
      });
      topic.config = config;
    });
  }

  /** Unique for ever: ids are reserved on disk by the block, so a crash wastes some but repeats none. */
  nextProducerId(): Promise<number> {
    return this.#changes.run(async () => {
      const { nextProducerId } = this.#catalog;
      if (this.#nextProducerId === nextProducerId)
        await this.#save({ nextProducerId: nextProducerId + PRODUCER_ID_BLOCK });
      return this.#nextProducerId++;
    });
  }

  async close(): Promise<void> {
    await this.#changes.settled();
    await Promise.all(this.list().map((topic) => topic.close()));
  }

  async #open(record: TopicRecord): Promise<void> {
    const topic = new Topic(record, this.#options);
    await topic.addPartitions(record.partitions);
    this.#topics.set(record.name, topic);
  }

  /** Folders of topics that a crash left half made or half deleted. */
  async #removeStrays(folder: string): Promise<void> {
    const known = new Set(this.list().map(({ id }) => id));
    const strays = (await readdir(folder)).filter((name) => !known.has(name));
    for (const name of strays) await rm(join(folder, name), { recursive: true, force: true });
  }

  #recordsBut(name: string): TopicRecord[] {
    return this.#catalog.topics.filter((record) => record.name !== name);
  }

  /** What is on disk comes first: a change that cannot be written did not happen. */
  async #save(change: Partial<Catalog>): Promise<void> {
    const catalog = { ...this.#catalog, ...change };
    await writeFileAtomically(this.#path, JSON.stringify(catalog, null, 2));
    this.#catalog = catalog;
  }
}

function checkPartitionCount(count: number): void {
  if (count >= 1 && count <= PARTITION_LIMIT) return;
  throw new KafkaError(
    ErrorCode.INVALID_PARTITIONS,
    count < 1
      ? "Number of partitions was set to an invalid non-positive value."
      : `The embedded log gives a topic at most ${PARTITION_LIMIT} partitions.`,
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

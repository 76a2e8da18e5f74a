/** Group commit: whatever is waiting while the disk is busy is written and synced together. */
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { checkRecords } from "../record/check-batch.ts";
import { type BatchHeader, parseBatchHeader, placeBatch } from "../record/record-batch.ts";
import { ProducerState } from "./producer-state.ts";
import type { PlacedBatch } from "./segment.ts";

const GROUP_LIMIT_BYTES = 32 * 1024 * 1024;
const PRODUCER_LIMIT = 1000;

export interface AppendTarget {
  readonly nextOffset: () => number;
  store(batches: readonly PlacedBatch[]): Promise<void>;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly header: BatchHeader;
  readonly done: PromiseWithResolvers<number>;
}

interface Group {
  readonly batches: PlacedBatch[];
  readonly answers: (() => void)[];
  readonly waiting: Waiting[];
  readonly producers: ProducerState;
  nextOffset: number;
}

export class AppendQueue {
  readonly producers = new ProducerState();
  readonly #target: AppendTarget;
  readonly #now: () => number;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;

  constructor(target: AppendTarget, now: () => number) {
    this.#target = target;
    this.#now = now;
  }

  /** Resolves with the base offset once the batch is on disk. Batches are stored in the order of the calls. */
  append(bytes: Buffer, header: BatchHeader): Promise<number> {
    const done = Promise.withResolvers<number>();
    this.#waiting.push({ bytes, header, done });
    this.#draining ??= this.#drain().finally(() => (this.#draining = undefined));
    return done.promise;
  }

  async settled(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit(await this.#gather());
  }

  async #gather(): Promise<Group> {
    const group: Group = {
      batches: [],
      answers: [],
      waiting: [],
      producers: this.producers.stage(),
      nextOffset: this.#target.nextOffset(),
    };
    for (let bytes = 0, next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      await this.#place(next, group);
      bytes += next.bytes.length;
      if (bytes >= GROUP_LIMIT_BYTES) break;
    }
    return group;
  }

  async #place(next: Waiting, group: Group): Promise<void> {
    try {
      await checkRecords(next.bytes, next.header, this.#now());
      const duplicateOf = group.producers.findDuplicate(next.header);
      const baseOffset = duplicateOf ?? group.nextOffset;
      group.waiting.push(next);
      group.answers.push(() => next.done.resolve(baseOffset));
      if (duplicateOf !== undefined) return;
      placeBatch(next.bytes, baseOffset);
      const { recordCount, maxTimestamp } = parseBatchHeader(next.bytes);
      group.producers.remember(next.header, baseOffset);
      group.batches.push({ bytes: next.bytes, baseOffset, recordCount, maxTimestamp });
      group.nextOffset += recordCount;
    } catch (error) {
      next.done.reject(error);
    }
  }

  async #commit(group: Group): Promise<void> {
    try {
      if (group.batches.length > 0) await this.#target.store(group.batches);
      this.producers.merge(group.producers);
      this.producers.forgetBeyond(PRODUCER_LIMIT);
      for (const answer of group.answers) answer();
    } catch (cause) {
      const error = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "the batch could not be stored", {
        cause,
      });
      for (const { done } of group.waiting) done.reject(error);
    }
  }
}

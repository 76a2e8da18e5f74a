/** Gives batches their offsets, in the order in which they came, and stores them by group commit. */
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { checkRecords } from "../record/check-batch.ts";
import { type BatchHeader, parseBatchHeader, placeBatch } from "../record/record-batch.ts";
import { GroupCommit } from "../../file/group-commit.ts";
import { ProducerState } from "./producer-state.ts";
import type { PlacedBatch } from "./segment.ts";

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
  readonly #queue = new GroupCommit<Waiting>((waiting) => this.#commit(waiting));

  constructor(target: AppendTarget, now: () => number) {
    this.#target = target;
    this.#now = now;
  }

  /** Resolves with the base offset once the batch is on disk. Batches are stored in the order of the calls. */
  append(bytes: Buffer, header: BatchHeader): Promise<number> {
    const done = Promise.withResolvers<number>();
    this.#queue.add({ bytes, header, done });
    return done.promise;
  }

  settled(): Promise<void> {
    return this.#queue.settled();
  }

  async #commit(waiting: readonly Waiting[]): Promise<void> {
    const group: Group = {
      batches: [],
      answers: [],
      waiting: [],
      producers: this.producers.stage(),
      nextOffset: this.#target.nextOffset(),
    };
    for (const next of waiting) await this.#place(next, group);
    await this.#store(group);
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

  async #store(group: Group): Promise<void> {
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

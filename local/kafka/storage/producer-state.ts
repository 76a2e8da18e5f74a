/** What a partition remembers of each idempotent producer: enough to know a repeated batch from a new one. */
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import type { BatchHeader } from "../record/record-batch.ts";

/** As many batches as a producer may have in flight. */
const REMEMBERED_BATCHES = 5;
const MAX_SEQUENCE = 0x7fffffff;

interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
}

interface Producer {
  readonly epoch: number;
  readonly batches: readonly RememberedBatch[];
}

type Sequenced = Pick<BatchHeader, "producerId" | "producerEpoch" | "baseSequence" | "recordCount">;

export class ProducerState {
  readonly #producers: Map<number, Producer>;
  readonly #below: ProducerState | undefined;

  constructor(below?: ProducerState) {
    this.#producers = new Map();
    this.#below = below;
  }

  /** A layer for batches that are not stored yet: dropped when storing fails, merged when it succeeds. */
  stage(): ProducerState {
    return new ProducerState(this);
  }

  merge(staged: ProducerState): void {
    for (const [id, producer] of staged.#producers) this.#producers.set(id, producer);
  }

  /** The offset under which this very batch is already stored, or undefined for a new one. */
  findDuplicate(batch: Sequenced): number | undefined {
    const producer = this.#get(batch.producerId);
    if (batch.producerId < 0 || !producer) return undefined;
    if (batch.producerEpoch < producer.epoch)
      throw new KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, "a newer producer took over");
    if (batch.producerEpoch > producer.epoch) {
      if (batch.baseSequence !== 0) throw outOfOrder(batch.baseSequence, 0);
      return undefined;
    }
    const lastSequence = advance(batch.baseSequence, batch.recordCount - 1);
    const twin = producer.batches.find(
      (old) => old.firstSequence === batch.baseSequence && old.lastSequence === lastSequence,
    );
    if (twin) return twin.baseOffset;
    const expected = advance(producer.batches.at(-1)?.lastSequence ?? -1, 1);
    if (batch.baseSequence !== expected) throw outOfOrder(batch.baseSequence, expected);
    return undefined;
  }

  remember(batch: Sequenced, baseOffset: number): void {
    if (batch.producerId < 0) return;
    const known = this.#get(batch.producerId);
    const earlier = known && known.epoch === batch.producerEpoch ? known.batches : [];
    const lastSequence = advance(batch.baseSequence, batch.recordCount - 1);
    const batches = [
      ...earlier,
      { firstSequence: batch.baseSequence, lastSequence, baseOffset },
    ].slice(-REMEMBERED_BATCHES);
    this.#producers.delete(batch.producerId);
    this.#producers.set(batch.producerId, { epoch: batch.producerEpoch, batches });
  }

  /** Keeps the producers that wrote last; one that is forgotten may go on with any sequence, as in Kafka. */
  forgetBeyond(limit: number): void {
    for (const id of this.#producers.keys()) {
      if (this.#producers.size <= limit) return;
      this.#producers.delete(id);
    }
  }

  #get(producerId: number): Producer | undefined {
    return (
      this.#producers.get(producerId) ?? (this.#below ? this.#below.#get(producerId) : undefined)
    );
  }
}

/** Sequences wrap around to 0. */
function advance(sequence: number, by: number): number {
  return (sequence + by) % (MAX_SEQUENCE + 1);
}

function outOfOrder(sequence: number, expected: number): KafkaError {
  return new KafkaError(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `sequence ${sequence} came, ${expected} was expected`,
  );
}

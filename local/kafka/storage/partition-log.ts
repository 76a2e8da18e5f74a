/** The log of one partition: segments in order of offset, appended to at the end and cut at the beginning. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { type BatchHeader, parseBatchHeader } from "../record/record-batch.ts";
import { recordPlaces } from "../record/records.ts";
import { AppendQueue } from "./append-queue.ts";
import { readFileIfAny, writeFileAtomically } from "../../file/atomic-file.ts";
import { recoverSegment } from "./recover-segment.ts";
import { Serial } from "./serial.ts";
import { type PlacedBatch, Segment } from "./segment.ts";

export interface PartitionLogOptions {
  readonly folder: string;
  /** False after an orderly stop. */
  readonly verifyChecksums: boolean;
  readonly segmentBytes: () => number;
  readonly now: () => number;
  readonly log: (message: string) => void;
}

export interface FoundOffset {
  readonly offset: number;
  readonly timestamp: number;
}

const START_FILE = "log-start-offset";

export class PartitionLog {
  readonly #options: PartitionLogOptions;
  readonly #queue: AppendQueue;
  readonly #segments: Segment[] = [];
  readonly #watchers = new Set<() => void>();
  #logStartOffset = 0;
  /** Whatever changes the list of segments. */
  readonly #changes = new Serial();
  #isClosed = false;

  private constructor(options: PartitionLogOptions) {
    this.#options = options;
    const target = {
      nextOffset: () => this.endOffset,
      store: (batches: readonly PlacedBatch[]) => this.#changes.run(() => this.#store(batches)),
    };
    this.#queue = new AppendQueue(target, options.now);
  }

  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    const log = new PartitionLog(options);
    await mkdir(options.folder, { recursive: true });
    await using failed = new AsyncDisposableStack();
    failed.defer(() => log.close());
    await log.#recover();
    failed.move();
    return log;
  }

  get startOffset(): number {
    return this.#logStartOffset;
  }

  /** The next offset to be given, which is also the high watermark: nothing is visible before it is on disk. */
  get endOffset(): number {
    return this.#active.nextOffset;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  append(bytes: Buffer, header: BatchHeader): Promise<number> {
    if (this.#isClosed) return Promise.reject(gone());
    return this.#queue.append(bytes, header);
  }

  /** Calls back after each change of the offsets, until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  bytesFrom(offset: number): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytesFrom(offset), 0);
  }

  /** Whole batches, beginning with the one that holds the offset; at the end of the log none. */
  async read(offset: number, maxBytes: number, atLeastOne: boolean): Promise<Buffer> {
    this.checkInRange(offset);
    const segment = this.#segments.find(({ nextOffset }) => offset < nextOffset);
    return segment ? segment.read(offset, maxBytes, atLeastOne) : Buffer.alloc(0);
  }

  checkInRange(offset: number): void {
    if (this.#isClosed) throw gone();
    if (offset >= this.#logStartOffset && offset <= this.endOffset) return;
    const range = `${this.#logStartOffset} to ${this.endOffset}`;
    throw new KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, `offset ${offset} is outside of ${range}`);
  }

  /** The first record at or after the time. */
  async findByTime(timestamp: number): Promise<FoundOffset | undefined> {
    for (const segment of this.#segments) {
      if (segment.maxTimestamp < timestamp) continue;
      const first = segment.index.rowOfOffset(this.#logStartOffset);
      for (let row = first; (row = segment.index.rowOfTime(timestamp, row)) >= 0; row += 1) {
        const found = await this.#findInBatch(await segment.readBatch(row), timestamp);
        if (found) return found;
      }
    }
    return undefined;
  }

  /** Moves the start of the log; segments that lie wholly before it are deleted. */
  async moveStart(offset: number): Promise<void> {
    if (offset < 0 || offset > this.endOffset)
      throw new KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, `the log ends at ${this.endOffset}`);
    if (offset <= this.#logStartOffset) return;
    await this.#changes.run(() => this.#moveStartNow(offset));
  }

  /** Refuses further appends, waits for those under way and wakes whoever waits for more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#queue.settled();
    await this.#changes.settled();
    this.#changed();
    await Promise.all(this.#segments.map((segment) => segment.close()));
  }

  async #store(batches: readonly PlacedBatch[]): Promise<void> {
    const isFull =
      this.#active.sizeBytes + (batches[0]?.bytes.length ?? 0) > this.#options.segmentBytes();
    if (isFull && !this.#active.isEmpty) await this.#roll();
    await this.#active.append(batches);
    this.#changed();
  }

  async #moveStartNow(offset: number): Promise<void> {
    if (this.#isClosed) throw gone();
    if (offset <= this.#logStartOffset) return;
    // The last segment cannot be deleted, so it must not be the one with the records.
    if (offset === this.endOffset && !this.#active.isEmpty) await this.#roll();
    await writeFileAtomically(join(this.#options.folder, START_FILE), String(offset));
    this.#logStartOffset = offset;
    await this.#dropBeforeStart();
    this.#changed();
  }

  async #roll(): Promise<void> {
    this.#segments.push(await Segment.open(this.#options.folder, this.endOffset));
  }

  get #active(): Segment {
    const last = this.#segments.at(-1);
    if (!last) throw new Error(`${this.#options.folder} has no segment`);
    return last;
  }

  #changed(): void {
    for (const wake of this.#watchers) wake();
  }

  async #findInBatch(batch: Buffer, timestamp: number): Promise<FoundOffset | undefined> {
    const header = parseBatchHeader(batch);
    for (const place of await recordPlaces(batch, header)) {
      const offset = header.baseOffset + place.offsetDelta;
      if (place.timestamp >= timestamp && offset >= this.#logStartOffset)
        return { offset, timestamp: place.timestamp };
    }
    return undefined;
  }

  async #dropBeforeStart(): Promise<void> {
    for (let first = this.#segments[0]; first; first = this.#segments[0]) {
      if (this.#segments.length === 1 || first.nextOffset > this.#logStartOffset) return;
      this.#segments.shift();
      await first.remove();
    }
  }

  async #recover(): Promise<void> {
    const { folder } = this.#options;
    this.#logStartOffset = Number((await readFileIfAny(join(folder, START_FILE))) ?? 0);
    const bases = (await readdir(folder))
      .filter((name) => /^\d{20}\.log$/.test(name))
      .map((name) => Number.parseInt(name, 10));
    let tornBytes = 0;
    for (const base of bases.sort((a, b) => a - b)) tornBytes = await this.#recoverSegment(base);
    if (tornBytes > 0) await this.#cutTornWrite(tornBytes);
    if (this.#segments.length === 0)
      this.#segments.push(await Segment.open(folder, this.#logStartOffset));
    this.#logStartOffset = Math.max(this.#logStartOffset, this.#segments[0]?.baseOffset ?? 0);
    await this.#dropBeforeStart();
  }

  async #recoverSegment(base: number): Promise<number> {
    const before = this.#segments.at(-1);
    const segment = await Segment.open(this.#options.folder, base);
    this.#segments.push(segment);
    if (before && before.nextOffset !== base) {
      throw new Error(
        `${segment.path} begins at ${base}, but the segment before it ends at ${before.nextOffset}: the files were damaged`,
      );
    }
    return recoverSegment(segment, {
      verifyChecksums: this.#options.verifyChecksums,
      onBatch: (header) => this.#queue.producers.remember(header, header.baseOffset),
    });
  }

  /** Only the last segment can have one: a new segment begins after the one before it was synced. */
  async #cutTornWrite(bytes: number): Promise<void> {
    this.#options.log(
      `${this.#active.path}: ${bytes} bytes of an unfinished write cut off behind offset ${this.endOffset}`,
    );
    await this.#active.truncate();
  }
}

function gone(): KafkaError {
  return new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "the partition was deleted");
}

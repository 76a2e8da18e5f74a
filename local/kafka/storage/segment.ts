/** One file of a partition: record batches one behind the other, named by its first offset. */
import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { diskFull, syncFolder } from "../../file/atomic-file.ts";
import { BatchIndex } from "./batch-index.ts";

export interface PlacedBatch {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly recordCount: number;
  readonly maxTimestamp: number;
}

export class Segment {
  readonly baseOffset: number;
  readonly index = new BatchIndex();
  readonly path: string;
  readonly #file: FileHandle;
  #sizeBytes = 0;
  #nextOffset: number;
  #maxTimestamp = -1;

  private constructor(path: string, baseOffset: number, file: FileHandle) {
    this.path = path;
    this.baseOffset = baseOffset;
    this.#nextOffset = baseOffset;
    this.#file = file;
  }

  /** Opens or creates; what an existing file holds is told by `adopt`. */
  static async open(folder: string, baseOffset: number): Promise<Segment> {
    const path = join(folder, `${String(baseOffset).padStart(20, "0")}.log`);
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    await syncFolder(folder);
    return new Segment(path, baseOffset, file);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }

  get isEmpty(): boolean {
    return this.index.count === 0;
  }

  /** Stores the batches and returns when they would survive a power cut. On failure nothing of them is left. */
  async append(batches: readonly PlacedBatch[]): Promise<void> {
    const wanted = batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
    try {
      const { bytesWritten } = await this.#file.writev(
        batches.map(({ bytes }) => bytes),
        this.#sizeBytes,
      );
      if (bytesWritten !== wanted) throw diskFull(this.path);
      await this.#file.datasync();
    } catch (error) {
      await this.truncate();
      throw error;
    }
    for (const batch of batches) this.adopt(batch, batch.bytes.length);
  }

  /** Takes a batch that the file already holds at its end into the index. */
  adopt(batch: Omit<PlacedBatch, "bytes">, sizeBytes: number): void {
    this.index.push({
      baseOffset: batch.baseOffset,
      position: this.#sizeBytes,
      maxTimestamp: batch.maxTimestamp,
    });
    this.#sizeBytes += sizeBytes;
    this.#nextOffset = batch.baseOffset + batch.recordCount;
    this.#maxTimestamp = Math.max(this.#maxTimestamp, batch.maxTimestamp);
  }

  /** Cuts off whatever lies behind the last batch of the index. */
  async truncate(): Promise<void> {
    await this.#file.truncate(this.#sizeBytes);
    await this.#file.datasync();
  }

  /** Bytes from the batch that holds the offset to the end. */
  bytesFrom(offset: number): number {
    if (offset >= this.#nextOffset) return 0;
    return this.#sizeBytes - (this.index.at(this.index.rowOfOffset(offset))?.position ?? 0);
  }

  /** Whole batches from the one that holds the offset, up to the limit; the first one even beyond it where asked. */
  async read(offset: number, maxBytes: number, atLeastOne: boolean): Promise<Buffer> {
    const row = this.index.rowOfOffset(offset);
    const start = this.index.at(row)?.position ?? 0;
    return this.readAt(start, this.#endWithin(row, start + maxBytes, atLeastOne));
  }

  /** The batch of an index row. */
  async readBatch(row: number): Promise<Buffer> {
    return this.readAt(this.index.at(row)?.position ?? 0, this.#endOf(row));
  }

  async readAt(start: number, end: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(Math.max(end - start, 0));
    if (bytes.length === 0) return bytes;
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, start);
    return bytes.subarray(0, bytesRead);
  }

  async fileSize(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  #endWithin(row: number, limit: number, atLeastOne: boolean): number {
    if (limit >= this.#sizeBytes) return this.#sizeBytes;
    const lastBeginning = this.index.rowOfPosition(limit);
    if (lastBeginning > row) return this.index.at(lastBeginning)?.position ?? 0;
    return atLeastOne ? this.#endOf(row) : (this.index.at(row)?.position ?? 0);
  }

  #endOf(row: number): number {
    return this.index.at(row + 1)?.position ?? this.#sizeBytes;
  }
}

/** Reads what a segment's file holds into its index, and finds where the file stops making sense. */
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  hasValidChecksum,
  parseBatchHeader,
} from "../record/record-batch.ts";
import type { Segment } from "./segment.ts";

const WINDOW_BYTES = 1024 * 1024;

export interface RecoverOptions {
  /** Not needed after an orderly stop. */
  readonly verifyChecksums: boolean;
  readonly onBatch: (header: BatchHeader) => void;
}

/** Returns the bytes behind the last whole batch: a write that a crash tore. They are left in the file. */
export async function recoverSegment(segment: Segment, options: RecoverOptions): Promise<number> {
  const fileSize = await segment.fileSize();
  const window = new Window(segment, fileSize);
  while (segment.sizeBytes < fileSize) {
    const header = await readHeader(window, segment);
    if (!header || segment.sizeBytes + header.sizeBytes > fileSize) break;
    if (
      options.verifyChecksums &&
      !hasValidChecksum(await window.bytes(segment.sizeBytes, header.sizeBytes))
    )
      break;
    segment.adopt(header, header.sizeBytes);
    options.onBatch(header);
  }
  return fileSize - segment.sizeBytes;
}

async function readHeader(window: Window, segment: Segment): Promise<BatchHeader | undefined> {
  const bytes = await window.bytes(segment.sizeBytes, BATCH_HEADER_BYTES);
  if (bytes.length < BATCH_HEADER_BYTES) return undefined;
  const header = parseBatchHeader(bytes);
  const isWhole =
    header.magic === 2 &&
    header.sizeBytes > BATCH_HEADER_BYTES &&
    header.baseOffset === segment.nextOffset &&
    header.recordCount > 0 &&
    header.recordCount === header.lastOffsetDelta + 1;
  return isWhole ? header : undefined;
}

/** Reads ahead, so that small batches do not cost a read each. */
class Window {
  readonly #segment: Segment;
  readonly #fileSize: number;
  #start = 0;
  #content: Buffer = Buffer.alloc(0);

  constructor(segment: Segment, fileSize: number) {
    this.#segment = segment;
    this.#fileSize = fileSize;
  }

  async bytes(position: number, length: number): Promise<Buffer> {
    const end = Math.min(position + length, this.#fileSize);
    if (position < this.#start || end > this.#start + this.#content.length) {
      this.#start = position;
      this.#content = await this.#segment.readAt(
        position,
        Math.min(Math.max(end, position + WINDOW_BYTES), this.#fileSize),
      );
    }
    return this.#content.subarray(position - this.#start, end - this.#start);
  }
}

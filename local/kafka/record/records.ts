/** Walks the records inside a batch: only to check them and to find one by time, never to rewrite them. */
import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";
import { isErrno } from "../../file/atomic-file.ts";
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import { BATCH_HEADER_BYTES, type BatchHeader } from "./record-batch.ts";

/** Keeps a small batch that inflates to gigabytes from taking the process with it. */
const INFLATED_LIMIT_BYTES = 128 * 1024 * 1024;

type Inflate = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;
const codecs = new Map<number, Inflate>([
  [1, promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)],
  [4, promisify<Buffer, { maxOutputLength: number }, Buffer>(zstdDecompress)],
]);

export function isSupportedCodec(codec: number): boolean {
  return codec === 0 || codecs.has(codec);
}

export interface RecordPlace {
  readonly offsetDelta: number;
  readonly timestamp: number;
}

/** The offset and time of each record, in order. Throws INVALID_RECORD for anything that a consumer could not read. */
export async function recordPlaces(
  batch: Buffer,
  header: BatchHeader,
): Promise<Iterable<RecordPlace>> {
  const bytes = await inflate(batch.subarray(BATCH_HEADER_BYTES), header.codec);
  return walkRecords(new RecordWalk(bytes, header), header.recordCount);
}

/** Never a list: a small batch can inflate to millions of empty records. */
function* walkRecords(walk: RecordWalk, count: number): Generator<RecordPlace, void> {
  for (let delta = 0; delta < count; delta += 1) yield walk.next(delta);
  if (!walk.atEnd) throw invalid("bytes follow the last record");
}

async function inflate(bytes: Buffer, codec: number): Promise<Buffer> {
  if (codec === 0) return bytes;
  const decompress = codecs.get(codec);
  if (!decompress)
    throw new KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `codec ${codec} is not supported`);
  try {
    return await decompress(bytes, { maxOutputLength: INFLATED_LIMIT_BYTES });
  } catch (cause) {
    // Kafka has no other code for bytes that are not what the batch says they are.
    const code = isErrno(cause, "ERR_BUFFER_TOO_LARGE")
      ? ErrorCode.MESSAGE_TOO_LARGE
      : ErrorCode.UNKNOWN_SERVER_ERROR;
    throw new KafkaError(code, "the compressed records cannot be read", { cause });
  }
}

class RecordWalk {
  readonly #bytes: Buffer;
  readonly #baseTimestamp: number;
  #at = 0;

  constructor(bytes: Buffer, header: BatchHeader) {
    this.#bytes = bytes;
    this.#baseTimestamp = header.baseTimestamp;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  next(expectedDelta: number): RecordPlace {
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw invalid(`a record of ${length} bytes`);
    this.#at += 1;
    const timestamp = this.#baseTimestamp + this.#varint();
    const offsetDelta = this.#varint();
    if (offsetDelta !== expectedDelta)
      throw invalid(`offset delta ${offsetDelta} in place ${expectedDelta}`);
    this.#skipBytes();
    this.#skipBytes();
    this.#skipHeaders(end);
    if (this.#at !== end) throw invalid("a record's length and content disagree");
    return { offsetDelta, timestamp };
  }

  #skipHeaders(end: number): void {
    const count = this.#varint();
    if (count < 0 || count > end - this.#at) throw invalid(`${count} headers`);
    for (let left = count; left > 0; left -= 1) {
      const keyLength = this.#varint();
      if (keyLength < 0) throw invalid("a header without a key");
      this.#at += keyLength;
      this.#skipBytes();
    }
  }

  #skipBytes(): void {
    const length = this.#varint();
    if (length < -1) throw invalid(`a field of ${length} bytes`);
    this.#at += Math.max(length, 0);
  }

  /** Zigzag, up to 10 bytes; doubles are exact for every offset and time in use. */
  #varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 70; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw invalid("the records end in the middle of a number");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw invalid("a number longer than 10 bytes");
  }
}

function invalid(reason: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_RECORD, `the batch holds an invalid record: ${reason}`);
}

/** The header of a record batch v2, read and patched in place: the log stores batches as the bytes that came. */
import { exactInt64 } from "../protocol/reader.ts";
import { crc32c } from "./crc32c.ts";

export const BATCH_HEADER_BYTES = 61;
/** The offset and the length field, which the length does not count. */
export const LENGTH_OVERHEAD_BYTES = 12;

const field = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

export interface BatchHeader {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly magic: number;
  readonly codec: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

/** `bytes` holds at least BATCH_HEADER_BYTES. */
export function parseBatchHeader(bytes: Buffer): BatchHeader {
  const attributes = bytes.readInt16BE(field.attributes);
  return {
    baseOffset: exactInt64(bytes, field.baseOffset),
    sizeBytes: bytes.readInt32BE(field.length) + LENGTH_OVERHEAD_BYTES,
    magic: bytes.readInt8(field.magic),
    codec: attributes & 0x07,
    isTransactional: (attributes & 0x10) !== 0,
    isControl: (attributes & 0x20) !== 0,
    lastOffsetDelta: bytes.readInt32BE(field.lastOffsetDelta),
    baseTimestamp: exactInt64(bytes, field.baseTimestamp),
    maxTimestamp: exactInt64(bytes, field.maxTimestamp),
    producerId: exactInt64(bytes, field.producerId),
    producerEpoch: bytes.readInt16BE(field.producerEpoch),
    baseSequence: bytes.readInt32BE(field.baseSequence),
    recordCount: bytes.readInt32BE(field.recordCount),
  };
}

/** Neither field is covered by the checksum, so a broker may set them without touching the rest. */
export function placeBatch(batch: Buffer, baseOffset: number): void {
  batch.writeBigInt64BE(BigInt(baseOffset), field.baseOffset);
  batch.writeInt32BE(0, field.leaderEpoch);
}

/** As Kafka does when a producer's header and its records disagree. */
export function correctMaxTimestamp(batch: Buffer, maxTimestamp: number): void {
  batch.writeBigInt64BE(BigInt(maxTimestamp), field.maxTimestamp);
  batch.writeUInt32BE(crc32c(batch.subarray(field.attributes)), field.crc);
}

export function hasValidChecksum(batch: Buffer): boolean {
  return batch.readUInt32BE(field.crc) === crc32c(batch.subarray(field.attributes));
}

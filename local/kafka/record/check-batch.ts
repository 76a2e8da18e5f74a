/** What a produced batch must be before it is stored; each refusal is the code that Kafka gives. */
import { ErrorCode, KafkaError } from "../protocol/error-code.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  correctMaxTimestamp,
  hasValidChecksum,
  parseBatchHeader,
} from "./record-batch.ts";
import { isSupportedCodec, recordPlaces } from "./records.ts";

/** `message.timestamp.after.max.ms` of Kafka 4: a clock that runs ahead would keep retention from ever ending. */
const FUTURE_LIMIT_MS = 3_600_000;

/** The checks that need only the header; cheap, so they run before the batch is queued. */
export function checkBatch(
  batch: Buffer | null,
  maxMessageBytes: number,
): { bytes: Buffer; header: BatchHeader } {
  if (!batch || batch.length < BATCH_HEADER_BYTES)
    throw refusal("INVALID_RECORD", "there is no record batch");
  const header = parseBatchHeader(batch);
  if (header.magic !== 2)
    throw refusal("INVALID_RECORD", `magic ${header.magic}: only record batches v2 are taken`);
  if (header.sizeBytes > batch.length) throw refusal("INVALID_RECORD", "the batch is cut off");
  if (header.sizeBytes < batch.length)
    throw refusal("INVALID_RECORD", "a partition takes exactly one batch a request");
  if (batch.length > maxMessageBytes)
    throw refusal("MESSAGE_TOO_LARGE", `the batch has ${batch.length} bytes of ${maxMessageBytes}`);
  if (!isSupportedCodec(header.codec))
    throw refusal("UNSUPPORTED_COMPRESSION_TYPE", `codec ${header.codec} is not supported`);
  if (!hasValidChecksum(batch)) throw refusal("CORRUPT_MESSAGE", "the checksum does not match");
  checkKind(header);
  return { bytes: batch, header };
}

function checkKind(header: BatchHeader): void {
  if (header.isControl) throw refusal("INVALID_RECORD", "clients may not write control batches");
  if (header.isTransactional)
    throw refusal("TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "there are no transactions here");
  const { recordCount, lastOffsetDelta, producerId, baseSequence } = header;
  if (recordCount < 1 || recordCount !== lastOffsetDelta + 1)
    throw refusal("INVALID_RECORD", "the number of records and the last offset disagree");
  if (producerId >= 0 && baseSequence < 0)
    throw refusal("INVALID_RECORD", "a producer id without a sequence");
}

/** The checks that read the records, decompressing them where they are compressed. */
export async function checkRecords(batch: Buffer, header: BatchHeader, now: number): Promise<void> {
  let maxTimestamp = -1;
  for (const { timestamp } of await recordPlaces(batch, header))
    maxTimestamp = Math.max(maxTimestamp, timestamp);
  if (maxTimestamp > now + FUTURE_LIMIT_MS)
    throw refusal("INVALID_TIMESTAMP", "a record's timestamp is more than an hour ahead");
  if (maxTimestamp !== header.maxTimestamp) correctMaxTimestamp(batch, maxTimestamp);
}

function refusal(code: keyof typeof ErrorCode, message: string): KafkaError {
  return new KafkaError(ErrorCode[code], message);
}

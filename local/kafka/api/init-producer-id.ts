/** InitProducerId: an identity for an idempotent producer. Transactions are refused, by the one code that every client takes as final. */
import { defineApi } from "../protocol/api.ts";
import { ErrorCode } from "../protocol/error-code.ts";

export const initProducerId = defineApi({
  key: 22,
  name: "InitProducerId",
  versions: [0, 1],
  read(reader) {
    const transactionalId = reader.nullableString();
    reader.int32();
    return { transactionalId };
  },
  async handle({ transactionalId }, { broker }) {
    if (transactionalId === "")
      return { error: ErrorCode.INVALID_REQUEST, producerId: -1, epoch: -1 };
    if (transactionalId !== null)
      return { error: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, producerId: -1, epoch: -1 };
    return { error: ErrorCode.NONE, producerId: await broker.topics.nextProducerId(), epoch: 0 };
  },
  write: (writer, { error, producerId, epoch }) =>
    writer.int32(0).int16(error).int64(producerId).int16(epoch),
});

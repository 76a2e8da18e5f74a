/** The reply of a subscriber: a CloudEvent in its answer is put on the Broker's topic; any other body is a failure. */
import type { TakeAnswer } from "./delivery/delivery.ts";
import { toBinaryRecord, upperBoundBytes } from "./event/event-record.ts";
import { NotAnEventError, readEvent } from "./event/incoming-event.ts";
import type { RecordProducer } from "./event/record-producer.ts";

/** Of the producer: `max.request.size`. */
const maxRecordBytes = 1_048_576;
/** One byte more than fits is enough to know that it does not. */
export const maxReplyBytes = maxRecordBytes + 1;

/** An answer that is refused counts as a failure for which there is no answer: it is not retried. */
export const replyTo =
  (topic: string, producer: RecordProducer): TakeAnswer =>
  async ({ status, headers, body }, { traceparent, tracestate }) => {
    const refused = (why: string) =>
      `was answered ${status} with ${why}: Knative takes that for a failure`;
    if (body.length > maxRecordBytes) return refused("a reply over 1 MiB");
    try {
      const event = readEvent(headers, body);
      if (event.partitionKey === "not-text") return refused("a partitionkey that is no string");
      const record = toBinaryRecord(event, { traceparent, tracestate });
      if (upperBoundBytes(record) > maxRecordBytes) return refused("a reply over 1 MiB");
      await producer.send(topic, record);
    } catch (error) {
      if (!(error instanceof NotAnEventError)) {
        return refused(`a reply that was not stored (${(error as Error).message})`);
      }
      if (body.length > 0) return refused(`a body that is no CloudEvent (${error.message})`);
    }
    return undefined;
  };

/** Records of the two topics as the console lists them: JSON text, in which an event's data stays as it came. */
import { fromHttp } from "../../lib/events/http.ts";
import { fromKafkaRecord, type KafkaRecord } from "../../lib/events/kafka-record.ts";
import { toStructured } from "../../lib/events/structured.ts";
import type { Event } from "../../lib/events/event.ts";

/** Undefined where the record is of another type than the asked one. */
export function toListedEvent(record: KafkaRecord, type: string | undefined): string | undefined {
  const event = fromKafkaRecord(record, new Date(record.timestampMs));
  if (type !== undefined && event?.type !== type) return undefined;
  return withEvent(placeOf(record), event);
}

export interface DeadLetterOptions {
  /** The function whose address `knativeerrordest` is. */
  readonly functionAt: (url: string) => string | undefined;
}

export function toListedDeadLetter(record: KafkaRecord, { functionAt }: DeadLetterOptions): string {
  const headers = httpHeaders(record);
  const body = record.value ?? Buffer.alloc(0);
  const result = fromHttp({ headers, body, receivedAt: new Date(record.timestampMs) });
  const event = "events" in result ? result.events[0] : undefined;
  const extension = (name: string) => headers[`ce-${name}`] ?? event?.extensions[name];
  const destination = extension("knativeerrordest");
  const code = extension("knativeerrorcode");
  return withEvent(
    {
      ...placeOf(record),
      function: destination === undefined ? null : (functionAt(destination) ?? destination),
      code: code === undefined || !/^\d+$/.test(code) ? null : Number(code),
      reason: reasonOf(extension("reason"), extension("knativeerrordata"), code),
    },
    event,
  );
}

const placeOf = ({ partition, offset, timestampMs }: KafkaRecord) => ({
  partition,
  offset,
  at: new Date(timestampMs).toISOString(),
});

const withEvent = (fields: object, event: Event | undefined): string =>
  `${JSON.stringify(fields).slice(0, -1)},"event":${event === undefined ? "null" : toStructured(event)}}`;

/** A dead letter keeps the place of the record that it was, so it is named as the function named it. */
function httpHeaders(record: KafkaRecord): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, given] of Object.entries(record.headers)) {
    const value = String(Array.isArray(given) ? given.at(-1) : given);
    headers[name.startsWith("ce_") ? `ce-${name.slice(3)}` : name] = value;
  }
  return headers;
}

function reasonOf(
  reason: string | undefined,
  data: string | undefined,
  code: string | undefined,
): string | null {
  if (reason !== undefined && reason !== "") return reason;
  if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
  return code === undefined ? "no answer: refused, cut off or timed out" : null;
}

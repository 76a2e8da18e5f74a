/** A dead letter: the record of its topic as the delivery that failed, and what was said about it. */
import type { Event } from "../../lib/events/event.ts";
import { fromHttp } from "../../lib/events/http.ts";
import type { KafkaRecord } from "../../lib/events/kafka-record.ts";
import { asHeaderValue } from "../../lib/events/latin1.ts";
import type { FunctionAt } from "../function/destination.ts";
import type { Message } from "../function/send.ts";
import type { FunctionName } from "../option.ts";

export interface Letter {
  readonly partition: number;
  readonly offset: number;
  readonly atMs: number;
  /** Null where it came from no KafkaSource, or its address is not one that was given. */
  readonly functionName: FunctionName | null;
  readonly destination: string | null;
  /** Null where no answer came. */
  readonly code: number | null;
  readonly reason: string | null;
  /** The beginning of the answer's body. */
  readonly errorData: string | null;
  /** What the dispatcher had sent, position included. */
  readonly delivery: Message;
  /** Under the identity that every function knows; undefined where the letter is no CloudEvent. */
  readonly event: Event | undefined;
}

/** `3/12`, as commands show and take it. */
export const placeOf = ({ partition, offset }: Letter): string => `${partition}/${offset}`;

/** What names a letter for ever: the timestamp keeps a re-made topic from repeating names. */
export const nameOf = (letter: Letter): string => `${placeOf(letter)}@${letter.atMs}`;

export function toLetter(record: KafkaRecord, functionAt: FunctionAt): Letter {
  const headers = sentHeaders(record);
  const taken = takeError(headers);
  const body = record.value ?? Buffer.alloc(0);
  const receivedAt = new Date(record.timestampMs);
  const result = fromHttp({ headers, body, receivedAt });
  const destination = taken.destination ?? null;
  return {
    partition: record.partition,
    offset: record.offset,
    atMs: record.timestampMs,
    functionName: destination === null ? null : (functionAt(destination) ?? null),
    destination,
    code: taken.code,
    reason: taken.reason,
    errorData: taken.data,
    delivery: { headers, body },
    event: "events" in result ? result.events[0] : undefined,
  };
}

const passed = new Set(["content-type", "traceparent", "tracestate"]);

/** The KafkaSink writes attributes as `ce_…`; of everything else it passes on the trace alone. */
function sentHeaders(record: KafkaRecord): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, given] of Object.entries(record.headers)) {
    const value: unknown = Array.isArray(given) ? given.at(-1) : given;
    if (!Buffer.isBuffer(value) && typeof value !== "string") continue;
    if (name.startsWith("ce_")) headers[`ce-${name.slice(3)}`] = asHeaderValue(value.toString());
    else if (passed.has(name)) headers[name] = asHeaderValue(value.toString());
  }
  return headers;
}

/** Takes out of the headers what the dispatcher added when it gave up. */
function takeError(headers: Record<string, string>) {
  const take = (name: string): string | undefined => {
    const value = headers[`ce-${name}`];
    delete headers[`ce-${name}`];
    return value;
  };
  const destination = take("knativeerrordest");
  const codeText = take("knativeerrorcode");
  const dataText = take("knativeerrordata");
  const code = /^\d{3}$/.test(codeText ?? "") ? Number(codeText) : null;
  const data = dataText === undefined ? null : Buffer.from(dataText, "base64").toString("utf8");
  // The host answers with `kne-reason` just where it refuses for good (lib/host/answer.ts): else it is the event's own.
  const isRefusal = code !== null && code < 500 && code !== 429;
  const reason = isRefusal ? take("reason") : undefined;
  return { destination, code, data, reason: reason ?? unsaid(code, data) };
}

function unsaid(code: number | null, data: string | null): string | null {
  if (code === null) return "no answer: refused, cut off or timed out";
  const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(data ?? "")?.[1];
  return message ?? data;
}

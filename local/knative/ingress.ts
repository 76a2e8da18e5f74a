/** The Broker's ingress: a CloudEvent POSTed to /<namespace>/<name> is a record on the topic before it is answered 202. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Kafka } from "kafkajs";
import { closeServer } from "../../lib/host/connection.ts";
import { createGuardedServer, listenOnLoopback } from "../process/front/front.ts";
import { printable, type Report } from "../report.ts";
import {
  toBinaryRecord,
  toStructuredRecord,
  upperBoundBytes,
  type EventRecord,
} from "./event/event-record.ts";
import { lastHeaders } from "./delivery/http-sender.ts";
import { NotAnEventError, readEvent } from "./event/incoming-event.ts";
import { openRecordProducer, type RecordProducer } from "./event/record-producer.ts";

export interface Broker {
  readonly namespace: string;
  readonly name: string;
  readonly topic: string;
}

export interface KafkaSink extends Broker {
  readonly contentMode: "binary" | "structured";
}

export interface IngressOptions {
  readonly brokers: readonly Broker[];
  readonly sinks: readonly KafkaSink[];
  readonly kafka: Kafka;
  /** 0: any free one. */
  readonly port: number;
  readonly report: Report;
  /** How long an event may wait for Kafka until it is answered 503: 60 s. */
  readonly deliveryTimeoutMs?: number;
}

export interface Ingress extends AsyncDisposable {
  readonly port: number;
}

/** Of the producer: `max.request.size`. */
const maxRecordBytes = 1_048_576;
/** Vert.x answers 431 above it. */
const maxHeaderBytes = 8_192;
const graceMs = 5_000;

export async function startIngress(options: IngressOptions): Promise<Ingress> {
  const producer = await openRecordProducer(options.kafka, options);
  const addressables = new Map<string, Addressable>([
    ...options.brokers.map(
      (broker) => [pathOf(broker), { ...broker, contentMode: "binary" }] as const,
    ),
    ...options.sinks.map((sink) => [pathOf(sink), sink] as const),
  ]);
  const server = createGuardedServer(
    (request, response) => {
      void receive(request, addressables, producer, options.report)
        .catch((error: unknown) => {
          options.report.note("ingress", `500: ${String(error)}`, "error");
          return 500;
        })
        .then((status) => answer(response, status));
    },
    { server: { maxHeaderSize: maxHeaderBytes } },
  );
  const port = await listenOnLoopback(server, options.port);
  return {
    port,
    async [Symbol.asyncDispose]() {
      await closeServer(server, graceMs);
      await producer[Symbol.asyncDispose]();
    },
  };
}

type Addressable = Pick<KafkaSink, "topic" | "contentMode">;

const pathOf = ({ namespace, name }: Broker): string => `/${namespace}/${name}`;

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-length": 0 });
  response.end();
}

/** The status. The body of every answer is empty, as in Knative: why, is said in a line of the report. */
async function receive(
  request: IncomingMessage,
  addressables: ReadonlyMap<string, Addressable>,
  producer: RecordProducer,
  report: Report,
): Promise<number> {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  const body = await readBody(request);
  if (body === "aborted") return 400;
  if (request.method === "GET" && (path === "/healthz" || path === "/readyz")) return 200;
  if (request.method !== "POST") return 405;
  const addressable = addressables.get(path.length > 1 ? path.replace(/\/$/, "") : path);
  const { status, why } =
    addressable === undefined
      ? { status: 404, why: "no Broker or KafkaSink has this path" }
      : await store(lastHeaders(request.rawHeaders), body, addressable, producer);
  if (why !== undefined) {
    report.note("ingress", `${status} for POST ${printable(path)}: ${why}`, "warning");
  }
  return status;
}

interface Answer {
  readonly status: number;
  readonly why?: string;
}

async function store(
  headers: ReadonlyMap<string, string>,
  body: Buffer,
  addressable: Addressable,
  producer: RecordProducer,
): Promise<Answer> {
  try {
    const record = toRecord(headers, body, addressable);
    if (record === undefined) return { status: 503, why: "partitionkey must be a string" };
    if (upperBoundBytes(record) > maxRecordBytes) {
      return { status: 503, why: "the event is over 1 MiB" };
    }
    await producer.send(addressable.topic, record);
    return { status: 202 };
  } catch (error) {
    if (error instanceof NotAnEventError) return { status: 400, why: printable(error.message) };
    return { status: 503, why: `not stored: ${(error as Error).message}` };
  }
}

/** Undefined where the partition key is no text: the receiver fails on it. */
function toRecord(
  headers: ReadonlyMap<string, string>,
  body: Buffer,
  { contentMode }: Addressable,
): EventRecord | undefined {
  const event = readEvent(headers, body);
  if (event.partitionKey === "not-text") return undefined;
  const trace = { traceparent: headers.get("traceparent"), tracestate: headers.get("tracestate") };
  return contentMode === "binary" ? toBinaryRecord(event, trace) : toStructuredRecord(event, trace);
}

/** Read to its end, but kept only so far as a record could hold it. */
function readBody(request: IncomingMessage): Promise<Buffer | "aborted"> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxRecordBytes + chunk.length) chunks.push(chunk);
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", () => resolve("aborted"));
  });
}

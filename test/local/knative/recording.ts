/** The recordings of real Knative, as data, and what of a request is compared with them. */
import { readFileSync } from "node:fs";
import type { TriggerFilterSpec } from "../../../local/knative/filter/filter.ts";
import type { RecordingName } from "./exception.ts";

export interface RecordedRequest {
  readonly record: number;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly bodyBase64?: string;
  readonly answered: number | null;
  readonly closedByDispatcherAtMs?: number;
}

export interface ScriptedAnswer {
  readonly record?: number;
  readonly status?: number;
  readonly hang?: boolean;
  readonly delayMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Script = "hang" | "refused" | readonly ScriptedAnswer[];

export interface DispatchCase {
  readonly name: string;
  readonly source: {
    readonly kind: "KafkaSource" | "Trigger";
    readonly ordering: "ordered" | "unordered";
    readonly filter?: { readonly attributes: Readonly<Record<string, string>> };
    readonly egressConfig: null | {
      readonly deadLetter?: string;
      readonly retry?: number;
      readonly backoffDelay?: number;
      readonly backoffPolicy?: "Linear" | "Exponential";
      readonly timeout?: number;
    };
  };
  readonly partitions: number;
  readonly records: readonly {
    readonly partition: number;
    readonly keyBase64: string | null;
    readonly headers: Readonly<Record<string, string | null>>;
    readonly headerList?: readonly (readonly [string, string])[];
    readonly valueBase64: string | null;
  }[];
  readonly sinkScript: Script;
  readonly deadLetterScript?: Script;
  readonly deliveries: readonly RecordedRequest[];
  readonly deadLetters: readonly RecordedRequest[];
  readonly maxInFlight: number;
  readonly committedOffsets: Readonly<Record<string, number>>;
  readonly endOffsets: Readonly<Record<string, number>>;
  /** What the dispatcher put on the topic. */
  readonly replyRecords?: readonly {
    readonly partition: number;
    readonly offset: number;
    readonly keyBase64: string | null;
    readonly headers: Readonly<Record<string, string>>;
    readonly valueBase64: string | null;
  }[];
}

export interface FilterCase {
  readonly filter?: TriggerFilterSpec["filter"];
  readonly filters?: TriggerFilterSpec["filters"];
  /** Null: the Trigger was only shown to the webhook. */
  readonly event: Readonly<Record<string, string>> | null;
  readonly pass?: boolean;
  readonly admitted: boolean;
  readonly message?: string;
}

export interface IngressCase {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly headersBase64?: Readonly<Record<string, string>>;
    readonly headerList?: readonly (readonly [string, string])[];
    readonly bodyBase64?: string;
    readonly bodyRepeat?: {
      readonly prefix: string;
      readonly repeat: string;
      readonly count: number;
      readonly suffix: string;
    };
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly bodyBase64: string;
  };
  readonly record: null | {
    readonly topic: string;
    readonly key: string | null;
    readonly headers: Readonly<Record<string, string>>;
    readonly valueBase64?: string | null;
    readonly valueLength?: number;
    readonly valueSha256?: string;
    readonly timestampType: string;
  };
  /** Until the answer; only where Kafka was stopped. */
  readonly ms?: number;
}

export interface PingCase {
  readonly name: string;
  readonly namespace: string;
  readonly spec: {
    readonly schedule: string;
    readonly timezone?: string;
    readonly contentType?: string;
    readonly data?: string;
    readonly dataBase64?: string;
    readonly ceOverrides?: { readonly extensions: Readonly<Record<string, string>> };
  };
  readonly sinkScript: readonly ScriptedAnswer[];
  readonly deliveries: readonly RecordedRequest[];
  readonly admitted: boolean;
}

export function recordings<T>(name: RecordingName): T[] {
  const url = new URL(`../../fixtures/knative/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T[];
}

/** Of the sender's machine, library or instant, not of what is sent. */
const incidental = new Set(["host", "user-agent", "accept-encoding", "connection", "referer"]);

/** A span id is chance, but must not be that of the one who sent. */
export const withNewSpan = (traceparent: string, sent: string | undefined): string =>
  traceparent === sent ? traceparent : traceparent.replace(/-[0-9a-f]{16}-/, "-new-");

export function comparable(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  sentTraceparent?: string,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    if (incidental.has(name) || value === undefined) continue;
    kept[name] = String(value);
  }
  if (kept["ce-type"] === "dev.knative.kafka.event") delete kept["ce-time"];
  if (kept["traceparent"]) kept["traceparent"] = withNewSpan(kept["traceparent"], sentTraceparent);
  if (kept["ce-knativeerrordest"]) kept["ce-knativeerrordest"] = "the sink";
  return kept;
}

/** Asks audit-log, which has no sidecar, by Dapr invocation of its URL. */
import type { GenerationResponse, HistoryRequest } from "../../../lib/events/history.ts";
import { serviceAudience } from "../../../lib/events/history.ts";
import { elementBytes, memberBytes } from "../../../lib/events/json.ts";
import { RetryableError } from "../../../lib/host/error.ts";
import type { Vector } from "../topic/vector.ts";

export interface HistoryEvent {
  readonly partition: number;
  readonly offset: number;
  /** As audit-log wrote it, byte for byte. */
  readonly text: Buffer;
}

export interface HistoryPage {
  readonly generation: string;
  readonly covered: Vector;
  readonly events: readonly HistoryEvent[];
  readonly next: Vector | null;
}

/** Both throw RetryableError where there is no answer, or none that makes sense. */
export interface AuditLog {
  history(request: HistoryRequest, signal: AbortSignal): Promise<HistoryPage>;
  generation(signal: AbortSignal): Promise<string>;
}

export interface AuditLogOptions {
  readonly url: string;
  readonly daprHttpPort: number;
  readonly daprApiToken: string | undefined;
  readonly serviceTokenKey: string;
}

/** Not by the SDK: it parses the answer, and `1.0` or a long number would come out as something else. */
export function auditLogClient(options: AuditLogOptions): AuditLog {
  const base = options.url.replace(/\/+$/, "");
  const invoke = `http://127.0.0.1:${options.daprHttpPort}/v1.0/invoke/${base}/method`;
  const ask = async (path: string, init: RequestInit): Promise<Buffer> => {
    const headers = { ...(await headersOf(options)), "content-type": "application/json" };
    const response = await fetch(`${invoke}${path}`, { ...init, headers });
    const body = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return body;
  };
  return {
    history: (request, signal) =>
      ask("/history", { method: "POST", body: JSON.stringify(request), signal })
        .then(toPage)
        .catch(unreachable),
    generation: (signal) =>
      ask("/generation", { signal })
        .then((body) => toGeneration(JSON.parse(body.toString("utf8"))))
        .catch(unreachable),
  };
}

async function headersOf(options: AuditLogOptions): Promise<Record<string, string>> {
  const { SignJWT } = await import("jose");
  const token = await new SignJWT()
    .setProtectedHeader({ alg: "HS256" })
    .setAudience(serviceAudience)
    .setIssuedAt()
    .setExpirationTime("60s")
    .sign(new TextEncoder().encode(options.serviceTokenKey));
  const { daprApiToken } = options;
  return {
    authorization: `Bearer ${token}`,
    ...(daprApiToken === undefined ? {} : { "dapr-api-token": daprApiToken }),
  };
}

function toGeneration(answer: Partial<GenerationResponse>): string {
  if (typeof answer.generation === "string") return answer.generation;
  throw new Error("/generation names no generation");
}

function toPage(body: Buffer): HistoryPage {
  const member = (name: string): unknown => {
    const bytes = memberBytes(body, name);
    return bytes === undefined ? undefined : JSON.parse(bytes.toString("utf8"));
  };
  const generation = member("generation");
  const covered = member("covered");
  const next = member("next") ?? null;
  const isPage = typeof generation === "string" && isVector(covered);
  if (!isPage || !(next === null || isVector(next))) throw new Error("/history is no page");
  const events = elementBytes(memberBytes(body, "events") ?? Buffer.from("[]")).map(toEvent);
  return { generation, covered, events, next };
}

function toEvent(element: Buffer): HistoryEvent {
  const text = memberBytes(element, "event");
  const partition = Number(memberBytes(element, "partition")?.toString());
  const offset = Number(memberBytes(element, "offset")?.toString());
  if (text === undefined || !Number.isInteger(partition) || !Number.isInteger(offset)) {
    throw new Error("/history has an event without its place");
  }
  return { partition, offset, text };
}

const isVector = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((offset) => Number.isSafeInteger(offset));

/** The identity of an event in the JSON event format. */
export function namesOf(text: Buffer): { source: string; id: string } {
  const [source, id] = ["source", "id"].map((name) => memberBytes(text, name)?.toString("utf8"));
  return { source: String(JSON.parse(source ?? '""')), id: String(JSON.parse(id ?? '""')) };
}

function unreachable(cause: unknown): never {
  throw new RetryableError("audit_log_unreachable", "audit-log does not answer", { cause });
}

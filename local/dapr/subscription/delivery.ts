/** One attempt to hand a record to the app, and what its answer means. */
import type { Agent } from "node:http";
import { exchange } from "../../exchange.ts";

export interface Delivery {
  port: number;
  path: string;
  /** Alternating names and values. */
  headers: readonly string[];
  body: Buffer;
  timeoutMs: number;
  agent: Agent;
}

export type Outcome =
  | { verdict: "ack" | "drop" }
  | { verdict: "retry"; reason: string }
  /** Nobody listens: the app is being started again. */
  | { verdict: "unreachable" };

export async function deliver(delivery: Delivery): Promise<Outcome> {
  try {
    const { status, body } = await post(delivery);
    return judge(status, body.toString());
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED") return { verdict: "unreachable" };
    return { verdict: "retry", reason: message };
  }
}

/** Rejects, too, for a name or value that HTTP cannot carry. */
async function post({ headers, body, timeoutMs, ...target }: Delivery) {
  const framed = [
    "Host",
    `127.0.0.1:${String(target.port)}`,
    "Content-Length",
    String(body.length),
  ];
  const end = new AbortController();
  const late = () => end.abort(new Error(`no answer in ${String(timeoutMs)} ms`));
  const timer = setTimeout(late, timeoutMs);
  try {
    return await exchange({
      ...target,
      host: "127.0.0.1",
      method: "POST",
      headers: [...framed, ...headers],
      body,
      signal: end.signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** 404 is not retried; what is no JSON with a `status` is a success. */
export function judge(status: number, body: string): Outcome {
  if (status === 404) return { verdict: "drop" };
  if (status < 200 || status > 299) return { verdict: "retry", reason: `status ${String(status)}` };
  const said = statusOf(body);
  if (said === "" || said === "SUCCESS") return { verdict: "ack" };
  if (said === "DROP") return { verdict: "drop" };
  return { verdict: "retry", reason: said === "RETRY" ? said : `unknown status ${said}` };
}

function statusOf(body: string): string {
  try {
    const { status = "" } = (JSON.parse(body) ?? {}) as { status?: unknown };
    return typeof status === "string" ? status : "";
  } catch {
    return "";
  }
}

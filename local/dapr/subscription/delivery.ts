/** One attempt to hand a record to the app, and what its answer means. */
import { request, type Agent } from "node:http";
import { text } from "node:stream/consumers";

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
    return judge(status, body);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED") return { verdict: "unreachable" };
    return { verdict: "retry", reason: message };
  }
}

function post({ port, path, headers, body, timeoutMs, agent }: Delivery) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const length = ["Content-Length", String(body.length)];
    const host = ["Host", `127.0.0.1:${String(port)}`];
    const signal = AbortSignal.timeout(timeoutMs);
    const options = { host: "127.0.0.1", port, path, agent, signal, method: "POST" };
    // Throws, and so rejects, for a name or value that HTTP cannot carry.
    const req = request({ ...options, headers: [...host, ...length, ...headers] }, (res) => {
      text(res).then((answer) => resolve({ status: res.statusCode ?? 0, body: answer }), reject);
    });
    req.on("error", (error) => {
      reject(signal.aborted ? new Error(`no answer in ${String(timeoutMs)} ms`) : error);
    });
    req.end(body);
  });
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

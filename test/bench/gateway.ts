/** The gateway of a runner itself, behind the front of its Service: in a cluster nothing reads along between it and its peers. */
import { readFileSync } from "node:fs";
import { pidsOf } from "../support/chaos.ts";
import type { Runner } from "../support/runner.ts";

export interface Gateway {
  readonly pid: number;
  /** For WebSockets. */
  readonly url: string;
}

export function findGateway(runner: Runner): Gateway {
  const [pid] = pidsOf(runner, "websocket-gateway");
  if (pid === undefined) throw new Error("the gateway does not run");
  const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  const port = variables.find((variable) => variable.startsWith("PORT="))?.slice("PORT=".length);
  return { pid, url: `ws://127.0.0.1:${port}/ws` };
}

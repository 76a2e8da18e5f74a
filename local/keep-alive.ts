/** Connections are kept for the next request, and closed after a minute without one: Vert.x's default; Go's is 90 s. */
import { Agent, type AgentOptions } from "node:http";

const idleMs = 60_000;

/** What is under way is not limited by it. */
export const keepAliveAgent = (options: AgentOptions = {}): Agent =>
  new Agent({ keepAlive: true, timeout: idleMs, ...options });

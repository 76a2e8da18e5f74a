/** What idle WebSockets cost the gateway of `make start`: it greets them, and they say nothing. */
import { setTimeout as delay } from "node:timers/promises";
import { startClients } from "../../load/clients.ts";
import type { Runner } from "../../support/runner.ts";
import { findGateway } from "../gateway.ts";
import { startRunner } from "../guarded-runner.ts";
import { residentBytesOf } from "../metered.ts";

export interface PeersCost {
  readonly peers: number;
  /** Of the gateway's process, beyond what it has without any. */
  readonly bytesPerPeer: number;
}

/** Below the gateway's limits of a user. */
const peersOfUser = 10;
/** Late garbage goes. */
const settleMs = 5_000;

/** At each of the counts, ascending. */
export async function measurePeers(
  counts: readonly number[],
  say: (line: string) => void,
): Promise<readonly PeersCost[]> {
  await using opened = new AsyncDisposableStack();
  const runner = await startRunner(opened);
  const { pid, url } = findGateway(runner);
  await delay(settleMs);
  const before = residentBytesOf(pid);
  const costs: PeersCost[] = [];
  let there = 0;
  for (const peers of counts) {
    const tokens = await tokensFor(runner, there, peers);
    opened.use(await startClients({ url, tokens, events: 0 }));
    there = peers;
    await delay(settleMs);
    const bytesPerPeer = (residentBytesOf(pid) - before) / peers;
    say(`${peers} peers: ${Math.round(bytesPerPeer)} bytes each`);
    costs.push({ peers, bytesPerPeer });
  }
  return costs;
}

async function tokensFor(runner: Runner, from: number, to: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let first = from; first < to; first += peersOfUser) {
    const token = await runner.token(`peer-${first}`);
    tokens.push(...Array.from({ length: Math.min(peersOfUser, to - first) }, () => token));
  }
  return tokens;
}

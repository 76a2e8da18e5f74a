/** Two recipients on an empty state, so that the first event ends in a mail. Put there through the function's own route. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { signToken, type TokenIssuer } from "../console/token.ts";
import type { Note } from "../process/note/note.ts";

export interface RecipientsOptions {
  /** Of notification. */
  url: string | undefined;
  /** Undefined where tokens are checked by keys that the runner does not have. */
  tokens: TokenIssuer | undefined;
  stateDir: string;
  note: Note;
  signal: AbortSignal;
}

const RECIPIENTS = ["u1", "u2"].map((user, index) => ({
  user,
  email: `${user}@example.test`,
  phone: `+1555000000${String(index + 1)}`,
}));
const TRIES = 20;
const PAUSE_MS = 250;
/** A start waits this long for them; after it they are put while everything runs. */
const PATIENCE_MS = 10_000;

/** Begins at once. The stack ends what is not done by then. */
export function startRecipients(
  stack: AsyncDisposableStack,
  options: Omit<RecipientsOptions, "signal">,
): { putOrLate: Promise<void> } {
  const stopping = new AbortController();
  const put = putRecipients({ ...options, signal: stopping.signal });
  stack.defer(async () => {
    stopping.abort();
    await put;
  });
  const late = delay(PATIENCE_MS, undefined, { ref: false });
  return { putOrLate: Promise.race([put, late]) };
}

/** Never overwrites: only what answers 404 is put. Its failure costs the example, not the start. */
export async function putRecipients(options: RecipientsOptions): Promise<void> {
  const { url, tokens, stateDir, note, signal } = options;
  const done = join(stateDir, "recipients-put");
  if (url === undefined || tokens === undefined || existsSync(done)) return;
  const token = await signToken(tokens, { userId: "runner", scope: "admin" }, new Date());
  try {
    for (const recipient of RECIPIENTS) await putRecipient(url, token, recipient, signal);
    writeFileSync(done, "");
  } catch (error) {
    if (signal.aborted) return;
    note("notification", `the recipients u1 and u2 are not there: ${String(error)}`, "warning");
  }
}

async function putRecipient(
  url: string,
  token: string,
  { user, email, phone }: (typeof RECIPIENTS)[number],
  signal: AbortSignal,
): Promise<void> {
  const route = `${url}/recipients/${user}`;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const found = await request(route, { headers, signal });
  if (found.status !== 404) return;
  const body = JSON.stringify({ email, phone, locale: "en", time_zone: "UTC", channels: {} });
  const put = await request(route, { method: "PUT", headers, body, signal });
  if (!put.ok) throw new Error(`PUT /recipients/${user} answers ${String(put.status)}`);
}

/** Tried again while the function is not ready. */
async function request(
  url: string,
  init: RequestInit & { signal: AbortSignal },
): Promise<Response> {
  for (let tried = 1; ; tried += 1) {
    const answer = await fetch(url, init);
    await answer.body?.cancel();
    if (answer.status < 500 || tried === TRIES) return answer;
    await delay(PAUSE_MS, undefined, { signal: init.signal });
  }
}

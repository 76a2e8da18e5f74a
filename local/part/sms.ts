/** The SMS catcher: Twilio's "create message" route, which keeps what it is given before it answers 201. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { closeServer } from "../../lib/host/connection.ts";
import { createGuardedServer, listenOnLoopback } from "../process/front/front.ts";
import type { Note } from "../process/note/note.ts";
import { KeptList } from "./kept-list.ts";

export interface CaughtSms {
  /** Twilio's `sid`. */
  id: string;
  at: string;
  to: string;
  text: string;
  /** The trace that it belongs to: the request's header of that name. */
  traceparent: string | null;
}

export interface SmsOptions {
  stateDir: string;
  /** 0: any free one. */
  port: number;
  /** Basic auth that a request must bring; absent: any. */
  account?: { sid: string; token: string };
  note: Note;
}

export interface Sms extends AsyncDisposable {
  readonly port: number;
  /** Newest first. */
  list(limit: number): readonly CaughtSms[];
}

const BODY_LIMIT_BYTES = 64 * 1024;
/** Twilio's own limit of a message's text. */
const TEXT_LIMIT = 1600;
const ROUTE = /^\/2010-04-01\/Accounts\/([^/]+)\/Messages\.json$/;

/** An answer that says no, with Twilio's code for the reason. */
class Refusal extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Rejects with EADDRINUSE where the port is taken. */
export async function startSms(options: SmsOptions): Promise<Sms> {
  const kept = await KeptList.open<CaughtSms>(join(options.stateDir, "sms.ndjson"));
  const server = createGuardedServer((req, res) => {
    createMessage(req, options, kept).then(
      (message) => answer(res, 201, message),
      (error: unknown) => refuse(res, error, options.note),
    );
  });
  return {
    port: await listenOnLoopback(server, options.port),
    list: (limit) => kept.newest(limit),
    [Symbol.asyncDispose]: async () => {
      await closeServer(server, 1_000);
      await kept[Symbol.asyncDispose]();
    },
  };
}

async function createMessage(
  req: IncomingMessage,
  { account }: SmsOptions,
  kept: KeptList<CaughtSms>,
): Promise<object> {
  const sid = ROUTE.exec(req.url ?? "")?.[1];
  if (sid === undefined) throw new Refusal(404, 20404, "The requested resource was not found");
  if (req.method !== "POST") throw new Refusal(405, 20004, "Method not allowed");
  if (account !== undefined && !isAuthorized(req, account, sid)) {
    throw new Refusal(401, 20003, "Authenticate");
  }
  const form = new URLSearchParams(await readBody(req));
  const [to, from, text] = ["To", "From", "Body"].map((field) => form.get(field) ?? "");
  if (!to) throw new Refusal(400, 21604, "A 'To' phone number is required.");
  if (!from) throw new Refusal(400, 21603, "A 'From' phone number is required.");
  if (!text) throw new Refusal(400, 21602, "Message body is required.");
  if (text.length > TEXT_LIMIT) {
    throw new Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit");
  }
  const id = `SM${randomUUID().replaceAll("-", "")}`;
  const at = new Date();
  const { traceparent } = req.headers;
  await kept.append({
    id,
    at: at.toISOString(),
    to,
    text,
    traceparent: typeof traceparent === "string" ? traceparent : null,
  });
  const uri = `/2010-04-01/Accounts/${sid}/Messages/${id}.json`;
  const facts = {
    direction: "outbound-api",
    status: "queued",
    date_created: at.toUTCString(),
    uri,
  };
  return { sid: id, account_sid: sid, to, from, body: text, ...facts, error_code: null };
}

function isAuthorized(
  req: IncomingMessage,
  account: { sid: string; token: string },
  sid: string,
): boolean {
  const expected = Buffer.from(`${account.sid}:${account.token}`).toString("base64");
  return sid === account.sid && req.headers.authorization === `Basic ${expected}`;
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) throw new Refusal(413, 20413, "The request is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function refuse(res: ServerResponse, error: unknown, note: Note): void {
  if (error instanceof Refusal) {
    const { status, code, message } = error;
    answer(res, status, { code, message, status, more_info: "" });
    return;
  }
  note("sms", String(error), "error");
  answer(res, 500, { code: 20500, message: "Internal server error", status: 500 });
}

function answer(res: ServerResponse, status: number, body: object): void {
  if (res.destroyed) return;
  res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

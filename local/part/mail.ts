/** The mail catcher: an SMTP server that keeps what it is given, durable before it answers 250. */
import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { SMTPServerDataStream, SMTPServerSession } from "smtp-server";
import type { Note } from "../process/note/note.ts";
import { KeptList } from "./kept-list.ts";

export interface CaughtMail {
  /** Its Message-ID, without the angle brackets: a mail that was sent twice is seen to be the same. */
  id: string;
  /** When it was received, RFC 3339. */
  at: string;
  from: string;
  /** Whom it was for, copies included. */
  to: string[];
  subject: string;
  text: string;
  html: string;
  /** The trace that it belongs to: its header of that name. */
  traceparent: string | null;
}

export interface MailOptions {
  stateDir: string;
  /** 0: any free one. */
  port: number;
  note: Note;
}

export interface Mail extends AsyncDisposable {
  readonly port: number;
  /** Newest first. */
  list(limit: number): readonly CaughtMail[];
}

const SIZE_LIMIT_BYTES = 25 * 1024 * 1024;
const CLOSE_MS = 1_000;

/** Rejects with EADDRINUSE where the port is taken. */
export async function startMail(options: MailOptions): Promise<Mail> {
  const kept = await KeptList.open<CaughtMail>(join(options.stateDir, "mail.ndjson"));
  // Late, while PostgreSQL starts beside it.
  const { SMTPServer } = await import("smtp-server");
  const server = new SMTPServer({
    authOptional: true,
    // It has no certificate of its own that a client would accept.
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    size: SIZE_LIMIT_BYTES,
    onAuth: (auth, _session, done) => done(null, { user: auth.username ?? "anyone" }),
    closeTimeout: CLOSE_MS,
    onData: (stream, session, done) => void answerWhenKept(catchMail(stream, session, kept), done),
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  // From a client that went away.
  server.on("error", (error: Error) => options.note("mail", error.message, "warning"));
  return {
    port: (server.server.address() as AddressInfo).port,
    list: (limit) => kept.newest(limit),
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await kept[Symbol.asyncDispose]();
    },
  };
}

async function answerWhenKept(
  kept: Promise<void>,
  answer: (error?: Error | null) => void,
): Promise<void> {
  let failure: Error | null = null;
  try {
    await kept;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  answer(failure);
}

async function catchMail(
  stream: SMTPServerDataStream,
  { envelope }: SMTPServerSession,
  kept: KeptList<CaughtMail>,
): Promise<void> {
  // With the first mail: the start need not wait for it.
  const { simpleParser } = await import("mailparser");
  const mail = await simpleParser(stream);
  if (stream.sizeExceeded) {
    throw Object.assign(new Error("the message is larger than 25 MB"), { responseCode: 552 });
  }
  const sender = envelope.mailFrom === false ? "" : envelope.mailFrom.address;
  await kept.append({
    id: mail.messageId?.replace(/^<|>$/g, "") ?? randomUUID(),
    at: new Date().toISOString(),
    from: mail.from?.value.at(0)?.address ?? sender,
    to: envelope.rcptTo.map(({ address }) => address),
    subject: mail.subject ?? "",
    text: mail.text ?? "",
    html: mail.html || "",
    traceparent: textOf(mail.headers.get("traceparent")),
  });
}

const textOf = (header: unknown): string | null => (typeof header === "string" ? header : null);

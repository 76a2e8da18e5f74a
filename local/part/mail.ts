/** The mail catcher: an SMTP server that keeps what it is given, durable before it answers 250. */
import type { Note } from "../process/note.ts";

export interface CaughtMail {
  id: string;
  /** When it was received, RFC 3339. */
  at: string;
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
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

export function startMail(options: MailOptions): Promise<Mail> {
  return Promise.reject(new Error(`not built yet: ${options.stateDir}`));
}

/** The SMS catcher: Twilio's "create message" route, which keeps what it is given before it answers 201. */
import type { Note } from "../process/note.ts";

export interface CaughtSms {
  id: string;
  at: string;
  to: string;
  text: string;
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

export function startSms(options: SmsOptions): Promise<Sms> {
  return Promise.reject(new Error(`not built yet: ${options.stateDir}`));
}

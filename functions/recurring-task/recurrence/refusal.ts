/** Why a recurrence can never be kept: names the part and the reason, and sends the event to the dead letters. */
import { PermanentError } from "../../../lib/host/error.ts";

export const refusal = (part: string, reason: string, cause?: unknown): PermanentError =>
  new PermanentError("recurrence_invalid", `recurrence: ${part} ${reason}`, { cause });

/** A hostile value does not fill the log. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

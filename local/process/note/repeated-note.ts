/** Says the same thing once in a while, with how often it was: an outage must not hide the deliveries under its warnings. */
import type { Note, NoteLevel } from "./note.ts";

const QUIET_MS = 5_000;
/** Different texts that are waited for; beyond that everything is said. */
const MAX_TEXTS = 200;

export function createRepeatedNote(note: Note, quietMs = QUIET_MS): Note {
  const repeats = new Map<string, number>();
  const tellRepeats = (key: string, subject: string, text: string, level?: NoteLevel): void => {
    const count = repeats.get(key) ?? 0;
    repeats.delete(key);
    if (count > 0) note(subject, `${text} (${String(count)} times more)`, level);
  };
  return (subject, text, level) => {
    const key = JSON.stringify([subject, text, level]);
    const count = repeats.get(key);
    if (count !== undefined) return void repeats.set(key, count + 1);
    note(subject, text, level);
    if (repeats.size >= MAX_TEXTS) return;
    repeats.set(key, 0);
    setTimeout(() => tellRepeats(key, subject, text, level), quietMs).unref();
  };
}

/** Keeps what a process writes in `<state>/log/<name>.log` and shows its warnings and errors as one line each. */
import { createWriteStream, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Note, NoteLevel } from "./note.ts";
import { createRepeatedNote } from "./repeated-note.ts";

const ROTATE_BYTES = 20 * 1024 * 1024;
/** pino's labels, as the host of a function writes them; `warning` is daprd's. */
const SHOWN: Readonly<Record<string, NoteLevel>> = {
  warn: "warning",
  warning: "warning",
  error: "error",
  fatal: "error",
};
const KEPT_ERROR_LINES = 20;

export interface FunctionLog {
  /** The last lines on stderr: where an exit code says "a person's mistake", they are the sentence. */
  errorLines(): string;
}

export interface FunctionLogOptions {
  stateDir: string;
  name: string;
  note: Note;
  stdout: Readable;
  stderr: Readable;
}

export function keepLog(options: FunctionLogOptions): FunctionLog {
  const file = createWriteStream(logPath(options.stateDir, options.name), { flags: "a" });
  // A full disk must not end the runner.
  file.on("error", (error) => options.note(options.name, `log: ${error.message}`, "warning"));
  const warnings = { ...options, note: createRepeatedNote(options.note) };
  const errors: string[] = [];
  let open = 2;
  const closeWhenBothEnded = () => {
    open -= 1;
    if (open === 0) file.end();
  };
  createInterface({ input: options.stdout })
    .on("line", (line) => {
      file.write(`${line}\n`);
      showWarning(line, warnings);
    })
    .on("close", closeWhenBothEnded);
  createInterface({ input: options.stderr })
    .on("line", (line) => {
      file.write(`${line}\n`);
      errors.push(line);
      if (errors.length > KEPT_ERROR_LINES) errors.shift();
    })
    .on("close", closeWhenBothEnded);
  return { errorLines: () => errors.join("\n").trim() };
}

function logPath(stateDir: string, name: string): string {
  const folder = join(stateDir, "log");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.log`);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > ROTATE_BYTES) {
    renameSync(path, `${path}.1`);
  }
  return path;
}

function showWarning(line: string, { name, note }: FunctionLogOptions): void {
  const entry = parseEntry(line);
  const level = SHOWN[entry?.level ?? ""];
  if (entry === null || level === undefined) return;
  const cause = entry.err?.message ?? "";
  const text = [entry.msg, cause].filter((part, at, all) => part && all.indexOf(part) === at);
  note(name, text.join(": "), level);
}

interface LogEntry {
  level: string;
  msg?: string;
  err?: { message?: string };
}

function parseEntry(line: string): LogEntry | null {
  if (!line.startsWith("{")) return null;
  try {
    const entry = JSON.parse(line) as { level?: unknown };
    return typeof entry.level === "string" ? (entry as LogEntry) : null;
  } catch {
    return null;
  }
}

/** How the parts of the runner tell a person what happened: one readable line. */

export type NoteLevel = "info" | "warning" | "error";

/** `subject` is a function, pod or part (`audit-log`, `websocket-gateway-0`, `postgres`). */
export type Note = (subject: string, text: string, level?: NoteLevel) => void;

/** JSON lines on stdout, with the function's name in each. */
import { pino, type Logger } from "pino";

export const openLog = (name: string, level: string): Logger =>
  pino({
    level,
    base: { function: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ["req.headers.authorization", "headers.authorization"],
  });

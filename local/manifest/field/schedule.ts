/** Cron schedules as Knative and Kubernetes read them, which is stricter than croner. */
import { Cron } from "croner";

const DESCRIPTORS = [
  "@yearly",
  "@annually",
  "@monthly",
  "@weekly",
  "@daily",
  "@midnight",
  "@hourly",
];
const MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const DAYS = "sun|mon|tue|wed|thu|fri|sat";
const FIELD = new RegExp(`^(?:[0-9*/,?-]|${MONTHS}|${DAYS})+$`, "i");

/** What is wrong with it, as the end of a sentence; null where nothing is. */
export function scheduleFault(schedule: string, counts: readonly (5 | 6)[]): string | null {
  if (schedule.startsWith("@every")) return "@every is refused: write the fields";
  if (schedule.startsWith("@")) {
    return DESCRIPTORS.includes(schedule) ? null : `it is none of ${DESCRIPTORS.join(", ")}`;
  }
  const fields = schedule.trim().split(/\s+/);
  if (!counts.some((count) => count === fields.length)) {
    return `it needs ${counts.join(" or ")} fields and has ${String(fields.length)}`;
  }
  const strange = fields.find((field) => !FIELD.test(field));
  if (strange !== undefined) return `"${strange}" is no field of it`;
  if (/(?<![\d/])7/.test(fields.at(-1) ?? "")) return "the day of week goes from 0 to 6";
  try {
    void new Cron(schedule, { paused: true, mode: "5-or-6-parts" });
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.replace(/^CronPattern: /, "");
  }
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}

/** What a function says again and again is one line in a while. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createRepeatedNote } from "../../../../local/process/note/repeated-note.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("says the same once, counts the rest, and then says it anew", () => {
  const lines: string[] = [];
  const note = createRepeatedNote((subject, text, level) =>
    lines.push(`${subject} ${level}: ${text}`),
  );
  for (let time = 0; time < 30; time += 1) note("audit-log", "no database", "warning");
  note("audit-log", "something else", "warning");
  note("notification", "no database", "warning");
  const first = [
    "audit-log warning: no database",
    "audit-log warning: something else",
    "notification warning: no database",
  ];
  expect(lines).toEqual(first);
  vi.advanceTimersByTime(5_000);
  expect(lines).toEqual([...first, "audit-log warning: no database (29 times more)"]);
  note("audit-log", "no database", "warning");
  expect(lines.at(-1)).toBe("audit-log warning: no database");
});

it("keeps nothing back where the texts are too many to count", () => {
  const lines: string[] = [];
  const note = createRepeatedNote((_, text) => lines.push(text));
  for (let number = 0; number < 300; number += 1) note("audit-log", `text ${number}`);
  note("audit-log", "text 299");
  expect(lines).toHaveLength(301);
});

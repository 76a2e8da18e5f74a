/** What people read. */
import { expect, test } from "vitest";
import { toLocalTime, toMessage } from "../../../../functions/notification/channel/message.ts";
import type { Content } from "../../../../functions/notification/ledger/table.ts";

const content: Content = {
  taskId: "t1",
  title: "Müll rausbringen",
  description: null,
  dueAt: "2026-12-31T23:30:00Z",
  occurrenceAt: null,
};
const types = ["task.created", "task.completed", "task.recurring.triggered"];

test("a reader in Vienna reads German, and the time on a Viennese clock", () => {
  const message = toMessage("task.created", content, {
    locale: "de-AT",
    timeZone: "Europe/Vienna",
  });

  expect(message.subject).toBe("Neue Aufgabe: Müll rausbringen");
  expect(message.text).toContain("Fällig: Freitag, 1. Jänner 2027 um 00:30 (Europe/Vienna)");
  expect(message.html).toContain('<html lang="de">');
  expect(message.html).toContain("Freitag, 1. Jänner 2027");
  expect(message.sms).toContain("Müll rausbringen. Fällig: Freitag");
});

test("a language without words of its own is English throughout, dates included", () => {
  const message = toMessage("task.created", content, { locale: "fr", timeZone: "UTC" });

  expect(message.text).toContain("Due: Thursday, December 31, 2026 at 11:30");
});

test.each(types)("%s has every part in every language, and no tag is left over", (type) => {
  for (const locale of ["en", "de"]) {
    const full = { ...content, description: "two\nlines", occurrenceAt: "2026-01-01T00:00:00Z" };
    const message = toMessage(type, full, { locale, timeZone: "UTC" });
    for (const part of Object.values(message)) {
      expect(part).toContain("Müll rausbringen");
      expect(part).not.toMatch(/\{\{|\}\}|undefined|null/);
    }
  }
});

test("a task without a title still has a subject, and empty parts leave no labels", () => {
  const empty = { ...content, title: " \u0007 ", dueAt: null };
  const message = toMessage("task.created", empty, { locale: "en", timeZone: "UTC" });

  expect(message.subject).toBe("New task: untitled task");
  expect(message.text).not.toContain("Due:");
  expect(message.html).not.toContain("Due:");
});

test("an SMS stays within two parts and does not cut a character in half", () => {
  const long = { ...content, title: "👩‍🚀".repeat(200) };
  const { sms, subject } = toMessage("task.created", long, { locale: "en", timeZone: "UTC" });

  expect(Array.from(sms).length).toBeLessThanOrEqual(306);
  expect(sms.isWellFormed()).toBe(true);
  expect(subject.isWellFormed()).toBe(true);
});

test.each([
  ["2026-03-29T01:30:00Z", "Europe/Berlin", "Sunday, March 29, 2026 at 3:30 AM (Europe/Berlin)"],
  ["2026-12-31", "Pacific/Kiritimati", "Thursday, December 31, 2026"],
  ["tomorrow\r\nBcc: x", "UTC", "tomorrow Bcc: x"],
  ["2026-02-31", "UTC", "2026-02-31"],
  ["2026-12-31T08:00:00Z", "Mars/Olympus", "Thursday, December 31, 2026 at 8:00 AM (UTC)"],
])("%s in %s reads %s", (text, timeZone, expected) => {
  expect(toLocalTime(text, { locale: "en", timeZone }).replaceAll("\u202f", " ")).toBe(expected);
});

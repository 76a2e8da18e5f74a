/** Turns what is kept of an event into a message, in the recipient's language and time zone. */
import { LRUCache } from "lru-cache";
import Mustache from "mustache";
import { parseTime } from "../../../lib/events/time.ts";
import type { Content } from "../ledger/table.ts";
import { german } from "./template/de.ts";
import { english } from "./template/en.ts";
import type { Template } from "./template/template.ts";

export interface Message {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly sms: string;
}

export interface Reader {
  readonly locale: string;
  readonly timeZone: string;
}

/** By language; the first is for everybody else. */
const templates: readonly Template[] = [english, german];

/** Two SMS of 153 characters. */
const maxSms = 306;

export function toMessage(eventType: string, content: Content, reader: Reader): Message {
  const language = reader.locale.split("-", 1)[0];
  const found = templates.find((template) => template.language === language);
  const template = found ?? english;
  const parts = template.messages[eventType];
  if (parts === undefined) throw new Error(`no template for ${eventType}`);
  // Dates follow the words: no French date in an English sentence.
  const locale = found === undefined ? template.language : reader.locale;
  const view = toView(content, template, { locale, timeZone: reader.timeZone });
  const plain = (text: string) => Mustache.render(text, view, {}, { escape: String }).trim();
  const subject = plain(parts.subject);
  const html = Mustache.render(
    template.layout,
    { ...view, headline: subject },
    { body: parts.html },
  );
  return { subject, text: plain(parts.text), html, sms: cut(plain(parts.sms), maxSms) };
}

function toView(content: Content, template: Template, reader: Reader) {
  const title = oneLine(content.title ?? "");
  return {
    language: template.language,
    title: title === "" ? template.untitled : cut(title, 120),
    description: content.description === null ? null : lines(content.description),
    due: content.dueAt === null ? null : toLocalTime(content.dueAt, reader),
    occurrence: content.occurrenceAt === null ? null : toLocalTime(content.occurrenceAt, reader),
  };
}

/** Controls would end a header; bidirectional controls would reorder what the reader sees. */
const controls = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu;

const oneLine = (text: string): string => text.replace(controls, " ").replace(/\s+/g, " ").trim();

const lines = (text: string): string =>
  text
    .split(/\r\n|[\r\n]/)
    .map((line) => line.replace(controls, " ").trimEnd())
    .join("\n")
    .trim();

const cut = (text: string, maxLength: number): string => {
  const points = Array.from(text);
  return points.length <= maxLength ? text : `${points.slice(0, maxLength - 1).join("")}…`;
};

const date = /^\d{4}-\d{2}-\d{2}$/;

/** An instant in the reader's time zone, a date as that date, anything else as it was written. */
export function toLocalTime(text: string, { locale, timeZone }: Reader): string {
  if (date.test(text) && parseTime(`${text}T00:00:00Z`) !== undefined) {
    return formatter(locale, "UTC", {}).format(new Date(text));
  }
  const at = parseTime(text);
  if (at === undefined) return oneLine(text);
  const { format, zone } = formatter(locale, timeZone, { timeStyle: "short" });
  return `${format(at)} (${zone})`;
}

interface Formatter {
  readonly format: (at: Date | number) => string;
  readonly zone: string;
}

/** To make one, or to ask for its zone, costs more than all the rest of a message. */
const formatters = new LRUCache<string, Formatter>({ max: 500 });

function formatter(locale: string, timeZone: string, options: Intl.DateTimeFormatOptions) {
  const key = `${locale} ${timeZone} ${options.timeStyle ?? ""}`;
  const known = formatters.get(key);
  if (known !== undefined) return known;
  const made = makeFormat(locale, timeZone, { dateStyle: "full", ...options });
  const zone = made.resolvedOptions().timeZone;
  const kept = { format: (at: Date | number) => made.format(at), zone };
  formatters.set(key, kept);
  return kept;
}

/** A zone that this Node does not know must not keep the message from being sent: UTC then. */
function makeFormat(locale: string, timeZone: string, options: Intl.DateTimeFormatOptions) {
  try {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat("en", { ...options, timeZone: "UTC" });
  }
}

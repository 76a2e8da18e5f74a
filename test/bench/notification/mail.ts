/** What is sent: events about tasks of users with preferences, and the same as finished mails. */
import { randomUUID } from "node:crypto";
import { toMessage } from "../../../functions/notification/channel/message.ts";
import type { PostedEvent } from "../post.ts";

export interface Mail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly messageId: string;
}

export interface User {
  readonly id: string;
  readonly email: string;
  readonly locale: string;
  readonly timeZone: string;
}

const type = "task.created";
const title = "Water the plants on the balcony";
const description = "A task like any other, told to whoever wants to know. ".repeat(3);
const dueAt = "2026-12-24T09:00:00Z";
const locales = ["en", "de"];
const timeZones = ["Europe/Berlin", "America/New_York", "Asia/Tokyo"];
/** Of mail providers: few have most of the users. */
const domains = 10;

export const users: readonly User[] = Array.from({ length: 200 }, (_, index) => ({
  id: `user-${index}`,
  email: `user-${index}@provider-${index % domains}.example`,
  locale: locales[index % locales.length] ?? "en",
  timeZone: timeZones[index % timeZones.length] ?? "UTC",
}));

/** No two alike, whenever they are made. */
export const makeEvents = (count: number): PostedEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    id: randomUUID(),
    type,
    taskId: `task-${index}`,
    data: {
      task_id: `task-${index}`,
      user_id: users[index % users.length]?.id,
      payload: { title, description, due_at: dueAt },
    },
  }));

/** As the function words them. */
export const makeMails = (count: number): Mail[] =>
  Array.from({ length: count }, (_, index) => {
    const { email = "", ...reader } = users[index % users.length] ?? { locale: "", timeZone: "" };
    const content = { taskId: `task-${index}`, title, description, dueAt, occurrenceAt: null };
    const { subject, text, html } = toMessage(type, content, reader);
    const messageId = `<${randomUUID()}@bench.example>`;
    return { from: "no-reply@bench.example", to: email, subject, text, html, messageId };
  });

/** To be written into `recipients` as they are. */
export const recipientRows = (): readonly (readonly [string, string, string, string, string])[] =>
  users.map(({ id, email, locale, timeZone }) => [
    id,
    email,
    locale,
    timeZone,
    JSON.stringify({ [type]: ["email"], "task.completed": [] }),
  ]);

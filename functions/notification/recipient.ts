/** A recipient: where a user is reached, in which language and time zone, and by which channel. */
import type { Kysely } from "kysely";
import { taskEventTypes } from "../../lib/events/task.ts";
import { fromText, toText } from "../../lib/store/text.ts";
import { channels, type ChannelName, type Preferences, type Tables } from "./ledger/table.ts";

export interface Recipient {
  readonly email: string | null;
  readonly phone: string | null;
  /** BCP 47, canonical. */
  readonly locale: string;
  /** IANA. */
  readonly timeZone: string;
  readonly channels: Preferences;
}

export const addressOf = (recipient: Recipient | undefined, channel: ChannelName): string | null =>
  (channel === "email" ? recipient?.email : recipient?.phone) ?? null;

/** The body of `PUT /recipients/{user_id}`: members that are left out or null are unset. */
export interface RecipientBody {
  readonly email?: string | null;
  readonly phone?: string | null;
  readonly locale?: string | null;
  readonly time_zone?: string | null;
  readonly channels?: Preferences | null;
}

const orNull = (schema: object) => ({ anyOf: [schema, { type: "null" }] });

/** JSON Schema; what it cannot say is in `fromBody`. */
export const recipientBodySchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    email: orNull({ type: "string", format: "email", maxLength: 254 }),
    // E.164.
    phone: orNull({ type: "string", pattern: "^\\+[1-9]\\d{6,14}$" }),
    locale: orNull({ type: "string", minLength: 2, maxLength: 64 }),
    time_zone: orNull({ type: "string", minLength: 1, maxLength: 64 }),
    channels: orNull({
      type: "object",
      additionalProperties: false,
      properties: Object.fromEntries(
        taskEventTypes.map(({ type }) => [
          type,
          { type: "array", uniqueItems: true, items: { type: "string", enum: channels } },
        ]),
      ),
    }),
  },
};

/** The recipient, or a sentence that says which member is wrong. */
export function fromBody(body: RecipientBody): Recipient | string {
  const locale = canonicalLocale(body.locale ?? "en");
  if (locale === undefined) return `locale ${JSON.stringify(body.locale)} is not a BCP 47 tag`;
  const timeZone = body.time_zone ?? "UTC";
  if (!isTimeZone(timeZone)) return `time_zone ${JSON.stringify(timeZone)} is not an IANA zone`;
  return {
    email: body.email ?? null,
    phone: body.phone ?? null,
    locale,
    timeZone,
    channels: body.channels ?? {},
  };
}

export const toBody = (recipient: Recipient): Required<RecipientBody> => ({
  email: recipient.email,
  phone: recipient.phone,
  locale: recipient.locale,
  time_zone: recipient.timeZone,
  channels: recipient.channels,
});

function canonicalLocale(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

/** Intl takes offsets such as `+01:00` too: they know no daylight saving. */
function isTimeZone(name: string): boolean {
  if (/^[+-]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

interface RecipientRow {
  readonly email: string | null;
  readonly phone: string | null;
  readonly locale: string;
  readonly time_zone: string;
  readonly channels: Preferences;
}

export const fromRow = (row: RecipientRow): Recipient => ({
  email: row.email,
  phone: row.phone,
  locale: row.locale,
  timeZone: row.time_zone,
  channels: row.channels,
});

/** The recipients among `userIds` that are known, in one query. */
export async function readRecipients(
  db: Kysely<Tables>,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, Recipient>> {
  const rows = await db
    .selectFrom("recipients")
    .selectAll()
    .where("user_id", "in", userIds.map(toText))
    .execute();
  return new Map(rows.map((row) => [fromText(row.user_id), fromRow(row)]));
}

export async function writeRecipient(
  db: Kysely<Tables>,
  userId: string,
  recipient: Recipient,
): Promise<void> {
  const values = {
    email: recipient.email,
    phone: recipient.phone,
    locale: recipient.locale,
    time_zone: recipient.timeZone,
    channels: JSON.stringify(recipient.channels),
    updated_at: new Date(),
  };
  await db
    .insertInto("recipients")
    .values({ user_id: toText(userId), ...values })
    .onConflict((conflict) => conflict.column("user_id").doUpdateSet(values))
    .execute();
}

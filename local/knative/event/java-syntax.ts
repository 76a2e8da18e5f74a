/** URIs and times as the Java SDK for CloudEvents takes and writes them. */
import { parseTime } from "../../../lib/events/time.ts";

const uriText = /^(?:[^\s%<>"{}|\\^`\p{Cc}]|%[0-9A-Fa-f]{2})*$/u;
const schemeOnly = /^[A-Za-z][A-Za-z0-9+.-]*:$/;

/** `java.net.URI`: RFC 2396 with other Unicode characters. A colon before the first slash ends a scheme. */
export function isJavaUri(text: string): boolean {
  if (!uriText.test(text) || text.indexOf("#") !== text.lastIndexOf("#")) return false;
  const scheme = /^[^/?#]*?:/.exec(text)?.[0];
  if (scheme === undefined) return true;
  return schemeOnly.test(scheme) && text.length > scheme.length;
}

const isoOffsetDateTime =
  /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:([Zz])|([+-]\d\d:\d\d))$/;

/** As `OffsetDateTime` prints it: fractions without trailing zeros, UTC as Z. Undefined where it refuses the text. */
export function toJavaTime(text: string): string | undefined {
  const match = isoOffsetDateTime.exec(text);
  if (match === null) return undefined;
  const [, date, minute, second = "00", digits = "", , offset = "Z"] = match;
  const zone = /^[+-]00:00$/.test(offset) ? "Z" : offset;
  const fraction = digits.replace(/0+$/, "");
  const time = `${date}T${minute}:${second}${fraction === "" ? "" : `.${fraction}`}${zone}`;
  const isLeapSecond = second === "60";
  return isLeapSecond || parseTime(time) === undefined ? undefined : time;
}

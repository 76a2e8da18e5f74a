/** JSON as bytes: how deep it nests and where a member's text lies, without building or changing anything. */
import { isUtf8 } from "node:buffer";
import type { JsonValue } from "./event.ts";

/** Deeper data is kept as bytes only: PostgreSQL and many clients refuse it or overflow on it. */
export const maxNestingDepth = 1000;

const quote = 0x22;
const backslash = 0x5c;
const isOpening = (byte: number): boolean => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number): boolean => byte === 0x7d || byte === 0x5d;
const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** The index after the string literal that starts at `start`. */
function skipString(bytes: Uint8Array, start: number): number {
  let index = start + 1;
  while (index < bytes.length && bytes[index] !== quote) {
    index += bytes[index] === backslash ? 2 : 1;
  }
  return index + 1;
}

/** How deep objects and arrays nest: 0 for a scalar. Right for valid JSON, harmless for anything else. */
export function nestingDepth(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    if (byte === quote) index = skipString(bytes, index) - 1;
    else if (isOpening(byte)) deepest = Math.max(deepest, ++depth);
    else if (isClosing(byte)) depth--;
  }
  return deepest;
}

/** The parsed value, or why there is none: RFC 8259 text in UTF-8, at most 1,000 levels deep. */
export function parseJson(
  bytes: Buffer,
): { value: JsonValue } | { reason: "not_json" | "too_deep" } {
  if (!isUtf8(bytes)) return { reason: "not_json" };
  if (bytes.length > maxNestingDepth && nestingDepth(bytes) > maxNestingDepth) {
    return { reason: "too_deep" };
  }
  try {
    return { value: JSON.parse(bytes.toString("utf8")) as JsonValue };
  } catch {
    return { reason: "not_json" };
  }
}

/**
 * The bytes of one member's value in a valid JSON object, so that data goes on as it came (`1e400`, `1.0`, big
 * integers). The last one wins where a name is repeated, as in JSON.parse; undefined where there is none.
 */
export function memberBytes(json: Buffer, name: string): Buffer | undefined {
  let found: Buffer | undefined;
  for (const member of members(json)) if (member.name === name) found = member.value;
  return found;
}

/** The members of a valid JSON object as they come, a repeated name each time: their values are the bytes as written. */
export function* members(json: Buffer): Generator<{ name: string; value: Buffer }, void> {
  let index = json.indexOf("{") + 1;
  while (index > 0 && index < json.length) {
    while (isSpace(json[index] ?? 0) || json[index] === 0x2c) index++;
    if (json[index] !== quote) break;
    const nameEnd = skipString(json, index);
    const start = json.indexOf(":", nameEnd) + 1;
    const end = skipValue(json, start);
    yield {
      name: JSON.parse(json.toString("utf8", index, nameEnd)) as string,
      value: trimmed(json, start, end),
    };
    index = end;
  }
}

/** The bytes of each element of a valid JSON array, in one pass. */
export function elementBytes(json: Buffer): Buffer[] {
  const elements: Buffer[] = [];
  let index = json.indexOf("[") + 1;
  while (index > 0 && index < json.length) {
    const end = skipValue(json, index);
    const element = trimmed(json, index, end);
    if (element.length === 0) break;
    elements.push(element);
    if (json[end] !== 0x2c) break;
    index = end + 1;
  }
  return elements;
}

/** The index of the comma or closing brace that ends the value starting at `start`. */
function skipValue(json: Buffer, start: number): number {
  let depth = 0;
  let index = start;
  while (index < json.length) {
    const byte = json[index] ?? 0;
    if (byte === quote) {
      index = skipString(json, index);
      continue;
    }
    if (depth === 0 && (byte === 0x2c || isClosing(byte))) break;
    if (isOpening(byte)) depth++;
    else if (isClosing(byte)) depth--;
    index++;
  }
  return index;
}

function trimmed(bytes: Buffer, start: number, end: number): Buffer {
  let from = start;
  let to = end;
  while (from < to && isSpace(bytes[from] ?? 0)) from++;
  while (to > from && isSpace(bytes[to - 1] ?? 0)) to--;
  return bytes.subarray(from, to);
}

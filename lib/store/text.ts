/** Any JavaScript string in a PostgreSQL text column, which refuses U+0000 and cannot hold lone surrogates. */

/** A backslash escapes itself and them, so that two texts are never stored as one. */
export function toText(text: string): string {
  return text.replace(/[\\\0\p{Surrogate}]/gu, (character) => {
    if (character === "\\") return "\\\\";
    if (character === "\0") return "\\0";
    return `\\u${character.charCodeAt(0).toString(16)}`;
  });
}

export function fromText(text: string): string {
  return text.replace(/\\(\\|0|u[0-9a-f]{4})/g, (_, escaped: string) => {
    if (escaped === "\\") return "\\";
    return String.fromCharCode(escaped === "0" ? 0 : Number.parseInt(escaped.slice(1), 16));
  });
}

export const toNullableText = (text: string | null): string | null =>
  text === null ? null : toText(text);

export const fromNullableText = (text: string | null): string | null =>
  text === null ? null : fromText(text);

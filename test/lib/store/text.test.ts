/** Any string, stored as text that PostgreSQL takes and read back as it was. */
import { assert, constantFrom, property, string } from "fast-check";
import { expect, test } from "vitest";
import { fromText, toText } from "../../../lib/store/text.ts";

const nasty = string({
  unit: constantFrom("\0", "\\", "\ud800", "\udfff", "0", "u", "d800", "é", "😀"),
});

test("every string comes back as it was, and is stored without U+0000 and lone surrogates", () => {
  assert(
    property(nasty, (text) => {
      const stored = toText(text);
      expect(stored.isWellFormed() && !stored.includes("\0")).toBe(true);
      expect(fromText(stored)).toBe(text);
    }),
  );
});

test("an ordinary text is stored as it is", () => {
  expect(toText("Tagesordnung für 😀/42")).toBe("Tagesordnung für 😀/42");
});

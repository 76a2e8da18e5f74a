import { expect, test } from "vitest";
import { isJavaUri, toJavaTime } from "../../../../local/knative/event/java-syntax.ts";

test.each([
  ["2026-01-02T03:04:05.120Z", "2026-01-02T03:04:05.12Z"],
  ["2026-01-02T03:04+00:00", "2026-01-02T03:04:00Z"],
  ["2024-02-29T23:59:59.999999999-05:30", "2024-02-29T23:59:59.999999999-05:30"],
  ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"],
])("the time %s is written as %s", (text, written) => {
  expect(toJavaTime(text)).toBe(written);
});

test.each([
  "2026-12-31T23:59:60Z",
  "2026-02-29T00:00:00Z",
  "2026-01-02T24:00:00Z",
  "2026-01-02T03:04:05.1234567890Z",
  "2026-01-02 03:04:05Z",
  "2026-01-02",
])("the time %s is refused", (text) => {
  expect(toJavaTime(text)).toBeUndefined();
});

test.each(["", "/a/b?c=d#e", "urn:uuid:1", "https://example.com:8080/é", "a/b:c", "mailto:a@b"])(
  "%j is a URI",
  (text) => {
    expect(isJavaUri(text)).toBe(true);
  },
);

test.each(["/a b", "::x", "1a:b", "/%zz", "a#b#c", "http:", "/a\u0000b", "/{id}"])(
  "%j is no URI",
  (text) => {
    expect(isJavaUri(text)).toBe(false);
  },
);

import { expect, test } from "vitest";
import { rewriteJson } from "../../../lib/events/jackson.ts";

test.each([
  ['{ "b" : 1, "a" : [ 1.50 , 1e3 ] }', '{"b":1,"a":[1.5,1000.0]}'],
  ['{"10":1,"2":2}', '{"10":1,"2":2}'],
  ["12345678901234567890", "12345678901234567890"],
  ["[1e7,1.5e-4,0.001,-0,-0.0,1e400]", '[1.0E7,1.5E-4,0.001,0,-0.0,"Infinity"]'],
  ['"\\u00e9 \\/ \\" 1.50 \\\\"', '"é / \\" 1.50 \\\\"'],
  ['"\\u001f\\u000a \\\\u001f"', '"\\u001F\\n \\\\u001f"'],
  ['"a  1.50  b"', '"a  1.50  b"'],
])("the JSON %s is written anew as %s", (json, written) => {
  expect(rewriteJson(json)).toBe(written);
});

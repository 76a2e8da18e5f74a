/** Names as the API server takes them. */
import { expect, it } from "vitest";
import { checkName } from "../../../../local/manifest/field/metadata.ts";

const sentencesOf = (kind: string, name: string): string[] =>
  [...checkName({ kind, metadata: { name } })].map(({ sentence }) => sentence);

it.each([
  ["Trigger", "task-events"],
  ["Trigger", "9.task.events"],
  ["Trigger", "t".repeat(253)],
  ["Service", "audit-log-2"],
  ["Service", "s".repeat(63)],
])("of a %s may be %s", (kind, name) => {
  expect(sentencesOf(kind, name)).toEqual([]);
});

it.each(["My_Trigger", "-t", "t-", "a..b", "t".repeat(254)])("of no kind may be %s", (name) => {
  expect(sentencesOf("Trigger", name)).toEqual([
    `metadata.name "${name}" is no name to Kubernetes: it has only a-z, 0-9, "-" and ".", begins and ends with a letter or digit, and is at most 253 long`,
  ]);
});

it.each(["audit.log", "9-audits", "s".repeat(64)])(
  "of a Service may not be %s, which is no host name",
  (name) => {
    expect(sentencesOf("Service", name)).toEqual([
      `metadata.name "${name}" is no name of a Service: it has only a-z, 0-9 and "-", begins with a letter, ends with a letter or digit, and is at most 63 long`,
    ]);
  },
);

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { exceptions, filterCaseName, isNamed, type RecordingName } from "./exception.ts";

type RecordedCase = { name?: string } & Parameters<typeof filterCaseName>[0];

function recordedNames(recording: RecordingName): string[] {
  const url = new URL(`../../fixtures/knative/${recording}.json`, import.meta.url);
  const cases = JSON.parse(readFileSync(url, "utf8")) as RecordedCase[];
  return cases.map((recorded) => recorded.name ?? filterCaseName(recorded));
}

test.for(exceptions)("$recording $name is a recorded case", ({ recording, name }) => {
  expect(recordedNames(recording).filter((recorded) => isNamed(recorded, name))).not.toEqual([]);
});

test("no exception is listed twice, and each has its reason", () => {
  const names = exceptions.map(({ recording, name }) => `${recording} ${String(name)}`);
  expect(names).toEqual([...new Set(names)]);
  expect(exceptions.filter(({ reason }) => reason.length < 20)).toEqual([]);
});

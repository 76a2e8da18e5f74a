/** The README's tables say what the code does. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { taskEventTypes } from "../lib/events/task.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(`${root}/${path}`, "utf8");
const section = (title: string): string =>
  read("README.md")
    .split("\n## ")
    .find((part) => part.startsWith(title)) ?? "";
const codeOf = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) =>
      [...(line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""),
    );

describe("README", () => {
  it("lists every variable that a function reads, and no other", () => {
    const files = globSync(["functions/*/env.ts", "lib/{host,kafka}/env.ts"], { cwd: root });
    const variables = files.flatMap(
      (file) =>
        read(file).match(/"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"|"(?:PORT|HOST|TOPICS|PARTITIONS)"/g) ??
        [],
    );
    const names = new Set(variables.map((name) => name.slice(1, -1)));
    expect(codeOf(section("Environment")).toSorted()).toEqual([...names].toSorted());
  });

  it("lists the event types of the contract", () => {
    expect(codeOf(section("The events"))).toEqual(taskEventTypes.map(({ type }) => type));
  });

  it("has at most 150 lines", () => {
    expect(read("README.md").split("\n").length).toBeLessThanOrEqual(151);
  });
});

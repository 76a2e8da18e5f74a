/** What a run came to, kept as JSON beside the bench: one file a part, so that a run of one leaves the others'. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import type { Outcome, Part } from "./part.ts";

export interface Result {
  readonly name: string;
  readonly title: string;
  readonly command: string;
  readonly date: string;
  readonly rounds: number;
  readonly machine: string;
  readonly outcome: Outcome;
}

const folder = join(import.meta.dirname, "result");
const gibibyte = 1024 ** 3;

export function toResult({ name, title }: Part, rounds: number, outcome: Outcome): Result {
  return {
    name,
    title,
    command: name === "growth" ? "make bench-growth" : `make bench PART=${name}`,
    date: new Date().toISOString().slice(0, 10),
    rounds,
    machine: describeMachine(),
    outcome,
  };
}

function describeMachine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / gibibyte);
  const cores = `${availableParallelism()} × ${cpu?.model.trim() ?? "CPU"}, ${memory} GiB`;
  return `${cores}, Linux ${release().split("-", 1)[0]}, Node ${process.versions.node}`;
}

export const keepResult = (result: Result): void =>
  writeFileSync(join(folder, `${result.name}.json`), `${JSON.stringify(result, null, 2)}\n`);

export const keptResults = (): Result[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Result);

/** `make bench`: ours and the peers side by side, part by part. It measures and asserts nothing. */
import { mkdir, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { UsageError } from "../../lib/host/error.ts";
import { makeFolder } from "../support/folder.ts";
import { inOrder, readOptions } from "./option.ts";
import type { Outcome, Part } from "./part.ts";
import { writeMarkdown } from "./report/markdown.ts";
import { printOutcome } from "./report/terminal.ts";
import { keepResult, keptResults, toResult } from "./result.ts";

const here = import.meta.dirname;

async function main(): Promise<void> {
  const files = await readdir(join(here, "part"));
  const options = readOptions(
    process.env,
    files.map((file) => basename(file, ".ts")),
  );
  for (const name of options.parts) {
    const part = await load(name);
    const rounds = Math.min(options.rounds, part.maxRounds ?? Infinity);
    console.log(`# ${part.title}\n`);
    const outcome = await run(part, rounds);
    printOutcome(outcome);
    if (options.isKept) keepResult(toResult(part, rounds, outcome));
  }
  if (options.isKept) keep();
}

async function load(name: string): Promise<Part> {
  const module = (await import(`./part/${name}.ts`)) as Record<string, Part>;
  const part = Object.values(module).find((value) => value.name === name);
  if (part === undefined) throw new Error(`test/bench/part/${name}.ts exports no part of its name`);
  return part;
}

async function run(part: Part, rounds: number): Promise<Outcome> {
  await using folder = await makeFolder();
  const path = join(folder.path, part.name);
  await mkdir(path);
  const startedAt = performance.now();
  const outcome = await part.run({
    rounds,
    folder: path,
    peerFolder: join(here, "peer"),
    say: (line) => console.log(line),
  });
  console.log(`${Math.round((performance.now() - startedAt) / 1_000)} s\n`);
  return outcome;
}

function keep(): void {
  const kept = new Map(keptResults().map((result) => [result.name, result]));
  writeMarkdown(inOrder([...kept.keys()]).flatMap((name) => kept.get(name) ?? []));
  console.log("docs/performance.md is written");
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

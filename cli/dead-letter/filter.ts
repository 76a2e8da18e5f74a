/** Which dead letters a command is about: the options that list, show and redrive share. */
import { type Command, Option } from "commander";
import { functionNames } from "../option.ts";
import { instantForms, parseInstant } from "../topic/instant.ts";
import type { Letter } from "./letter.ts";

export interface FilterOptions {
  readonly function?: string;
  readonly type?: string;
  readonly reason?: string;
  readonly id?: string;
  readonly since?: string;
  readonly until?: string;
}

export const withFilter = (command: Command): Command =>
  command
    .addOption(
      new Option("--function <name>", "those that this function was sent").choices(functionNames),
    )
    .option("--type <type>", "of this event type, such as task.created")
    .option("--reason <text>", "whose reason or status has this text")
    .option("--id <id>", "of the event with this id")
    .option("--since <when>", `not older: ${instantForms}`)
    .option("--until <when>", "older than this");

export type Matches = (letter: Letter) => boolean;

export function toFilter(options: FilterOptions, now: Date): Matches {
  const since = parseInstant("--since", options.since, now) ?? -Infinity;
  const until = parseInstant("--until", options.until, now) ?? Infinity;
  const { function: name, type, id } = options;
  const reason = options.reason?.toLowerCase();
  return (letter) =>
    (name === undefined || letter.functionName === name) &&
    (type === undefined || letter.event?.type === type) &&
    (id === undefined || letter.event?.id === id) &&
    (reason === undefined ||
      `${letter.code ?? ""} ${letter.reason ?? ""}`.toLowerCase().includes(reason)) &&
    letter.atMs >= since &&
    letter.atMs < until;
}

/** `task-events dead-letters list|show|redrive`: what a function refused or could not take, and sending it again. */
import { Command } from "commander";
import { redriveCommand } from "./dead-letter/redrive-command.ts";
import { type FilterOptions, toFilter, withFilter } from "./dead-letter/filter.ts";
import { nameOf, placeOf, type Letter } from "./dead-letter/letter.ts";
import { describe, toLetterJson, toWholeJson } from "./dead-letter/letter-json.ts";
import { readLetters } from "./dead-letter/read-letters.ts";
import { type Mark, readMarks } from "./dead-letter/redrive-ledger.ts";
import { functionAt } from "./function/destination.ts";
import {
  type DeadLetterTopicOptions,
  type FunctionOptions,
  wholeNumber,
  withDeadLetterTopic,
  withFunctions,
  withJson,
} from "./option.ts";
import { formatTime, plural, printJson, printTable } from "./output/table.ts";
import { openSession } from "./topic/session.ts";
import { UsageError } from "../lib/host/error.ts";

interface CommonOptions extends DeadLetterTopicOptions, FunctionOptions {
  readonly json?: boolean;
}

interface ListOptions extends CommonOptions, FilterOptions {
  readonly limit: number;
  readonly all?: boolean;
}

export const deadLettersCommand = (): Command =>
  new Command("dead-letters")
    .description(
      "What a function refused (4xx) or could not take within the retries of its KafkaSource.",
    )
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(redriveCommand());

const withCommon = (command: Command): Command =>
  withJson(withFunctions(withDeadLetterTopic(command)));

const listCommand = (): Command =>
  withCommon(
    withFilter(new Command("list"))
      .description("List dead letters, oldest first.")
      .option("--limit <n>", "the newest n", wholeNumber(1, 100_000), 50)
      .option("--all", "those that were redriven, too"),
  )
    .addHelpText(
      "after",
      "\nExample: task-events dead-letters list --function audit-log --since 2h",
    )
    .action(list);

const showCommand = (): Command =>
  withCommon(
    new Command("show")
      .argument("<dead letter>", "its place, such as 3/12, or the event's id")
      .description("Show dead letters with attributes, reason, answer and data."),
  ).action(show);

async function list(options: ListOptions): Promise<void> {
  await using session = await openSession(options.kafka);
  const marks = await readMarks(session, options.deadLetterTopic);
  const matches = toFilter(options, new Date());
  const { letters, matched } = await readLetters({
    session,
    topic: options.deadLetterTopic,
    functionAt: functionAt(options),
    matches: (letter) => matches(letter) && (options.all === true || !marks.has(nameOf(letter))),
    limit: options.limit,
    keep: "newest",
  });
  const rows = letters.map((letter) => ({ letter, mark: marks.get(nameOf(letter)) }));
  if (options.json === true) {
    return printJson({ dead_letters: rows.map(({ letter, mark }) => toLetterJson(letter, mark)) });
  }
  if (rows.length > 0) print(rows, options.all ?? false);
  const more = matched > rows.length ? `; the newest ${rows.length} are shown (--limit)` : "";
  console.log(`${rows.length > 0 ? "\n" : ""}${plural(matched, "dead letter")}${more}`);
}

function print(rows: readonly { letter: Letter; mark: Mark | undefined }[], all: boolean): void {
  printTable(rows, [
    { title: "PLACE", cell: ({ letter }) => placeOf(letter) },
    { title: "AT (UTC)", cell: ({ letter }) => formatTime(letter.atMs) },
    { title: "FUNCTION", cell: ({ letter }) => letter.functionName ?? letter.destination ?? "?" },
    { title: "STATUS", cell: ({ letter }) => letter.code ?? "none" },
    { title: "TYPE", cell: ({ letter }) => letter.event?.type ?? "?" },
    { title: "ID", cell: ({ letter }) => letter.event?.id ?? "?" },
    ...(all
      ? [
          {
            title: "REDRIVEN TO",
            cell: ({ mark }: { mark: Mark | undefined }) => mark?.to ?? "-",
          },
        ]
      : []),
    { title: "REASON", cell: ({ letter }) => letter.reason ?? "" },
  ]);
}

async function show(asked: string, options: CommonOptions): Promise<void> {
  await using session = await openSession(options.kafka);
  const marks = await readMarks(session, options.deadLetterTopic);
  const { letters } = await readLetters({
    session,
    topic: options.deadLetterTopic,
    functionAt: functionAt(options),
    matches: (letter) => placeOf(letter) === asked || letter.event?.id === asked,
    limit: 100,
    keep: "newest",
  });
  if (letters.length === 0) {
    throw new UsageError(`There is no dead letter at place ${asked}, nor of an event of this id.`);
  }
  const found = letters.map((letter) => [letter, marks.get(nameOf(letter))] as const);
  if (options.json === true) {
    return printJson({ dead_letters: found.map(([letter, mark]) => toWholeJson(letter, mark)) });
  }
  console.log(found.map(([letter, mark]) => describe(letter, mark)).join("\n\n"));
}

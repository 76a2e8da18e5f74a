/** `dead-letters redrive`: chooses, locks, sends, marks, and says what became of each. */
import { Command, Option } from "commander";
import { identityKey } from "../../lib/events/identity.ts";
import { functionAt } from "../function/destination.ts";
import {
  type DeadLetterTopicOptions,
  type FunctionName,
  type FunctionOptions,
  functionNames,
  wholeNumber,
  withDeadLetterTopic,
  withFunctions,
  withJson,
} from "../option.ts";
import { onInterrupt } from "../output/interrupt.ts";
import { startProgress } from "../output/progress.ts";
import { clean, plural, printJson, printTable } from "../output/table.ts";
import { type KafkaSession, openSession, readExtent } from "../topic/session.ts";
import { type FilterOptions, toFilter, withFilter } from "./filter.ts";
import { type Letter, nameOf, placeOf } from "./letter.ts";
import { readLetters } from "./read-letters.ts";
import { type Job, type Outcome, redriveAll, toOutcomeJson } from "./redrive.ts";
import { makeLedger, openLedger, readMarks } from "./redrive-ledger.ts";
import { takeLock } from "./redrive-lock.ts";
import { openRedriver, targetOf } from "./target.ts";
import { toTopicRecord } from "./topic-record.ts";

interface RedriveCommandOptions extends DeadLetterTopicOptions, FunctionOptions, FilterOptions {
  readonly toFunction?: FunctionName;
  readonly toTopic?: boolean;
  readonly topic: string;
  readonly limit: number;
  readonly rate: number;
  readonly concurrency: number;
  readonly again?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const redriveCommand = (): Command =>
  withJson(
    withFunctions(
      withDeadLetterTopic(
        withFilter(new Command("redrive"))
          .description(
            "Send dead letters again: each into the function that it was for, or where you say.\n" +
              "A letter is redriven once, whoever asks: what was redriven is kept on a topic. One that is refused again stays.",
          )
          .addOption(
            new Option("--to-function <name>", "all into this function").choices(functionNames),
          )
          .addOption(
            new Option("--to-topic", "back onto the topic, to every function").conflicts(
              "toFunction",
            ),
          )
          .option(
            "--topic <name>",
            "the topic of the events (KAFKA_TOPIC)",
            process.env["KAFKA_TOPIC"] || "task-events",
          )
          .option("--dry-run", "say what would be sent where, and send nothing")
          .option("--again", "those that were redriven before, too")
          .option("--limit <n>", "the oldest n", wholeNumber(1, 1_000_000), 10_000)
          .option("--rate <n>", "letters a second, at most", wholeNumber(1, 10_000), 100)
          .option("--concurrency <n>", "letters at once", wholeNumber(1, 100), 16),
      ),
    ),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  task-events dead-letters redrive --dry-run\n  task-events dead-letters redrive --function audit-log --since 2h",
    )
    .action(redrive);

async function redrive(options: RedriveCommandOptions): Promise<void> {
  await using session = await openSession(options.kafka);
  if (options.dryRun === true) return preview(await choose(session, options), options);
  await readExtent(session, options.deadLetterTopic);
  await makeLedger(session, options.deadLetterTopic);
  await using lock = await takeLock(session, options.deadLetterTopic);
  // With the lock: nobody else marks any more.
  const { jobs, homeless, left } = await choose(session, options);
  await using ledger = await openLedger(session, options.deadLetterTopic);
  await using redriver = await openRedriver(session, options);
  using interrupt = onInterrupt("Ending what is under way; the same command goes on later.");
  using progress = startProgress(countLetters(jobs), "redriving");
  const outcomes = await redriveAll(jobs, {
    ...options,
    redriver,
    ledger,
    signal: AbortSignal.any([interrupt.signal, lock.lost]),
    onSettled: (count) => progress.advance(count),
  });
  progress[Symbol.dispose]();
  tell(outcomes, homeless, left, options);
}

interface Chosen {
  readonly jobs: readonly Job[];
  /** Without a target. */
  readonly homeless: number;
  /** Beyond the limit. */
  readonly left: number;
}

async function choose(session: KafkaSession, options: RedriveCommandOptions): Promise<Chosen> {
  const marks =
    options.again === true ? new Map() : await readMarks(session, options.deadLetterTopic);
  const matches = toFilter(options, new Date());
  const { letters, matched } = await readLetters({
    session,
    topic: options.deadLetterTopic,
    functionAt: functionAt(options),
    matches: (letter) => matches(letter) && !marks.has(nameOf(letter)),
    limit: options.limit,
    keep: "oldest",
  });
  const addressed = letters.flatMap((letter) => {
    const to = targetOf(letter, options);
    return to === undefined ? [] : [{ letter, to }];
  });
  const ofOne = Map.groupBy(addressed, ({ letter, to }) => `${to} ${identityOf(letter)}`);
  const jobs = [...ofOne.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [{ ...first, others: rest.map(({ letter }) => letter) }],
  );
  return { jobs, homeless: letters.length - addressed.length, left: matched - letters.length };
}

/** Two letters of one event for one target are one thing to do; one that is no event is for itself. */
const identityOf = (letter: Letter): string =>
  letter.event === undefined ? nameOf(letter) : identityKey(letter.event).toString("base64");

function preview({ jobs, homeless, left }: Chosen, options: RedriveCommandOptions): void {
  const planned = jobs.map((job) => ({ ...job, refusal: refusalOf(job, options) }));
  if (options.json === true) {
    return printJson({
      dry_run: true,
      letters: planned.map(({ refusal, ...job }) =>
        toOutcomeJson({ ...job, outcome: refusal === null ? "done" : "refused", why: refusal }),
      ),
    });
  }
  if (planned.length > 0) {
    printTable(planned, [
      { title: "PLACE", cell: ({ letter }) => placeOf(letter) },
      { title: "TYPE", cell: ({ letter }) => letter.event?.type ?? "?" },
      { title: "ID", cell: ({ letter }) => letter.event?.id ?? "?" },
      { title: "TO", cell: ({ to }) => to },
      { title: "", cell: ({ refusal }) => refusal ?? "", color: () => "red" },
    ]);
    console.log();
  }
  console.log(`${plural(countLetters(jobs), "dead letter")} would be redriven; nothing was sent.`);
  tellRest(homeless, left);
}

const countLetters = (jobs: readonly Job[]): number =>
  jobs.reduce((sum, { others }) => sum + 1 + others.length, 0);

const refusalOf = ({ letter }: Job, { toTopic, topic }: RedriveCommandOptions): string | null => {
  const record = toTopic === true ? toTopicRecord(letter, topic) : null;
  return typeof record === "string" ? record : null;
};

function tell(
  outcomes: readonly Outcome[],
  homeless: number,
  left: number,
  options: RedriveCommandOptions,
): void {
  const failed = outcomes.filter(({ outcome }) => outcome !== "done");
  if (failed.length > 0 || homeless > 0) process.exitCode = 1;
  if (options.json === true)
    return printJson({ dry_run: false, letters: outcomes.map(toOutcomeJson) });
  const targets = [...Map.groupBy(outcomes, ({ to }) => to)];
  const count = (of: readonly Outcome[], wanted: Outcome["outcome"]): number =>
    countLetters(of.filter(({ outcome }) => outcome === wanted));
  if (targets.length > 0) {
    printTable(targets, [
      { title: "TO", cell: ([to]) => to },
      { title: "REDRIVEN", cell: ([, of]) => count(of, "done"), isNumber: true },
      { title: "REFUSED AGAIN", cell: ([, of]) => count(of, "refused"), isNumber: true },
      { title: "NO ANSWER", cell: ([, of]) => count(of, "unavailable"), isNumber: true },
      { title: "NOT SENT", cell: ([, of]) => count(of, "stopped"), isNumber: true },
    ]);
  } else console.log("No dead letter is left to redrive.");
  for (const { letter, to, why } of failed.filter((it) => it.why !== null).slice(0, 20)) {
    console.log(clean(`${placeOf(letter)} ${letter.event?.id ?? "?"} to ${to}: ${why ?? ""}`));
  }
  if (count(outcomes, "stopped") + count(outcomes, "unavailable") > 0) {
    console.log("What was not sent is left as it was: the same command goes on.");
  }
  tellRest(homeless, left);
}

function tellRest(homeless: number, left: number): void {
  if (homeless > 0) {
    console.log(
      `${plural(homeless, "dead letter")} do not say which function they were for: give --to-function or --to-topic, or where the functions are (--audit-log, …).`,
    );
  }
  if (left > 0) console.log(`${left} more are left for the next run (--limit).`);
}

/** `task-events replay`: a stretch of the topic, once more, to one function. */
import { Command, Option } from "commander";
import {
  type FunctionName,
  type FunctionOptions,
  functionNames,
  type KafkaOptions,
  urlOf,
  wholeNumber,
  withFunctions,
  withJson,
  withKafka,
} from "./option.ts";
import { onInterrupt } from "./output/interrupt.ts";
import { startProgress } from "./output/progress.ts";
import { clean, plural, printJson } from "./output/table.ts";
import { confirm, type Force, toForce } from "./replay/forced.ts";
import { replay, type Replayed, type Stretch } from "./replay/replay.ts";
import { formatOffsets, parsePoint, pointForms, resolvePoint } from "./topic/point.ts";
import { type KafkaSession, openSession, readExtent } from "./topic/session.ts";

interface ReplayCommandOptions extends KafkaOptions, FunctionOptions {
  readonly function: FunctionName;
  readonly from: string;
  readonly to: string;
  readonly concurrency: number;
  readonly force?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export const replayCommand = (): Command =>
  withJson(
    withFunctions(
      withKafka(new Command("replay"))
        .description(
          "Send a stretch of the topic to one function again, as its KafkaSource would. The live consumer group is not touched.\n" +
            "A function does an event that it had before not again: its inbox knows it.",
        )
        .addOption(
          new Option("--function <name>", "to this function")
            .choices(functionNames)
            .makeOptionMandatory(),
        )
        .requiredOption("--from <point>", `from here on: ${pointForms}`)
        .option("--to <point>", "up to here, exclusive", "end")
        .option("--concurrency <n>", "events at once", wholeNumber(1, 100), 16)
        .option("--force", "do it again, too (notification: sends every message again)")
        .option("--yes", "do not ask before --force"),
    ),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  task-events replay --function audit-log --from 2h\n  task-events replay --function notification --from 2026-12-01T08:00:00Z --to 2026-12-01T09:00:00Z",
    )
    .action(run);

async function run(options: ReplayCommandOptions): Promise<void> {
  const now = new Date();
  const points = {
    from: parsePoint("--from", options.from, now),
    to: parsePoint("--to", options.to, now),
  };
  const force = options.force === true ? toForce(options.function, stampOf(now)) : undefined;
  await using session = await openSession(options.kafka);
  const stretches = await findStretches(session, options.topic, points);
  const total = countOffsets(stretches);
  await ask(force, total, options);
  using interrupt = onInterrupt("Ending what is under way.");
  using progress = startProgress(total, "replaying");
  const replayed = await replay({
    ...options,
    session,
    stretches,
    functionName: options.function,
    url: urlOf(options, options.function),
    isOrdered: options.function === "recurring-task",
    rename: force?.rename,
    signal: interrupt.signal,
    onProgress: progress.advance,
  });
  progress[Symbol.dispose]();
  tell(replayed, stretches, options);
}

const countOffsets = (stretches: ReadonlyMap<number, Stretch>): number =>
  [...stretches.values()].reduce((sum, { first, end }) => sum + end - first, 0);

/** A run's name in sources: letters and digits alone. */
const stampOf = (now: Date): string => now.toISOString().replace(/[^\dTZ]/g, "");

async function findStretches(
  session: KafkaSession,
  topic: string,
  { from, to }: Record<"from" | "to", ReturnType<typeof parsePoint>>,
): Promise<ReadonlyMap<number, Stretch>> {
  const extent = await readExtent(session, topic);
  const firsts = await resolvePoint(session, topic, extent, from);
  const ends = await resolvePoint(session, topic, extent, to);
  const stretches = firsts.flatMap((first, partition): [number, Stretch][] => {
    const end = ends[partition];
    return first === undefined || end === undefined || first >= end
      ? []
      : [[partition, { first, end }]];
  });
  return new Map(stretches);
}

async function ask(
  force: Force | undefined,
  total: number,
  { function: name, yes }: ReplayCommandOptions,
): Promise<void> {
  if (force === undefined) return;
  if (force.rename === undefined) process.stderr.write(`${force.sentence}\n`);
  else await confirm(`${force.sentence} ${plural(total, "record")}.`, name, yes ?? false);
}

/** As offsets: a time, or the end, may be another one by then. */
function restOf(left: Replayed["left"], stretches: ReadonlyMap<number, Stretch>) {
  if (left.size === 0) return null;
  const ends = [...left.keys()].map((index) => [index, stretches.get(index)?.end ?? 0] as const);
  return { from: formatOffsets(left), to: formatOffsets(new Map(ends)) };
}

function tell(
  replayed: Replayed,
  stretches: ReadonlyMap<number, Stretch>,
  options: ReplayCommandOptions,
): void {
  const { delivered, undeliverable, refusals, stopped, left } = replayed;
  if (refusals.length > 0 || stopped !== null) process.exitCode = 1;
  const rest = restOf(left, stretches);
  if (options.json === true) {
    return printJson({
      function: options.function,
      offsets: countOffsets(stretches),
      delivered,
      undeliverable,
      refused: refusals,
      stopped,
      left: rest,
    });
  }
  const parts = [`${delivered} delivered`, `${refusals.length} refused`];
  if (undeliverable > 0) parts.push(`${undeliverable} that no KafkaSource can send`);
  console.log(`${options.function}: ${parts.join(", ")}`);
  for (const { partition, offset, why } of refusals.slice(0, 20)) {
    console.log(clean(`${partition}/${offset}: ${why}`));
  }
  if (refusals.length > 20) console.log(`… and ${refusals.length - 20} more`);
  if (stopped !== null) console.log(clean(`Not to the end: ${stopped}.`));
  if (rest !== null) console.log(`Go on with: --from ${rest.from} --to ${rest.to}`);
}

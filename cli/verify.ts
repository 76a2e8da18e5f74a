/** `task-events verify`: whether the audit log has everything that the topic had. */
import { setTimeout as delay } from "node:timers/promises";
import { Command } from "commander";
import { adminToken, ask } from "./function/management.ts";
import {
  type FunctionOptions,
  type KafkaOptions,
  type TokenOptions,
  wholeNumber,
  withAuditLog,
  withJson,
  withKafka,
  withToken,
} from "./option.ts";
import { colored, plural, printJson, printTable } from "./output/table.ts";
import { openSession, readExtent } from "./topic/session.ts";
import { compare, type Coverage, type PartitionVerdict, type Verdict } from "./verify/compare.ts";

interface VerifyOptions extends KafkaOptions, TokenOptions, Pick<FunctionOptions, "auditLog"> {
  readonly wait: number;
  readonly partitions?: boolean;
  readonly json?: boolean;
}

export const verifyCommand = (): Command =>
  withJson(
    withToken(withAuditLog(withKafka(new Command("verify"))))
      .description(
        "Compare the audit log with the topic, up to the topic's end at this moment. It changes nothing.\n" +
          "Exit code 0: every record is in the log. 1: something is missing.",
      )
      .option(
        "--wait <seconds>",
        "how long the log may take for what was just published",
        wholeNumber(0, 3_600),
        30,
      )
      .option("--partitions", "a row a partition, also where all is well"),
  ).action(verify);

async function verify(options: VerifyOptions): Promise<void> {
  await using session = await openSession(options.kafka);
  const token = await adminToken(options);
  // Before the log is asked: what comes later is no hole.
  const extent = await readExtent(session, options.topic);
  const deadline = performance.now() + options.wait * 1_000;
  const read = async (): Promise<Verdict> =>
    compare(
      options.topic,
      extent,
      (await ask("audit-log", options.auditLog, "/coverage", token)) as Coverage,
    );
  let verdict = await read();
  while (verdict.isBehind && performance.now() < deadline) {
    await delay(500);
    verdict = await read();
  }
  if (!verdict.isComplete) process.exitCode = 1;
  if (options.json === true) printJson(verdict);
  else print(verdict, options.partitions ?? false);
}

function print(verdict: Verdict, all: boolean): void {
  const { partitions, generation, duplicates } = verdict;
  const rows = all
    ? partitions
    : partitions.filter(({ lost, holes, behind }) => lost + holes + behind > 0);
  if (rows.length > 0) printPartitions(rows);
  const sum = (pick: (partition: PartitionVerdict) => number): number =>
    partitions.reduce((total, partition) => total + pick(partition), 0);
  const counts = [
    `${sum(({ recorded }) => recorded)} recorded`,
    `${sum(({ voids }) => voids)} void`,
    `${sum(({ lost }) => lost)} lost`,
    `${sum(({ holes }) => holes)} in holes`,
    `${sum(({ behind }) => behind)} not yet recorded`,
  ];
  console.log(`${rows.length > 0 ? "\n" : ""}offsets: ${counts.join(", ")}`);
  console.log(
    `second records of an event: ${duplicates.same} that say the same, ${duplicates.different} that say something else`,
  );
  if (generation !== null) {
    console.log(
      `generation ${generation.number}, since ${generation.began_at}: ${generation.reason}`,
    );
  }
  for (const { number, lost } of verdict.earlier) {
    console.log(
      colored(`generation ${number}: ${plural(lost, "offset")} lost with its topic`, "red"),
    );
  }
  for (const alarm of verdict.alarms) console.log(colored(alarm, "red"));
  console.log(
    verdict.isComplete
      ? colored(`The audit log has every record of ${verdict.topic}.`, "green")
      : colored(sentenceOf(sum), "red"),
  );
}

function sentenceOf(sum: (pick: (partition: PartitionVerdict) => number) => number): string {
  const [lost, holes, behind] = [
    sum((it) => it.lost),
    sum((it) => it.holes),
    sum((it) => it.behind),
  ];
  const parts = [
    lost > 0 && `${plural(lost, "offset")} lost: the topic has deleted them`,
    holes > 0 &&
      `${plural(holes, "offset")} in holes: the CronJob verify fills them from the topic, every five minutes`,
    behind > 0 && `${plural(behind, "offset")} not yet recorded: see task-events lag`,
  ].filter((part) => part !== false);
  return ["The audit log is not complete.", ...parts.map((part) => `${part}.`)].join(" ");
}

const printPartitions = (rows: readonly PartitionVerdict[]): void =>
  printTable(rows, [
    { title: "PARTITION", cell: (row) => row.partition, isNumber: true },
    { title: "BEGIN", cell: (row) => row.begin, isNumber: true },
    { title: "END", cell: (row) => row.end, isNumber: true },
    { title: "RECORDED", cell: (row) => row.recorded, isNumber: true },
    { title: "VOID", cell: (row) => row.voids, isNumber: true },
    { title: "LOST", cell: (row) => row.lost, isNumber: true, color: red(({ lost }) => lost) },
    { title: "HOLES", cell: (row) => row.holes, isNumber: true, color: red(({ holes }) => holes) },
    {
      title: "NOT YET",
      cell: (row) => row.behind,
      isNumber: true,
      color: red(({ behind }) => behind),
    },
    { title: "MISSING OFFSETS", cell: (row) => formatMissing(row.missing) },
  ]);

const red = (pick: (row: PartitionVerdict) => number) => (row: PartitionVerdict) =>
  pick(row) > 0 ? ("red" as const) : undefined;

const formatMissing = (missing: PartitionVerdict["missing"]): string =>
  missing.map(([first, end]) => (end - first === 1 ? first : `${first}–${end - 1}`)).join(", ");

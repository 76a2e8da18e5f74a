/** `task-events lag`: how far each consumer group is behind the topic's end, in records and in seconds. */
import { Command } from "commander";
import { type KafkaOptions, withJson, withKafka } from "./option.ts";
import { formatAge, plural, printJson, printTable } from "./output/table.ts";
import { type GroupLag, type PartitionLag, readLag } from "./topic/lag.ts";
import { openSession } from "./topic/session.ts";

interface LagOptions extends KafkaOptions {
  readonly group: readonly string[];
  readonly partitions?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

export const lagCommand = (): Command =>
  withJson(withKafka(new Command("lag")))
    .description(
      "How far each consumer group of the topic is behind: records not yet committed, and the age of the first of them.\n" +
        "A KafkaSource commits every 5 seconds, so that a little lag under traffic is no sign of trouble.",
    )
    .option("--group <name>", "only this group; may be repeated", collect, [])
    .option("--partitions", "a row a partition")
    .option("--all", "gateway replicas that do not run now, too")
    .addHelpText("after", "\nExample: task-events lag --partitions --group audit-log")
    .action(lag);

const collect = (name: string, before: readonly string[]): string[] => [...before, name];

async function lag(options: LagOptions): Promise<void> {
  await using session = await openSession(options.kafka);
  const found = await readLag(session, { topic: options.topic, now: new Date() });
  const isAsked = ({ group }: GroupLag): boolean =>
    options.group.length === 0 || options.group.includes(group);
  const asked = found.filter(isAsked);
  const groups = asked.filter(({ isAway }) => options.all === true || !isAway);
  if (options.json === true) return printJson({ topic: options.topic, groups: groups.map(toJson) });
  if (options.partitions === true) printPartitions(groups);
  else printGroups(groups);
  const hidden = asked.length - groups.length;
  if (hidden > 0) {
    console.log(
      `\n${plural(hidden, "group")} of gateway replicas that do not run now left out (--all).`,
    );
  }
}

const toJson = ({ group, state, members, records, seconds, partitions }: GroupLag) => ({
  group,
  state,
  members,
  records,
  seconds,
  partitions,
});

/** `-` where nothing is waiting. */
const ageOf = ({ seconds }: { readonly seconds: number | null }): string =>
  seconds === null ? "-" : formatAge(seconds);

const colorOf = ({ records, seconds }: { records: number; seconds: number | null }) => {
  if (records === 0) return "green";
  return (seconds ?? 0) > 60 ? "red" : "yellow";
};

const printGroups = (groups: readonly GroupLag[]): void =>
  printTable(groups, [
    { title: "GROUP", cell: ({ group }) => group },
    { title: "RECORDS", cell: ({ records }) => records, isNumber: true, color: colorOf },
    { title: "BEHIND", cell: ageOf, isNumber: true },
    { title: "MEMBERS", cell: ({ members }) => members, isNumber: true },
    { title: "STATE", cell: ({ state }) => state },
  ]);

function printPartitions(groups: readonly GroupLag[]): void {
  const rows = groups.flatMap(({ group, partitions }) =>
    partitions.map((partition) => ({ group, ...partition })),
  );
  printTable<PartitionLag & { group: string }>(rows, [
    { title: "GROUP", cell: ({ group }) => group },
    { title: "PARTITION", cell: ({ partition }) => partition, isNumber: true },
    { title: "COMMITTED", cell: ({ committed }) => committed ?? "none", isNumber: true },
    { title: "END", cell: ({ end }) => end, isNumber: true },
    { title: "RECORDS", cell: ({ records }) => records, isNumber: true, color: colorOf },
    { title: "BEHIND", cell: ageOf, isNumber: true },
  ]);
}

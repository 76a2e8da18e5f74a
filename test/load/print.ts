/** The tables that a load ends with. */
import { availableParallelism, cpus } from "node:os";
import { printTable } from "../../cli/output/table.ts";
import { type Check, flatnessOf, type Measured, toPaces } from "./outcome.ts";

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const mebibytes = (bytes: number): string =>
  bytes === 0 ? "-" : number.format(bytes / 1024 / 1024);

export function printMachine(): void {
  const [cpu] = cpus();
  console.log(
    `${availableParallelism()} × ${cpu?.model ?? "CPU"}, Node ${process.versions.node}\n`,
  );
}

export function printMeasured(measured: Measured): void {
  const orDash = (ms: number | undefined): string => (ms === undefined ? "-" : number.format(ms));
  printTable(toPaces(measured), [
    { title: "EVENTS", cell: ({ what }) => what },
    { title: "PER SECOND", cell: ({ perSecond }) => number.format(perSecond), isNumber: true },
    { title: "P50 ms", cell: ({ p50Ms }) => orDash(p50Ms), isNumber: true },
    { title: "P99 ms", cell: ({ p99Ms }) => orDash(p99Ms), isNumber: true },
  ]);
  console.log();
  printGroups(measured);
  console.log();
  printProcesses(measured);
}

/** A KafkaSource commits every 5 seconds. */
function printGroups({ events, sentAt, watched }: Measured): void {
  const [begunAt = 0] = sentAt;
  const rows = [...watched.groups].map(([group, { peakLag, doneAt }]) => ({
    group,
    peakLag,
    seconds: doneAt === undefined ? undefined : (doneAt - begunAt) / 1_000,
  }));
  printTable(rows, [
    { title: "FUNCTION", cell: ({ group }) => group },
    { title: "PEAK LAG", cell: ({ peakLag }) => number.format(peakLag), isNumber: true },
    {
      title: "ALL COMMITTED AFTER s",
      cell: ({ seconds }) => (seconds === undefined ? "never" : tenth.format(seconds)),
      isNumber: true,
    },
    {
      title: "PER SECOND",
      cell: ({ seconds }) => (seconds === undefined ? "-" : number.format(events / seconds)),
      isNumber: true,
    },
  ]);
}

const stretches = ["BEFORE", "TO 25 %", "TO 50 %", "TO 75 %", "TO 100 %", "AFTER"];

function printProcesses({ events, watched }: Measured): void {
  const rows = [...watched.memoryBytes]
    .map(([name, memoryBytes]) => ({
      name,
      memoryBytes,
      cpuSeconds: watched.cpuSeconds.get(name) ?? 0,
      // The load's own processes keep what they see.
      flatness: name.startsWith("(") ? "-" : flatnessOf(memoryBytes, events),
    }))
    .toSorted((a, b) => b.cpuSeconds - a.cpuSeconds);
  printTable<(typeof rows)[number]>(rows, [
    { title: "PROCESS", cell: ({ name }) => name },
    { title: "CPU s", cell: ({ cpuSeconds }) => tenth.format(cpuSeconds), isNumber: true },
    ...stretches.map((title, index) => ({
      title: index === 0 ? `MiB ${title}` : title,
      cell: (row: (typeof rows)[number]) => mebibytes(row.memoryBytes[index] ?? 0),
      isNumber: true,
    })),
    {
      title: "MEMORY",
      cell: ({ flatness }) => flatness,
      color: ({ flatness }) => (flatness === "grows" ? "red" : undefined),
    },
  ]);
  const cpu = rows.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  console.log(
    `${tenth.format(cpu)} CPU seconds in all; memory is the highest of each quarter of the load`,
  );
}

export function printChecks(checks: readonly Check[]): void {
  for (const { sentence, isTrue, found } of checks) {
    console.log(isTrue ? `ok      ${sentence}` : `FAILED  ${sentence}: ${found}`);
  }
}

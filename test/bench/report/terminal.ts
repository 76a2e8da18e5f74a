/** The tables of a part, for who runs it. */
import { type Column, printTable } from "../../../cli/output/table.ts";
import type { Outcome, Row } from "../part.ts";
import { cell, toVerdict, type Verdict } from "./cell.ts";

export function printOutcome({ columns, rows, goals, notes }: Outcome): void {
  printTable<Row>(rows, [
    { title: "CANDIDATE", cell: ({ candidate }) => candidate },
    ...columns.map(({ key, title, digits }): Column<Row> => ({
      title,
      cell: (row) => cell(row, key, digits),
      isNumber: true,
    })),
  ]);
  console.log();
  printTable<Verdict>(goals.map(toVerdict), [
    { title: "GOAL", cell: ({ sentence }) => sentence },
    { title: "WANTED", cell: ({ goal }) => goal, isNumber: true },
    { title: "FOUND", cell: ({ found }) => found, isNumber: true },
    {
      title: "",
      cell: ({ isReached }) => (isReached ? "reached" : "missed"),
      color: ({ isReached }) => (isReached ? "green" : "red"),
    },
  ]);
  console.log(`\n${notes.join("\n")}\n`);
}

/** `docs/performance.md`, whole, from the results that are kept. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "../result.ts";
import { cell, toVerdict } from "./cell.ts";

const path = join(import.meta.dirname, "../../../docs/performance.md");

const introduction = `# Performance, measured beside the peers

Written by \`BENCH_WRITE=1 make bench\`; \`PART=<name>\` renews one table. Ours and the peers run by turns, A B C C B A, each round. Figures
are medians over rounds [least..most]; a ratio is formed within each round, so that what else the machine did falls out of it.
CPU seconds are the stable figure on a machine that is shared; events a second and latency are not.
`;

export const writeMarkdown = (results: readonly Result[]): void =>
  writeFileSync(path, [introduction, ...results.map(section)].join("\n"));

function section({ title, command, date, rounds, machine, outcome }: Result): string {
  const { columns, rows, goals, notes } = outcome;
  const figures = table(
    ["", ...columns.map((column) => column.title)],
    rows.map((row) => [row.candidate, ...columns.map(({ key, digits }) => cell(row, key, digits))]),
  );
  const verdicts = table(
    ["ours against", "goal", "ratio", ""],
    goals
      .map(toVerdict)
      .map(({ sentence, goal, found, isReached }) => [
        sentence,
        goal,
        found,
        isReached ? "reached" : "**missed**",
      ]),
  );
  const list = notes.map((note) => `- ${note}`).join("\n");
  const made = `\`${command}\`, ${rounds} rounds, ${date}: ${machine}.`;
  return [`## ${title}`, made, figures, verdicts, ...(notes.length > 0 ? [list] : [])]
    .join("\n\n")
    .concat("\n");
}

/** Numbers stand at the right, and the columns are aligned, as the formatter has them. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(titles), rule, ...rows.map(line)].join("\n");
}

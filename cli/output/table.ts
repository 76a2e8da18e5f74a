/** What commands print for people: aligned columns, colours on a terminal alone, nothing that a hostile text could do to it. */
import { styleText } from "node:util";

/** Control characters of hostile titles must not reach the terminal, nor what turns the direction of writing. */
const hostile = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

export const clean = (text: string): string => text.replace(hostile, "�");

export const shortened = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 1)}…`;

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  readonly color?: (row: Row) => "red" | "yellow" | "green" | undefined;
}

const maxCellWidth = 80;
const bar = "  ";

export function printTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
  const texts = rows.map((row) =>
    columns.map(({ cell }) => shortened(clean(String(cell(row))), maxCellWidth)),
  );
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...texts.map((cells) => cells[index]?.length ?? 0)),
  );
  const aligned = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    if (columns[index]?.isNumber === true) return text.padStart(width);
    return index === columns.length - 1 ? text : text.padEnd(width);
  };
  console.log(bold(columns.map(({ title }, index) => aligned(title, index)).join(bar)));
  for (const [number, row] of rows.entries()) {
    const cells = columns.map(({ color }, index) =>
      colored(aligned(texts[number]?.[index] ?? "", index), color?.(row)),
    );
    console.log(cells.join(bar).trimEnd());
  }
}

const bold = (text: string): string => styleText("bold", text, { stream: process.stdout });

export const colored = (text: string, color: "red" | "yellow" | "green" | undefined): string =>
  color === undefined ? text : styleText(color, text, { stream: process.stdout });

/** JSON escapes the first 32 control characters by itself; the rest of the hostile ones here. */
export function printJson(value: unknown): void {
  const escape = (character: string): string =>
    character === "\n" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  console.log(JSON.stringify(value, null, 2).replace(hostile, escape));
}

/** `2026-12-31 09:00:00`, in UTC. */
export const formatTime = (ms: number): string =>
  new Date(ms).toISOString().slice(0, 19).replace("T", " ");

/** `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ] as const;
  let rest = Math.round(seconds);
  const parts = units.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return { unit, count };
  });
  const first = parts.findIndex(({ count }) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(({ count }) => count > 0)
    .map(({ unit, count }) => `${count} ${unit}`)
    .join(" ");
}

export const plural = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;

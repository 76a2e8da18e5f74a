/** A dead letter as scripts and people are shown it. */
import type { Event } from "../../lib/events/event.ts";
import { clean, formatTime } from "../output/table.ts";
import { type Letter, placeOf } from "./letter.ts";
import type { Mark } from "./redrive-ledger.ts";

export function toLetterJson(letter: Letter, mark: Mark | undefined) {
  return {
    dead_letter: placeOf(letter),
    at: new Date(letter.atMs).toISOString(),
    function: letter.functionName,
    destination: letter.destination,
    code: letter.code,
    reason: letter.reason,
    ...toNames(letter.event),
    redriven: mark ?? null,
  };
}

function toNames(event: Event | undefined) {
  if (event === undefined) return { source: null, id: null };
  const { source, id, type, taskId, userId, position } = event;
  return { source, id, type, task_id: taskId, user_id: userId, position };
}

export function toWholeJson(letter: Letter, mark: Mark | undefined) {
  const { event, delivery, errorData } = letter;
  return {
    ...toLetterJson(letter, mark),
    error_data: errorData,
    headers: delivery.headers,
    data: event?.data ?? null,
    data_base64: event?.data === undefined ? delivery.body?.toString("base64") : undefined,
  };
}

/** All of it, for a terminal: attributes as they were sent, then the reason, then the data. */
export function describe(letter: Letter, mark: Mark | undefined): string {
  const { event, delivery } = letter;
  const position = event?.position;
  const rows: (readonly [string, string])[] = [
    ["dead letter", placeOf(letter)],
    ["at", `${formatTime(letter.atMs)} UTC`],
    ["function", letter.functionName ?? letter.destination ?? "unknown"],
    ["status", letter.code === null ? "none" : String(letter.code)],
    ["reason", letter.reason ?? "none"],
    ["answer", letter.errorData ?? "none"],
    ["redriven", mark === undefined ? "no" : `to ${mark.to} at ${mark.at} by ${mark.by}`],
    ["record", position ? `${position.partition}/${position.offset} of the topic` : "unknown"],
    ["identity", event === undefined ? "no CloudEvent" : `${event.source} ${event.id}`],
    ...Object.entries(delivery.headers).map(([name, value]) => [name, value] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${clean(value)}`);
  return [...lines, "", textOf(letter)].join("\n");
}

function textOf({ event, delivery }: Letter): string {
  if (delivery.body === null || delivery.body.length === 0) return "no data";
  const text =
    event?.data === undefined
      ? delivery.body.toString("utf8")
      : JSON.stringify(event.data, null, 2);
  return text.split("\n").map(clean).join("\n");
}

import { expect, test } from "vitest";
import { createReport, type DeliveryReport } from "../../local/report.ts";

const delivery = (id: string): DeliveryReport => ({
  function: "audit-log",
  event: { source: "/task-app", id, type: "task.created" },
  attempt: 1,
  status: 204,
  ms: 3.6,
  at: new Date(0),
  outcome: "done",
});

test("a delivery is one line of type, id, function, status, milliseconds and attempt", () => {
  const lines: string[] = [];
  createReport({ print: (line) => lines.push(line) }).delivery(delivery("e1"));
  expect(lines).toHaveLength(1);
  expect(lines[0]?.split(/\s{2,}/)).toEqual([
    "task.created",
    "e1",
    "audit-log",
    "204",
    "4 ms",
    "attempt 1",
  ]);
});

test("an id of a hostile producer moves neither cursor nor lines of the terminal", () => {
  const lines: string[] = [];
  const report = createReport({ print: (line) => lines.push(line) });
  report.delivery(delivery("\u001b[2J\nfake\u202e" + "x".repeat(12_000)));
  expect(lines[0]).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(lines[0]?.length).toBeLessThan(200);
  report.note("audit-log", "refused \u009b2J\u202e: not an id");
  expect(lines[1]).toBe("audit-log: refused \\u009b2J\\u202e: not an id");
});

test("only the last deliveries are kept", () => {
  const report = createReport({ print: () => {}, capacity: 10 });
  for (let index = 0; index < 35; index++) report.delivery(delivery(`e${index}`));
  const kept = report.deliveries({ limit: 1_000 }).map(({ event }) => event.id);
  expect(kept).toEqual(Array.from({ length: 10 }, (_, index) => `e${34 - index}`));
});

/** docs/schema: a reader with any JSON Schema validator accepts and refuses what the functions do. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schemaPath } from "../../docs/generate/document.ts";
import type { Event } from "../../lib/events/event.ts";
import { fromHttp } from "../../lib/events/http.ts";
import { dataschemaOf } from "../../lib/events/json-schema.ts";
import { taskEventTypes } from "../../lib/events/task.ts";
import { acceptsOfMessage, acceptsOfSchema, readJson } from "./reader.ts";

function problemOf(type: string, data: unknown): Event["problem"] {
  const result = fromHttp({
    headers: {
      "ce-specversion": "1.0",
      "ce-id": "1",
      "ce-source": "/test",
      "ce-type": type,
      "content-type": "application/json",
    },
    body: Buffer.from(JSON.stringify(data)),
    receivedAt: new Date(0),
  });
  if ("problem" in result) throw new Error(result.problem.message);
  return result.events[0]?.problem ?? null;
}

/** Each boundary of the schemas, from both sides. */
const texts = [
  "",
  "t1",
  "ü€",
  "\u0000",
  "a\u001fb",
  "\u007f",
  "\u0080",
  "\ud83d\ude00",
  "\ud83d",
  "\ude00\ud83d",
  ...[64, 65, 256, 257, 512, 513, 10_000, 10_001].map((length) => "x".repeat(length)),
  "😀".repeat(200),
  "😀".repeat(256),
  "😀".repeat(257),
  "e\u0301".repeat(128),
  "e\u0301".repeat(129),
];
const anything = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...texts) },
  fc.constantFrom<unknown>(null, true, 0, 1.5, [], {}, ["x"]),
  fc.jsonValue(),
);
const whole = {
  task_id: "t1",
  user_id: "u1",
  payload: {
    title: "Water",
    description: "All of them",
    due_at: null,
    occurrence_at: "2026-12-01T07:00:00Z",
    occurrence_local: "2026-12-01T08:00:00",
    time_zone: "Europe/Berlin",
    recurrence: {
      rrule: "FREQ=DAILY",
      dtstart: "2026-12-01T08:00:00",
      time_zone: "Europe/Berlin",
      exdates: ["2026-12-02T08:00:00"],
      catch_up: "all",
    },
  },
};
const paths = [
  "",
  "other",
  "task_id",
  "user_id",
  "payload",
  ...[...Object.keys(whole.payload), "other"].map((name) => `payload.${name}`),
  ...[...Object.keys(whole.payload.recurrence), "exdates.0"].map(
    (it) => `payload.recurrence.${it}`,
  ),
];
const absent = Symbol("absent");

/** A copy with something else at the path, or nothing. */
function put(value: unknown, path: readonly string[], part: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined || name === "") return part === absent ? null : part;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return [put(value[0], rest, part)];
  const members: Record<string, unknown> = { ...value };
  if (rest.length === 0 && part === absent) delete members[name];
  else members[name] = put(members[name], rest, part);
  return members;
}

const change = fc.tuple(
  fc.constantFrom(...paths),
  fc.oneof(
    { weight: 6, arbitrary: anything },
    fc.constantFrom<unknown>("latest", "none", "some", absent, [], [""]),
  ),
);
const data = fc
  .array(change, { maxLength: 3 })
  .map((changes) =>
    changes.reduce<unknown>((value, [path, part]) => put(value, path.split("."), part), whole),
  );

describe.each(taskEventTypes)("the schema of $type", (eventType) => {
  const { type } = eventType;
  const schema = readJson(schemaPath(type));
  const accepts = acceptsOfSchema(schema);

  it("is named by the dataschema of its events", () => {
    expect(schema).toMatchObject({ $id: dataschemaOf(eventType) });
  });

  it("accepts exactly what the functions accept", () => {
    let accepted = 0;
    const runs = 3_000;
    fc.assert(
      fc.property(data, (value) => {
        const isAccepted = problemOf(type, value) === null;
        accepted += Number(isAccepted);
        return accepts(value) === isAccepted;
      }),
      { numRuns: runs },
    );
    // Neither side of the border is left out.
    expect(accepted).toBeGreaterThan(runs / 5);
    expect(accepted).toBeLessThan((runs * 4) / 5);
  });

  it("agrees with the functions on a thousand and one dates to leave out", () => {
    for (const length of [1000, 1001]) {
      const exdates = Array.from({ length }, () => "2026-12-01T08:00:00");
      const rule = { rrule: "FREQ=DAILY", dtstart: "x", time_zone: "x", exdates };
      const places = { occurrence_at: "x", occurrence_local: "x", time_zone: "x" };
      const value = { task_id: "t1", user_id: "u1", payload: { recurrence: rule, ...places } };
      expect(accepts(value)).toBe(length === 1000);
      expect(problemOf(type, value) === null).toBe(length === 1000);
    }
  });

  it("is the same in the AsyncAPI document, in each form", () => {
    const binary = acceptsOfMessage(`${type}.kafka`);
    const structured = acceptsOfMessage("structured");
    const plain = acceptsOfMessage("plainRecord");
    const isSame = fc.property(data, (value) => {
      const isAccepted = accepts(value);
      const event = { specversion: "1.0", id: "1", source: "/test", type, data: value };
      if (binary(value) !== isAccepted || structured(event) !== isAccepted) return false;
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return !isObject || plain({ ...value, type }) === isAccepted;
    });
    expect(fc.check(isSame, { numRuns: 500 })).toMatchObject({ failed: false });
  });
});

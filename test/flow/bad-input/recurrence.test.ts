/** Recurrences that cannot be kept: a dead letter whose reason names the part, and no series; the task is mailed all the same. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scene, slug, task, until } from "./scene.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
  for (const [name, { recurrence }] of Object.entries(cases)) await post(name, recurrence);
}, 120_000);
afterAll(() => scene[Symbol.asyncDispose]());

interface Bad {
  readonly recurrence: unknown;
  readonly reason: RegExp;
  /** Of the schema: then notification cannot take the event either. */
  readonly isOfSchema?: boolean;
}

const rule = (rrule: string, change: object = {}) => ({
  rrule,
  dtstart: "2030-01-31T09:00:00",
  time_zone: "Europe/Berlin",
  ...change,
});
const refused = (rrule: string, reason: RegExp, change: object = {}): Bad => ({
  recurrence: rule(rrule, change),
  reason,
});
const ofSchema = (recurrence: unknown): Bad => ({
  recurrence,
  reason: /^data_invalid: data\/payload\/recurrence/,
  isOfSchema: true,
});

const cases: Record<string, Bad> = {
  "no RRULE at all": refused("every day", /rrule .*NAME=VALUE/i),
  "no FREQ": refused("INTERVAL=2", /rrule has no FREQ/),
  "an unknown FREQ": refused("FREQ=FORTNIGHTLY", /FREQ "FORTNIGHTLY"/),
  secondly: refused("FREQ=SECONDLY", /FREQ "SECONDLY" is finer than MINUTELY/),
  "an unknown part": refused("FREQ=DAILY;BYMOON=1", /BYMOON/),
  "a part twice": refused("FREQ=DAILY;COUNT=1;COUNT=2", /COUNT twice/),
  "COUNT 0": refused("FREQ=DAILY;COUNT=0", /COUNT "0"/),
  "COUNT of a billion": refused("FREQ=DAILY;COUNT=1000000000", /COUNT "1000000000"/),
  "INTERVAL 0": refused("FREQ=DAILY;INTERVAL=0", /INTERVAL "0"/),
  "a negative INTERVAL": refused("FREQ=DAILY;INTERVAL=-1", /INTERVAL "-1"/),
  "COUNT and UNTIL": refused("FREQ=DAILY;COUNT=1;UNTIL=20300101T000000Z", /both COUNT and UNTIL/),
  "UNTIL without time": refused("FREQ=DAILY;UNTIL=20300101", /UNTIL "20300101"/),
  "UNTIL on 30 February": refused("FREQ=DAILY;UNTIL=20300230T000000Z", /UNTIL/),
  "an unknown weekday": refused("FREQ=WEEKLY;BYDAY=XX", /BYDAY "XX"/),
  "the sixth Monday": refused("FREQ=MONTHLY;BYDAY=6MO", /BYDAY above 5/),
  "month 13": refused("FREQ=YEARLY;BYMONTH=13", /BYMONTH "13"/),
  "day 0": refused("FREQ=MONTHLY;BYMONTHDAY=0", /BYMONTHDAY/),
  "hour 24": refused("FREQ=DAILY;BYHOUR=24", /BYHOUR "24"/),
  "a rule that never matches": refused(
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    /rrule has no occurrence/,
  ),
  "1,440 times a day": refused(
    `FREQ=DAILY;BYMINUTE=${Array.from({ length: 60 }, (_, minute) => minute).join(",")}`,
    /more than 24 times a day/,
  ),
  "a rule with a line break": refused("FREQ=DAILY\r\nATTACH:x", /rrule/),
  "letters that grow": refused("FREQ=DAıLY;ſ=1", /rrule/),
  "an unknown time zone": refused("FREQ=DAILY", /time_zone "Mars\/Olympus"/, {
    time_zone: "Mars/Olympus",
  }),
  "a path as time zone": refused("FREQ=DAILY", /time_zone/, { time_zone: "../../etc/passwd" }),
  "a dtstart in words": refused("FREQ=DAILY", /dtstart "soon"/, { dtstart: "soon" }),
  "a dtstart that clocks leave out": refused("FREQ=DAILY", /dtstart .*does not exist/, {
    dtstart: "2030-03-31T02:30:00",
  }),
  "the year 99999": refused("FREQ=DAILY", /dtstart/, { dtstart: "99999-01-01T00:00:00" }),
  "an exdate that is none": refused("FREQ=DAILY", /exdates\[1\]/, {
    exdates: ["2030-02-01T09:00:00", "never"],
  }),
  "a rule of 10 KB": ofSchema(rule(`FREQ=DAILY;BYHOUR=${"1,".repeat(5_000)}1`)),
  "2,000 exdates": ofSchema(rule("FREQ=DAILY", { exdates: Array(2_000).fill("2030-01-01") })),
  "an unknown catch_up": ofSchema(rule("FREQ=DAILY", { catch_up: "some" })),
  "a number as rule": ofSchema(rule(7 as unknown as string)),
  "a text as recurrence": ofSchema("FREQ=DAILY"),
  "an array as recurrence": ofSchema([rule("FREQ=DAILY")]),
  "no dtstart": ofSchema({ rrule: "FREQ=DAILY", time_zone: "UTC" }),
  "an empty rule": ofSchema(rule("")),
};

async function post(name: string, recurrence: unknown): Promise<void> {
  const id = slug(name);
  const attributes = { id, type: "task.created", partitionkey: id };
  expect(await scene.runner.post(attributes, task(id, "u1", { recurrence }))).toBe(202);
}

const seriesOf = async (name: string): Promise<number> => {
  const authorization = `Bearer ${await scene.runner.token("u1")}`;
  const url = scene.runner.url("recurring-task", `/series/${slug(name)}`);
  return (await fetch(url, { headers: { authorization } })).status;
};

describe.each(Object.entries(cases))("%s", (name, { reason, isOfSchema = false }) => {
  it("is a dead letter that names the part", async () => {
    await until(async () => {
      const letters = (await scene.deadLetters()).filter(({ event }) => event?.id === slug(name));
      const functions = letters.map((letter) => letter.function).toSorted();
      expect(functions).toEqual(
        isOfSchema ? ["notification", "recurring-task"] : ["recurring-task"],
      );
      for (const letter of letters) expect(letter.reason).toMatch(reason);
      if (!isOfSchema) expect(letters[0]?.reason).toMatch(/^recurrence_invalid: recurrence: /);
    });
    expect(await seriesOf(name)).toBe(404);
  }, 90_000);
});

it("a good rule beside them is kept, and the mails of the others were sent", async () => {
  await post("good rule", rule("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3"));
  await until(async () => expect(await seriesOf("good rule")).toBe(200));
  const good = Object.keys(cases).filter((name) => cases[name]?.isOfSchema !== true);
  await until(async () => {
    const subjects = (await scene.mails()).map(({ subject }) => subject).join("\n");
    for (const name of good) expect(subjects).toContain(`Task ${slug(name)}`);
  });
  await scene.expectUnharmed();
}, 120_000);

it("a bad edit leaves the good rule as it was", async () => {
  const edit = { id: "bad-edit", type: "task.updated", partitionkey: "good-rule" };
  const bad = { recurrence: rule("FREQ=NEVER") };
  await scene.runner.post(edit, task("good-rule", "u1", bad));
  await until(async () =>
    expect((await scene.deadLetters()).map(({ event }) => event?.id)).toContain("bad-edit"),
  );
  const path = "/series/good-rule";
  const series = await scene.runner.json<{ rrule: string; state: string }>("recurring-task", path);
  expect(series).toMatchObject({ rrule: "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", state: "active" });
}, 90_000);

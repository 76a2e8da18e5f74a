/** What was computed under older time zone data, or cannot be computed at all. */
import { Client } from "pg";
import { expect, it } from "vitest";
import { dayMs, type Harness, hourMs, recurrence, startHarness } from "../harness.ts";

const daily = { title: "Water", recurrence: recurrence("FREQ=DAILY") };

async function change({ database }: Harness, text: string, values: unknown[] = []): Promise<void> {
  const admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  try {
    await admin.query(text, values);
  } finally {
    await admin.end();
  }
}

it("computes anew, with newer time zone data, when an occurrence is due", async () => {
  const harness = await startHarness();
  await harness.send("task.created", "t1", daily);
  // Under the data of then, Berlin was an hour behind: 10:00 UTC.
  await change(
    harness,
    "update recurring.series set next_occurrence_at = '2026-03-02T10:00:00Z', zone_data_version = '2020a'",
  );
  harness.clock.advance(hourMs);
  await harness.ping();
  expect(harness.published("t1")).toEqual(["2026-03-02T08:00:00Z"]);
});

it("leaves a series that cannot be computed, and publishes the others", async () => {
  const harness = await startHarness();
  for (const task of ["bad", "good"]) await harness.send("task.created", task, daily);
  const broken = `update recurring.series set zone_data_version = '2020a', recurrence = jsonb_set(recurrence, '{rrule}', '"FREQ=OFTEN"')
    where task_id = 'bad'`;
  await change(harness, broken);
  harness.clock.advance(hourMs);
  expect(await harness.ping()).toBe(204);
  expect(harness.published("good")).toHaveLength(1);
  await change(harness, broken.replace("OFTEN", "DAILY"));
  harness.clock.advance(dayMs);
  await harness.ping();
  expect(harness.published("bad")).toEqual(["2026-03-02T08:00:00Z", "2026-03-03T08:00:00Z"]);
});

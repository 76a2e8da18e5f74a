/** What task events do to a series, in whatever order and however often they come. */
import { describe, expect, it } from "vitest";
import type { Answer } from "../recording-broker.ts";
import { dayMs, type Harness, hourMs, recurrence, startHarness } from "../harness.ts";

const daily = { title: "Water", priority: 3, recurrence: recurrence("FREQ=DAILY") };
const at = (day: string, time: string) => `2026-03-${day}T${time}:00Z`;

const payloads = ({ broker }: Harness) => broker.stored.map(({ event }) => event.data.payload);

async function seriesOf({ get }: Harness, taskId = "t1") {
  const response = await get(`/series/${taskId}`);
  return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
}

describe("an update", () => {
  it("without a recurrence keeps the rule and the other fields", async () => {
    const harness = await startHarness();
    const { send, ping, clock } = harness;
    await send("task.created", "t1", daily);
    clock.advance(60_000);
    await send("task.updated", "t1", { title: "Water well", priority: null });
    clock.advance(hourMs);
    await ping();
    expect(payloads(harness)).toMatchObject([{ title: "Water well", priority: null }]);
  });

  it("adds a recurrence to a task that had none", async () => {
    const harness = await startHarness();
    const { send, ping, clock } = harness;
    await send("task.created", "t1", { title: "Water" });
    expect(await seriesOf(harness)).toMatchObject({ status: 404 });
    await send("task.updated", "t1", { recurrence: recurrence("FREQ=DAILY") });
    clock.advance(hourMs);
    await ping();
    expect(payloads(harness)).toMatchObject([{ title: "Water" }]);
  });

  it("of the rule fires nothing of the past, nothing twice, and what was due before it once", async () => {
    const { send, ping, clock, published } = await startHarness();
    await send("task.created", "t1", daily);
    clock.advance(hourMs);
    await ping();
    expect(published("t1")).toEqual([at("02", "08:00")]);
    // A day later, with the ping of 08:00 lost, at 08:30: hourly from now on.
    clock.advance(dayMs);
    await send("task.updated", "t1", { recurrence: recurrence("FREQ=HOURLY") });
    expect(published("t1")).toEqual([at("02", "08:00"), at("03", "08:00")]);
    await ping();
    expect(published("t1")).toHaveLength(2);
    clock.advance(hourMs);
    await ping();
    // At 09:30 back to daily: nothing at 08:00 of that day again.
    await send("task.updated", "t1", { recurrence: recurrence("FREQ=DAILY") });
    await ping();
    expect(published("t1").slice(2)).toEqual([at("03", "09:00")]);
    clock.advance(dayMs);
    await ping();
    expect(published("t1").slice(3)).toEqual([at("04", "08:00")]);
  });

  it("that repeats the rule leaves the watermark where it is", async () => {
    const { send, ping, clock, published } = await startHarness();
    await send("task.created", "t1", daily);
    clock.advance(hourMs);
    await send("task.updated", "t1", daily);
    await ping();
    expect(published("t1")).toEqual([at("02", "08:00")]);
  });

  it("takes back what the Broker did not get yet of the time after it", async () => {
    const { send, ping, clock, broker, published } = await startHarness();
    await send("task.created", "t1", daily);
    clock.advance(hourMs);
    broker.answer = () => 503;
    expect(await ping()).toBe(503);
    broker.answer = () => "stored";
    clock.advance(60_000);
    // Made at 07:45, but late: 08:00 is decided, not sent.
    const time = at("02", "07:45");
    const rule = recurrence("FREQ=DAILY", { dtstart: "2026-03-02T09:15:00" });
    expect(await send("task.updated", "t1", { recurrence: rule }, { time })).toBe(204);
    await ping();
    expect(published("t1")).toEqual([at("02", "08:15")]);
  });

  it("waits for what is just being sent, so that nothing of the old rule leaves after it", async () => {
    const { send, ping, clock, broker, published } = await startHarness();
    await send("task.created", "t1", daily);
    clock.advance(hourMs);
    const order: string[] = [];
    const edit: Promise<unknown>[] = [];
    broker.answer = async (): Promise<Answer> => {
      edit.push(send("task.deleted", "t1", {}).then(() => order.push("edited")));
      // Long enough for the edit to be committed, did it not wait.
      await new Promise((resolve) => setTimeout(resolve, 200));
      order.push("stored");
      return "stored";
    };
    expect(await ping()).toBe(204);
    await Promise.all(edit);
    expect(order).toEqual(["stored", "edited"]);
    expect(published("t1")).toEqual([at("02", "08:00")]);
  });
});

describe("the end of a series", () => {
  it.each([
    ["task.deleted", {}],
    ["task.updated", { recurrence: null }],
  ])(
    "comes with %s %o: nothing is fired after it, also not what was due",
    async (type, payload) => {
      const harness = await startHarness();
      const { send, ping, clock, published, broker } = harness;
      await send("task.created", "t1", daily);
      clock.advance(hourMs);
      broker.answer = () => 503;
      await ping();
      broker.answer = () => "stored";
      clock.advance(dayMs);
      expect(await send(type, "t1", payload)).toBe(204);
      clock.advance(dayMs);
      expect(await ping()).toBe(204);
      expect(published("t1")).toEqual([]);
      expect(await seriesOf(harness)).toMatchObject({ state: "ended", occurrences: [] });
    },
  );

  it("does not come with task.completed", async () => {
    const { send, ping, clock, published } = await startHarness();
    await send("task.created", "t1", daily);
    expect(await send("task.completed", "t1", { title: "Water" })).toBe(204);
    clock.advance(hourMs);
    await ping();
    expect(published("t1")).toEqual([at("02", "08:00")]);
  });

  it("comes with the last occurrence of COUNT", async () => {
    const harness = await startHarness();
    const { send, ping, clock, published } = harness;
    await send("task.created", "t1", { recurrence: recurrence("FREQ=DAILY;COUNT=3") });
    clock.advance(5 * dayMs);
    await ping();
    // The first was on 1 March, before the series was made.
    expect(published("t1")).toEqual([at("02", "08:00"), at("03", "08:00")]);
    expect(await seriesOf(harness)).toMatchObject({ state: "ended", occurrences: [] });
  });

  it("can be followed by a new rule, which does not fire the past", async () => {
    const { send, ping, clock, published } = await startHarness();
    await send("task.created", "t1", daily);
    clock.advance(1);
    await send("task.updated", "t1", { recurrence: null });
    clock.advance(3 * dayMs);
    await send("task.updated", "t1", { recurrence: recurrence("FREQ=DAILY") });
    await ping();
    clock.advance(dayMs);
    await ping();
    expect(published("t1")).toEqual([at("05", "08:00")]);
  });
});

describe("order", () => {
  it("ignores an update older than what is stored", async () => {
    const harness = await startHarness();
    const { send, ping, clock } = harness;
    await send("task.created", "t1", daily);
    const time = "2026-03-01T00:00:00Z";
    const older = { title: "Old", recurrence: recurrence("FREQ=YEARLY") };
    expect(await send("task.updated", "t1", older, { time })).toBe(204);
    expect(await send("task.deleted", "t1", {}, { time })).toBe(204);
    clock.advance(hourMs);
    await ping();
    expect(payloads(harness)).toMatchObject([{ title: "Water" }]);
  });

  it("follows the offsets within a partition, whatever the clocks of producers say", async () => {
    const harness = await startHarness();
    const { send } = harness;
    const place = (offset: number) => ({
      knativekafkapartition: "3",
      knativekafkaoffset: String(offset),
    });
    await send("task.created", "t1", daily, place(10));
    const weekly = { recurrence: recurrence("FREQ=WEEKLY") };
    await send("task.updated", "t1", weekly, { ...place(11), time: "2020-01-01T00:00:00Z" });
    expect(await seriesOf(harness)).toMatchObject({ rrule: "FREQ=WEEKLY" });
    const monthly = { recurrence: recurrence("FREQ=MONTHLY") };
    await send("task.updated", "t1", monthly, { ...place(9), time: "2026-03-02T07:31:00Z" });
    expect(await seriesOf(harness)).toMatchObject({ rrule: "FREQ=WEEKLY" });
  });

  it("lets a delete win over an older create that comes after it", async () => {
    const harness = await startHarness();
    const { send, ping, clock, published } = harness;
    await send("task.deleted", "t1", {});
    const time = "2026-03-02T07:00:00Z";
    expect(await send("task.created", "t1", daily, { time })).toBe(204);
    clock.advance(dayMs);
    await send("task.updated", "t1", { title: "x" });
    await ping();
    expect(published("t1")).toEqual([]);
    expect(await seriesOf(harness)).toMatchObject({ status: 404 });
  });

  it("takes rule and fields of a create that comes after its update", async () => {
    const harness = await startHarness();
    const { send, ping, clock } = harness;
    await send("task.updated", "t1", { title: "Newer" });
    await send("task.created", "t1", daily, { time: "2026-03-02T07:00:00Z" });
    clock.advance(hourMs);
    await ping();
    expect(payloads(harness)).toMatchObject([{ title: "Newer", priority: 3 }]);
  });

  it("is not frozen by an event of the year 9999", async () => {
    const harness = await startHarness();
    const { send } = harness;
    await send("task.created", "t1", daily, { time: "9999-12-31T23:59:59Z" });
    const { watermark } = (await seriesOf(harness)) as unknown as { watermark: string };
    expect(Date.parse(watermark)).toBeLessThanOrEqual(Date.now());
    const time = new Date().toISOString();
    await send("task.updated", "t1", { recurrence: recurrence("FREQ=WEEKLY") }, { time });
    expect(await seriesOf(harness)).toMatchObject({ rrule: "FREQ=WEEKLY" });
  });
});

describe("a duplicate", () => {
  const event = (title: string) => ({
    id: "e1",
    type: "task.created",
    time: "2026-03-02T07:30:00Z",
    data: { task_id: "t1", user_id: "u1", payload: { ...daily, title } },
  });

  it("is done already", async () => {
    const { post, ping, clock, published } = await startHarness();
    const statuses = await Promise.all([1, 2, 3].map(async () => (await post(event("a"))).status));
    expect(statuses).toEqual([204, 204, 204]);
    clock.advance(hourMs);
    await ping();
    await post(event("a"));
    await ping();
    expect(published("t1")).toEqual([at("02", "08:00")]);
  });

  it("with other content is refused", async () => {
    const { post } = await startHarness();
    await post(event("a"));
    const response = await post(event("b"));
    expect(response.status).toBe(422);
    expect(response.headers.get("kne-reason")).toMatch(/^duplicate_differs: /);
  });
});

describe("a recurrence that cannot be kept", () => {
  it("goes to the dead letters with the part and the reason, and changes nothing", async () => {
    const harness = await startHarness();
    const { send, post } = harness;
    await send("task.created", "t1", daily);
    const payload = { title: "x", recurrence: recurrence("FREQ=SECONDLY") };
    const data = { task_id: "t1", user_id: "u1", payload };
    const response = await post({ type: "task.updated", data });
    expect(response.status).toBe(422);
    expect(response.headers.get("kne-reason")).toBe(
      'recurrence_invalid: recurrence: rrule FREQ "SECONDLY" is finer than MINUTELY',
    );
    expect(await seriesOf(harness)).toMatchObject({ rrule: "FREQ=DAILY", state: "active" });
  });
});

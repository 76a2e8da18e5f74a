/** The ledger forgets what is old, and nothing is sent twice for that. */
import { expect, test } from "vitest";
import { startScene } from "./scene.ts";

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

test("a ping deletes events and notifications of before LEDGER_DAYS, but none that is still to be sent", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });
  for (const id of ["old", "pending", "young"]) await replica.post({ id });
  await expect.poll(() => scene.mail.mails.length).toBe(3);
  await expect
    .poll(async () => (await replica.ledger()).map(({ state }) => state))
    .toEqual(["sent", "sent", "sent"]);
  await scene.query(
    "update inbox set recorded_at = now() - interval '401 days' where id in ('old', 'pending')",
  );
  await scene.query(
    "update notifications set state = 'pending', due_at = now() + interval '1 day' from inbox i where i.event_key = notifications.event_key and i.id = 'pending'",
  );

  expect((await replica.ping()).status).toBe(204);

  const left = (await replica.ledger()).map(({ event }) => event.id);
  expect(left.toSorted()).toEqual(["pending", "young"]);
  expect(await scene.query("select id from inbox order by id")).toEqual([
    { id: "pending" },
    { id: "young" },
  ]);
});

test("an event of before LEDGER_DAYS, which may have been forgotten, is not sent again", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  await replica.put("u1", { email: "u1@example.test" });

  const old = await replica.post({ id: "old", headers: { "ce-time": daysAgo(401) } });
  const young = await replica.post({ id: "young", headers: { "ce-time": daysAgo(399) } });

  expect([old.status, young.status]).toEqual([204, 204]);
  await expect.poll(() => scene.mail.mails.length).toBe(1);
  expect((await replica.ledger()).map(({ event }) => event.id)).toEqual(["young"]);
});

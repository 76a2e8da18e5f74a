/** From an event to a message. */
import { expect, test } from "vitest";
import { startScene } from "./scene.ts";

test("an event of a user with an address becomes one e-mail and one sent row of the ledger", async () => {
  const scene = await startScene();
  const replica = await scene.start();
  expect((await replica.put("u1", { email: "u1@example.test" })).status).toBe(200);

  expect((await replica.post({ id: "e-1", title: "Buy milk" })).status).toBe(204);

  await expect.poll(() => scene.mail.mails.length).toBe(1);
  await expect.poll(async () => (await replica.ledger())[0]?.state).toBe("sent");
  const [caught] = scene.mail.mails;
  expect(caught?.to).toEqual(["u1@example.test"]);
  expect(caught?.mail.subject).toBe("New task: Buy milk");
  const [item] = await replica.ledger();
  expect(item).toEqual({
    event: { source: "/task-app", id: "e-1", type: "task.created" },
    user_id: "u1",
    channel: "email",
    state: "sent",
    reason: null,
    attempts: 1,
    updated_at: expect.any(String),
  });
});

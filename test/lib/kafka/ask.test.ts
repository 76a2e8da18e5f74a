/** What Kafka says while it is not ready yet. */
import { KafkaJSError } from "kafkajs";
import { expect, it, vi } from "vitest";
import { ask } from "../../../lib/kafka/ask.ts";

it("is asked again while the coordinator is loading", async () => {
  const loading = new KafkaJSError("the coordinator is loading", { retriable: true });
  const question = vi.fn<() => Promise<number>>().mockRejectedValueOnce(loading);
  question.mockRejectedValueOnce(loading).mockResolvedValue(7);
  expect(await ask(question)).toBe(7);
  expect(question).toHaveBeenCalledTimes(3);
});

it("is asked once where the answer is no", async () => {
  const refused = new KafkaJSError("not authorized", { retriable: false });
  const question = vi.fn<() => Promise<number>>().mockRejectedValue(refused);
  await expect(ask(question)).rejects.toBe(refused);
  expect(question).toHaveBeenCalledTimes(1);
});

/** What every Kafka client of the project has in common. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { openKafka } from "../../../lib/kafka/client.ts";

/** Nothing listens on port 1. */
const unreachable = {
  brokers: "127.0.0.1:1, localhost:1",
  clientId: "c",
  config: { retry: { retries: 0 } },
};

describe("a client whose brokers are down", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("fails by its promise, and prints nothing", async () => {
    const printed = (["log", "info", "warn", "error"] as const).map((level) =>
      vi.spyOn(console, level),
    );
    const producer = openKafka(unreachable).producer();
    await expect(producer.connect()).rejects.toThrow("ECONNREFUSED");
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  });

  it("tells its log hook, but not of a change between versions of kafkajs", async () => {
    const messages: string[] = [];
    const producer = openKafka({
      ...unreachable,
      onLog: ({ log }) => messages.push(log.message),
    }).producer();
    await expect(producer.connect()).rejects.toThrow("ECONNREFUSED");
    expect(messages).toContainEqual(expect.stringContaining("ECONNREFUSED"));
    expect(messages.join()).not.toContain("partitioner");
  });
});

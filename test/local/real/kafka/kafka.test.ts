/** What Kafka's own tools are given. */
import { expect, it } from "vitest";
import { toClusterId } from "../../../../local/real/kafka/kafka.ts";

it("names a cluster in a way that no tool takes for an option", () => {
  const ids = Array.from({ length: 256 }, (_, first) => toClusterId(Buffer.alloc(16, first)));
  for (const id of ids) expect(id).toMatch(/^[^-][\w-]{21}$/);
});

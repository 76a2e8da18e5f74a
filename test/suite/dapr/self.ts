/** What a sidecar tells of itself, and to whom. */
import { describe, expect, it } from "vitest";
import type { Pod } from "./pod.ts";

export function selfTests(getPod: () => Pod): void {
  describe("the sidecar", () => {
    it("is healthy when its app is there, and tells so to anybody", async () => {
      for (const path of ["/v1.0/healthz", "/v1.0/healthz/outbound"]) {
        const url = `http://127.0.0.1:${String(getPod().httpPort)}${path}`;
        expect((await fetch(url)).status).toBe(204);
      }
    });

    it.each(["", "wrong"])('answers nothing else with the token "%s"', async (token) => {
      for (const path of ["/v1.0/metadata", "/v1.0/state/redis-state/k"]) {
        const answer = await getPod().call(path, { headers: { "dapr-api-token": token } });
        expect([answer.status, (await answer.text()).trim()]).toEqual([401, "invalid api token"]);
      }
    });

    it("has the components and the subscription of dapr-components/", async () => {
      const metadata: unknown = await (await getPod().call("/v1.0/metadata")).json();
      expect(metadata).toMatchObject({
        id: "websocket-gateway",
        components: expect.arrayContaining([
          expect.objectContaining({ name: "kafka-pubsub", type: "pubsub.kafka", version: "v1" }),
          expect.objectContaining({ name: "redis-state", type: "state.redis", version: "v1" }),
        ]) as unknown,
        subscriptions: [
          {
            pubsubname: "kafka-pubsub",
            topic: "task-events",
            rules: [{ path: "/dapr/task-events" }],
            metadata: { rawPayload: "true" },
            type: "DECLARATIVE",
          },
        ],
      });
    });
  });
}

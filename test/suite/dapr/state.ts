/** State as the gateway uses it: versions decide who comes first, and values end with their life time. */
import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { openStateStore } from "../../../functions/websocket-gateway/state/state-store.ts";
import type { Pod } from "./pod.ts";

const STATE = "/v1.0/state/redis-state";
const newKey = (): string => `k-${randomUUID()}`;

const post = (pod: Pod, path: string, body: unknown) =>
  pod.call(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

const statusOf = async (answer: Promise<Response>): Promise<number> => (await answer).status;

const firstWrite = (pod: Pod, key: string, value: number, etag?: string) =>
  statusOf(post(pod, STATE, [{ key, value, etag, options: { concurrency: "first-write" } }]));

export function stateTests(getPod: () => Pod): void {
  describe("state", () => {
    it("keeps a value with its version, and forgets it when told", async () => {
      const [pod, key] = [getPod(), newKey()];
      const value = { text: "Grüße 🚀", list: [1, null] };
      expect(await statusOf(post(pod, STATE, [{ key, value }]))).toBe(204);
      const answer = await pod.call(`${STATE}/${key}`);
      expect([answer.status, answer.headers.get("etag")]).toEqual([200, "1"]);
      expect(await answer.json()).toEqual(value);
      expect(await statusOf(pod.call(`${STATE}/${key}`, { method: "DELETE" }))).toBe(204);
      expect(await statusOf(pod.call(`${STATE}/${key}`))).toBe(204);
    });

    it("lets the first write win where it is asked to", async () => {
      const [pod, key] = [getPod(), newKey()];
      expect(await firstWrite(pod, key, 1, "0")).toBe(204);
      expect(await firstWrite(pod, key, 2, "0")).toBe(409);
      expect(await firstWrite(pod, key, 2, "1")).toBe(204);
      expect(await firstWrite(pod, key, 3, "1")).toBe(409);
      expect(await (await pod.call(`${STATE}/${key}`)).json()).toBe(2);
      const remove = (etag: string) =>
        statusOf(pod.call(`${STATE}/${key}`, { method: "DELETE", headers: { "if-match": etag } }));
      expect(await remove("1")).toBe(409);
      expect(await remove("2")).toBe(204);
    });

    it("lets the last write win otherwise", async () => {
      const [pod, key] = [getPod(), newKey()];
      for (const value of [1, 2]) await post(pod, STATE, [{ key, value }]);
      const answer = await pod.call(`${STATE}/${key}`);
      expect([answer.headers.get("etag"), await answer.json()]).toEqual(["2", 2]);
    });

    it("forgets a value when its life time ends, and a write without one does not prolong it", async () => {
      const [pod, key] = [getPod(), newKey()];
      await post(pod, STATE, [{ key, value: 1, metadata: { ttlInSeconds: "1" } }]);
      await post(pod, STATE, [{ key, value: 2 }]);
      expect(await statusOf(pod.call(`${STATE}/${key}`))).toBe(200);
      await expect.poll(() => statusOf(pod.call(`${STATE}/${key}`)), { timeout: 5_000 }).toBe(204);
    });

    it("answers many keys at once", async () => {
      const [pod, one, none] = [getPod(), newKey(), newKey()];
      await post(pod, STATE, [{ key: one, value: { a: 1 } }]);
      const answer = await post(pod, `${STATE}/bulk`, { keys: [one, none] });
      const items = (await answer.json()) as { key: string }[];
      expect(items).toHaveLength(2);
      expect(items.find(({ key }) => key === one)).toEqual({ key: one, data: { a: 1 }, etag: "1" });
      expect(items.find(({ key }) => key === none)).toEqual({ key: none });
    });

    it.each<[string, string, unknown, number, string]>([
      [
        "a store that is not there",
        "/v1.0/state/none",
        [{ key: "k" }],
        400,
        "ERR_STATE_STORE_NOT_FOUND",
      ],
      ["a body that is no list", STATE, { key: "k" }, 400, "ERR_MALFORMED_REQUEST"],
      [
        "a key with the separator",
        STATE,
        [{ key: "a||b", value: 1 }],
        400,
        "ERR_MALFORMED_REQUEST",
      ],
    ])("refuses %s", async (_, path, body, status, errorCode) => {
      const answer = await post(getPod(), path, body);
      expect([answer.status, await answer.json()]).toMatchObject([status, { errorCode }]);
    });

    it("serves the gateway: what it reads, writes over and marks once", async () => {
      const { httpPort: daprHttpPort, apiToken: daprApiToken } = getPod();
      const log = pino({ level: "silent" });
      const store = openStateStore({ daprHttpPort, daprApiToken, log });
      const key = newKey();
      expect(await store.get(key)).toBeUndefined();
      expect(await store.put(key, { at: 1 }, 60, undefined)).toBe(true);
      expect(await store.put(key, { at: 2 }, 60, undefined)).toBe(false);
      const stored = await store.get(key);
      expect(stored?.value).toEqual({ at: 1 });
      expect(await store.put(key, { at: 2 }, 60, stored)).toBe(true);
      expect(await store.put(key, { at: 3 }, 60, stored)).toBe(false);
      const marks = await Promise.all([1, 2, 3].map(() => store.mark(`${key}-mark`, 60)));
      expect(marks.filter(Boolean)).toHaveLength(1);
    });
  });
}

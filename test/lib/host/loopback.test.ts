/** What a page elsewhere could reach of a function on a laptop: nothing, on any of its ports. */
import { get } from "node:http";
import { expect, it } from "vitest";
import { isForeign } from "../../../lib/host/loopback.ts";
import { defineFunction } from "../../../lib/host/function.ts";
import { startForTest } from "../../support/function.ts";

const idle = defineFunction({
  name: "idle",
  open: async () => ({ [Symbol.asyncDispose]: async () => undefined }),
  handlers: [],
});

const statusOf = (url: string, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get(url, { headers: { host }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });

it("answers 403 to another name at the port of events and at that of metrics", async () => {
  const { url, metricsUrl } = await startForTest(idle);
  for (const address of [`${url}/health`, metricsUrl]) {
    expect(await statusOf(address, "evil.example")).toBe(403);
    expect(await statusOf(address, "127.0.0.1.evil.example:80")).toBe(403);
    for (const own of ["localhost:8003", "127.0.0.1", "[::1]:1"]) {
      expect(await statusOf(address, own)).toBe(200);
    }
  }
});

it("takes every name where it listens on every interface, as in a cluster", () => {
  const request = { headers: { host: "audit-log.default.svc" } };
  expect(isForeign(request, undefined)).toBe(false);
  expect(isForeign(request, "0.0.0.0")).toBe(false);
  expect(isForeign(request, "127.0.0.1")).toBe(true);
});

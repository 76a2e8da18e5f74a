/** What a web page elsewhere, or something that is not HTTP, gets from a port of the runner. */
import { connect } from "node:net";
import { request, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeServer } from "../../../../lib/host/connection.ts";
import {
  createGuardedServer,
  guard,
  listenOnLoopback,
} from "../../../../local/process/front/front.ts";

const requestWith = (headers: Record<string, string>) =>
  ({ headers }) as unknown as IncomingMessage;

describe("guard", () => {
  it.each([
    ["localhost with the port", { host: "localhost:8080" }, null],
    ["127.0.0.1 with the port", { host: "127.0.0.1:8080" }, null],
    ["IPv6 loopback with the port", { host: "[::1]:8080" }, null],
    ["a name in capitals", { host: "LOCALHOST:8080" }, null],
    ["no Host", {}, 403],
    ["another port", { host: "localhost:8081" }, 403],
    ["no port", { host: "localhost" }, 403],
    ["a rebound name", { host: "evil.example:8080" }, 403],
    ["a name that only begins so", { host: "localhost:8080.evil.example" }, 403],
    ["the port's own origin", { host: "localhost:8080", origin: "http://127.0.0.1:8080" }, null],
    ["another origin", { host: "localhost:8080", origin: "https://evil.example" }, 403],
    ["another port's origin", { host: "localhost:8080", origin: "http://localhost:3000" }, 403],
    ["an opaque origin", { host: "localhost:8080", origin: "null" }, 403],
    ["a cross-site fetch", { host: "localhost:8080", "sec-fetch-site": "cross-site" }, 403],
    ["a same-origin fetch", { host: "localhost:8080", "sec-fetch-site": "same-origin" }, null],
  ])("%s", (_, headers, expected) => {
    expect(guard(requestWith(headers as Record<string, string>), 8080)).toBe(expected);
  });

  it("admits an allowed origin, cross-site as it is, and no other", () => {
    const from = (origin: string) =>
      guard(requestWith({ host: "localhost:8004", origin, "sec-fetch-site": "cross-site" }), 8004, [
        "https://tasks.example",
      ]);
    expect(from("https://tasks.example")).toBeNull();
    expect(from("https://tasks.example.evil")).toBe(403);
  });
});

describe("a guarded server", () => {
  const server = createGuardedServer((_, res) => res.end("ok"));
  let port = 0;
  beforeAll(async () => {
    port = await listenOnLoopback(server, 0);
  });
  afterAll(() => closeServer(server));

  const get = (headers: Record<string, string>): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, headers }, (res) => resolve(res.resume()))
        .on("error", reject)
        .end();
    });

  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = "";
      connect(port, "127.0.0.1")
        .on("data", (chunk) => (answer += chunk.toString()))
        .on("error", reject)
        .on("close", () => resolve(answer))
        .end(text);
    });

  it("answers 403 to another name and says with every answer that it is not to be sniffed", async () => {
    const refused = await get({ host: "evil.example" });
    expect(refused.statusCode).toBe(403);
    const taken = await get({ host: `localhost:${String(port)}` });
    expect(taken.statusCode).toBe(200);
    for (const { headers } of [refused, taken]) {
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["cross-origin-resource-policy"]).toBe("same-origin");
    }
  });

  it("takes a header section of 900 KB and refuses one of 1.1 MB with 431, to who is still sending too", async () => {
    const host = `localhost:${String(port)}`;
    expect((await get({ host, "ce-id": "x".repeat(900_000) })).statusCode).toBe(200);
    const answer = await raw(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nX: ${"x".repeat(2_000_000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
  });

  it("answers 400 to what is not HTTP", async () => {
    const answer = await raw("\u0016\u0003\u0001 not HTTP\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain("nosniff");
  });

  it("says EADDRINUSE where the port is taken", async () => {
    await expect(
      listenOnLoopback(
        createGuardedServer(() => undefined),
        port,
      ),
    ).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });
});

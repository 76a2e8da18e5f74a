/** A web page must not drive the laptop: every HTTP port is on 127.0.0.1 and takes its own name and origin alone. */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { listeningSockets } from "./listening-socket.ts";
import { exchange, head } from "./raw-http.ts";
import { Scene } from "./scene.ts";

const app = "https://app.example";
const names = [
  "broker",
  "console",
  "notification",
  "recurring-task",
  "audit-log",
  "websocket-gateway",
] as const;

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open({ env: { ALLOWED_ORIGINS: app } });
}, 120_000);
afterAll(() => scene[Symbol.asyncDispose]());

type Headers = Readonly<Record<string, string>>;

describe.each(names)("%s", (name) => {
  const path = name === "broker" ? "/default/task-events" : "/health";
  const send = async (headers: Headers, line = `GET ${path}`) => {
    const port = scene.runner.ports[name];
    const filled = Object.entries(headers).map(([key, value]) => [
      key,
      value.replace("PORT", String(port)),
    ]);
    const given = { Connection: "close", ...(Object.fromEntries(filled) as Headers) };
    return exchange(port, [head(line, port, given)]);
  };

  it.each<[string, Headers]>([
    ["another name (DNS rebinding)", { Host: "evil.example:PORT" }],
    ["another name that begins like ours", { Host: "localhost.evil.example:PORT" }],
    ["our name without the port", { Host: "localhost" }],
    ["our name with another port", { Host: "localhost:1" }],
    ["an address of all interfaces", { Host: "0.0.0.0:PORT" }],
    ["an empty name", { Host: "" }],
    ["another origin", { Origin: "https://evil.example" }],
    ["our origin by another scheme", { Origin: "https://localhost:PORT" }],
    ["another port of this machine", { Origin: "http://localhost:1" }],
    ["a sandboxed page", { Origin: "null" }],
    ["an origin that is none", { Origin: "localhost:PORT" }],
    ["a link on another site", { "Sec-Fetch-Site": "cross-site" }],
    [
      "our origin, but from another site",
      { Origin: "http://localhost:PORT", "Sec-Fetch-Site": "cross-site" },
    ],
  ])("answers 403 to %s", async (_, headers) => {
    const { status, text } = await send(headers);
    expect(status).toBe(403);
    expect(text).toMatch(/x-content-type-options: nosniff/i);
    expect(text).toMatch(/cross-origin-resource-policy: same-origin/i);
    expect((await send(headers, `POST ${path}`)).status).toBe(403);
  });

  it.each<[string, Headers]>([
    ["localhost", { Host: "localhost:PORT" }],
    ["LOCALHOST", { Host: "LOCALHOST:PORT" }],
    ["127.0.0.1", { Host: "127.0.0.1:PORT" }],
    ["[::1]", { Host: "[::1]:PORT" }],
    ["our own origin", { Origin: "http://localhost:PORT", "Sec-Fetch-Site": "same-origin" }],
    ["an address that was typed in", { "Sec-Fetch-Site": "none" }],
  ])("takes %s", async (_, headers) => {
    const { status, text } = await send(headers);
    expect(status).toBe(name === "broker" ? 405 : name === "console" ? 404 : 200);
    expect(text).toMatch(/x-content-type-options: nosniff/i);
    expect(text).toMatch(/cross-origin-resource-policy: same-origin/i);
  });
});

it.each(names.filter((name) => name !== "websocket-gateway"))(
  "%s does not know the app's origin",
  async (name) => {
    const port = scene.runner.ports[name];
    const preflight = { Origin: app, "Access-Control-Request-Method": "POST", Connection: "close" };
    const { status, text } = await exchange(port, [head("OPTIONS /", port, preflight)]);
    expect(status).toBe(403);
    expect(text).not.toMatch(/access-control/i);
    const headers = { Origin: app, Connection: "close" };
    expect((await exchange(port, [head("GET /health", port, headers)])).status).toBe(403);
  },
);

describe("the app's own frontend at the gateway", () => {
  const ask = (path: string, headers: Headers, method = "GET"): Promise<Response> =>
    fetch(scene.runner.url("websocket-gateway", path), { method, headers });
  const crossSite = { "sec-fetch-site": "cross-site" };

  it.each(["/sse", "/tickets", "/presence"])("may ask for %s after a preflight", async (path) => {
    const headers = {
      ...crossSite,
      origin: app,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    };
    const { status, headers: answer } = await ask(path, headers, "OPTIONS");
    expect(status).toBe(204);
    expect(answer.get("access-control-allow-origin")).toBe(app);
    expect(answer.get("access-control-allow-headers")).toContain("authorization");
    const other = { ...headers, origin: "https://evil.example" };
    const refused = await ask(path, other, "OPTIONS");
    expect(refused.status).toBe(403);
    expect(refused.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("gets a ticket and is told so", async () => {
    const authorization = `Bearer ${await scene.runner.token("u1")}`;
    const answer = await ask("/tickets", { ...crossSite, origin: app, authorization }, "POST");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe(app);
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("may not POST events", async () => {
    for (const path of ["/", "/dapr/task-events"]) {
      const { status } = await ask(path, { origin: app }, "POST");
      expect([401, 403]).toContain(status);
    }
  });

  it.each([
    [app, "task-events.v1"],
    ["https://evil.example", 403],
    ["null", 403],
    ["https://app.example.evil.example", 403],
    ["http://app.example", 403],
  ])("a WebSocket of the origin %s: %s", async (origin, expected) => {
    const port = scene.runner.ports["websocket-gateway"];
    const authorization = `Bearer ${await scene.runner.token("u1")}`;
    const socket = new WebSocket(`ws://localhost:${port}/ws`, "task-events.v1", {
      headers: { authorization, origin },
    });
    const outcome = await Promise.race([
      once(socket, "open").then(() => socket.protocol),
      once(socket, "unexpected-response").then(
        (args) => (args as [unknown, { statusCode: number }])[1].statusCode,
      ),
    ]);
    expect(outcome).toBe(expected);
    socket.on("error", () => undefined).terminate();
  });
});

it("a WebSocket by another name is refused", async () => {
  const port = scene.runner.ports["websocket-gateway"];
  const upgrade = { Connection: "Upgrade", Upgrade: "websocket", Host: `evil.example:${port}` };
  expect((await exchange(port, [head("GET /ws", port, upgrade)])).status).toBe(403);
});

it.runIf(process.platform === "linux")(
  "nothing listens on another interface, and no HTTP port answers to another name",
  async () => {
    await scene.expectUnharmed();
    const sockets = listeningSockets(scene.runner.pid);
    expect(sockets.length).toBeGreaterThan(10);
    expect(sockets.filter(({ address }) => address !== "127.0.0.1")).toEqual([]);
    for (const { port, command } of sockets) {
      const request = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
      const { status } = await Promise.race([exchange(port, [request]), silence()]);
      expect([command, port, [undefined, 403].includes(status)]).toEqual([command, port, true]);
    }
  },
  120_000,
);

/** What waits for more is no HTTP port. */
const silence = (): Promise<{ status: undefined }> =>
  new Promise((resolve) => setTimeout(() => resolve({ status: undefined }), 2_000));

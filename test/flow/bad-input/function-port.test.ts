/** Events that are POSTed to the functions' own ports, past the Broker, and what is no event at all. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exchange, head } from "./raw-http.ts";
import { type Client, Scene, task, until } from "./scene.ts";

const names = ["notification", "recurring-task", "audit-log", "websocket-gateway"] as const;
type Name = (typeof names)[number];

let scene: Scene;
let client: Client;
beforeAll(async () => {
  scene = await Scene.open();
  client = await scene.connect("u1");
}, 120_000);
afterAll(async () => {
  client.socket.close();
  await scene[Symbol.asyncDispose]();
});

type Headers = Readonly<Record<string, string>>;

async function post(
  name: Name,
  headers: Headers,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<Response> {
  return fetch(scene.runner.url(name), { method: "POST", headers, body });
}

const binary = (id: string, change: Headers = {}): Headers => ({
  "content-type": "application/json",
  "ce-specversion": "1.0",
  "ce-id": id,
  "ce-source": "/direct",
  "ce-type": "task.created",
  ...change,
});
const envelope = (id: string, change: object = {}) => ({
  specversion: "1.0",
  id,
  source: "/direct",
  type: "task.created",
  data: task(id),
  ...change,
});
const structured = { "content-type": "application/cloudevents+json" };
const batched = { "content-type": "application/cloudevents-batch+json" };
const good = JSON.stringify(task("direct"));
const json = JSON.stringify;

/** audit-log keeps what breaks the contract as long as something names it. */
const refused: [string, Headers, string | Uint8Array<ArrayBuffer>, number, number?][] = [
  ["no attribute", { "content-type": "application/json" }, good, 400],
  ["no content type and no attribute", {}, new Uint8Array(3), 400],
  ["no id", binary(""), good, 400],
  ["no type", binary("no-type", { "ce-type": "" }), good, 400],
  ["specversion 0.3", binary("v03", { "ce-specversion": "0.3" }), good, 400],
  ["a time that is none", binary("time", { "ce-time": "noon" }), good, 400],
  ["an extension name in two parts", binary("ext", { "ce-my-ext": "x" }), good, 400],
  ["structured: no JSON", structured, "{", 400],
  ["structured: an array", structured, "[]", 400],
  ["structured: nested 2,000 levels deep", structured, "[".repeat(2_000), 400],
  ["structured: a number as id", structured, json(envelope("x", { id: 1 })), 400],
  ["batched: an object", batched, json(envelope("x")), 400],
  ["XML", { "content-type": "application/cloudevents+xml" }, "<a/>", 415],
  ["a body over 1 MiB", binary("large"), new Uint8Array(1_048_577), 413],
  ["a body of 8 MiB", binary("larger"), new Uint8Array(8 * 1_048_576), 413],
  ["data that is no JSON", binary("no-json"), "{", 422, 204],
  ["no data", binary("no-data"), "", 422, 204],
  ["text", binary("text", { "content-type": "text/plain" }), "hello", 422, 204],
  ["data of another schema", binary("schema"), '{"task_id":7}', 422, 204],
  ["data in Latin-1", binary("latin-1"), new Uint8Array([0x22, 0xfc, 0x22]), 422, 204],
];

describe.each(names)("%s", (name) => {
  it.each(refused)("%s", async (_, headers, body, status, atAuditLog = status) => {
    const response = await post(name, headers, body);
    expect(response.status).toBe(name === "audit-log" ? atAuditLog : status);
    if (response.status === 204) return;
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect(response.headers.get("kne-reason")).toBe(`${error.code}: ${error.message}`);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it.each([
    ["GET", "/", 405],
    ["PUT", "/", 405],
    ["POST", "/health", 404],
    ["POST", "/nowhere", 404],
    ["GET", "/../../etc/passwd", 404],
    ["GET", "/%2e%2e/%2e%2e/etc/passwd", 404],
    ["PROPFIND", "/entries", 404],
    ["TRACE", "/", 405],
  ])("%s %s is answered %i", async (method, path, status) => {
    const port = scene.runner.ports[name];
    const token = await scene.runner.token("u1");
    const headers = { Connection: "close", Authorization: `Bearer ${token}` };
    expect((await exchange(port, [head(`${method} ${path}`, port, headers)])).status).toBe(status);
  });

  it.each([
    ["garbage", () => ["\u0000\u0001 hello\r\n\r\n"], 400],
    ["two lengths", () => [["Content-Length: 1", "Content-Length: 2"], "ab"], 400],
    ["a bad chunk", () => [["Transfer-Encoding: chunked"], "zz\r\n"], 400],
    ["a control character in a header", () => [["ce-id: a\u0001b"]], 400],
    ["a header section of 2 MB", () => [[`ce-id: ${"x".repeat(2_000_000)}`]], 431],
  ] as const)("answers %s with a clean status", async (_, pieces, status) => {
    const port = scene.runner.ports[name];
    const host = `Host: localhost:${port}`;
    const sent = pieces().map((piece) =>
      typeof piece === "string"
        ? piece
        : `POST / HTTP/1.1\r\n${[host, ...piece].join("\r\n")}\r\n\r\n`,
    );
    expect((await exchange(port, sent)).status).toBe(status);
  });

  it("keeps the good ones of a batch and names the bad ones by their index", async () => {
    const events = [
      envelope(`${name}-0`),
      envelope("x", { source: "" }),
      7,
      envelope(`${name}-3`, { time: "9999-12-31T23:59:59Z" }),
      envelope("y", { type: "task.updated", specversion: "2" }),
    ];
    const response = await post(name, batched, json(events));
    expect(response.status).toBe(422);
    const { error } = (await response.json()) as { error: { message: string } };
    expect(error.message).toMatch(/1: source.*2: specversion.*4: specversion/);
    if (name === "websocket-gateway") {
      await until(() => expect(client.ids()).toEqual([`${name}-0`, `${name}-3`]));
    }
    if (name === "audit-log") {
      const recorded = (await scene.entries("source=/direct")).map(({ id }) => id);
      expect(recorded).toEqual(expect.arrayContaining([`${name}-0`, `${name}-3`]));
    }
  });

  it("waits for a slow body, and forgets one that breaks off", async () => {
    const port = scene.runner.ports[name];
    const length = { "Content-Length": String(good.length), Connection: "close" };
    const request = (id: string) => head("POST /", port, { ...binary(id), ...length });
    await exchange(port, [request("cut-off"), "{"], { pauseMs: 20, hangUp: true });
    const { status } = await exchange(port, [request("slow"), ...(good.match(/.{1,4}/g) ?? [])], {
      pauseMs: 20,
    });
    expect(status).toBe(204);
  });
});

it("none of them ended a function, and what was refused left nothing behind", async () => {
  await scene.expectUnharmed();
  const entries = await scene.entries("source=/direct");
  expect(entries.map(({ id }) => id).toSorted()).toEqual([
    "audit-log-0",
    "audit-log-3",
    "latin-1",
    "no-data",
    "no-json",
    "schema",
    "slow",
    "text",
  ]);
  expect(client.ids()).not.toContain("cut-off");
}, 120_000);

/** What the Broker's ingress refuses: each input its status, none of them a record. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { exchange, head } from "./raw-http.ts";
import { Scene, slug, task } from "./scene.ts";

let scene: Scene;
let port: number;
beforeAll(async () => {
  scene = await Scene.open();
  port = scene.runner.ports.broker;
}, 120_000);
afterAll(() => scene[Symbol.asyncDispose]());

const path = "/default/task-events";
const structured = { "content-type": "application/cloudevents+json" };
type Headers = Record<string, string | undefined>;

const event = (id: string, change: Headers = {}): Record<string, string> => {
  const all: Headers = {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": id,
    "ce-source": "/bad",
    "ce-type": "task.created",
    ...change,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
};

const envelope = (id: string, change: object = {}): string =>
  JSON.stringify({
    specversion: "1.0",
    id,
    source: "/bad",
    type: "task.created",
    data: task(id),
    ...change,
  });

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const without = (text: string, name: string): string =>
  JSON.stringify({ ...(JSON.parse(text) as object), [name]: undefined });

const binary: [string, Headers, number][] = [
  ["binary: no attribute at all", { "ce-specversion": undefined }, 400],
  ["binary: specversion 2.0", { "ce-specversion": "2.0" }, 400],
  ["binary: no id", { "ce-id": undefined }, 400],
  ["binary: no source", { "ce-source": undefined }, 400],
  ["binary: no type", { "ce-type": undefined }, 400],
  ["binary: a source that is no URI", { "ce-source": "not a uri" }, 400],
  ["binary: a dataschema that is no URI", { "ce-dataschema": "{}" }, 400],
  ["binary: a time in words", { "ce-time": "yesterday" }, 400],
  ["binary: a time without zone", { "ce-time": "2026-11-23T21:00:00" }, 400],
  ["binary: a leap second, which Java does not know", { "ce-time": "2016-12-31T23:59:60Z" }, 400],
  ["binary: 30 February", { "ce-time": "2026-02-30T00:00:00Z" }, 400],
  ["binary: the year 10000", { "ce-time": "10000-01-01T00:00:00Z" }, 400],
  ["binary: an extension name with an underscore", { "ce-my_ext": "x" }, 400],
  ["binary: a header section over 8 KB", { "ce-note": "x".repeat(9_000) }, 431],
];

it.each(binary)("%s", async (name, change, status) => {
  const response = await fetch(scene.runner.url("broker", path), {
    method: "POST",
    headers: event(slug(name), change),
    body: JSON.stringify(task(slug(name))),
  });
  expect(response.status).toBe(status);
  expect(await response.text()).toBe("");
});

const bodies: [string, Record<string, string>, string | Buffer, number][] = [
  ["structured: no body", structured, "", 400],
  ["structured: not JSON", structured, "{", 400],
  ["structured: an array", structured, `[${envelope("array")}]`, 400],
  ["structured: no id", structured, without(envelope("x"), "id"), 400],
  ["structured: no type", structured, without(envelope("x"), "type"), 400],
  ["structured: a number as id", structured, envelope("x", { id: 7 }), 400],
  ["structured: null as source", structured, envelope("x", { source: null }), 400],
  ["structured: a number as time", structured, envelope("x", { time: 7 }), 400],
  ["structured: data twice", structured, envelope("x", { data_base64: "e30=" }), 400],
  [
    "structured: data_base64 that is none",
    structured,
    envelope("x", { data: undefined, data_base64: "§" }),
    400,
  ],
  ["structured: a fraction as extension", structured, envelope("x", { weight: 1.5 }), 400],
  ["structured: a number as partitionkey", structured, envelope("x", { partitionkey: 7 }), 503],
  [
    "structured: nested 2,000 levels deep",
    structured,
    envelope("x").replace('"data":{', `"data":{"deep":${nested(2_000)},`),
    400,
  ],
  ["structured: not UTF-8", structured, Buffer.from(envelope("x\u00ff\u00fe"), "latin1"), 400],
  [
    "a batch",
    { "content-type": "application/cloudevents-batch+json" },
    `[${envelope("batch")}]`,
    400,
  ],
  ["XML", { "content-type": "application/cloudevents+xml" }, "<event/>", 400],
  ["a form", { "content-type": "application/x-www-form-urlencoded" }, "id=1&type=x", 400],
  ["data over 1 MiB", event("large"), "x".repeat(1_048_576), 503],
  ["data of 20 MiB", event("larger"), Buffer.alloc(20 * 1_048_576, 0x20), 503],
];

it.each(bodies)("%s", async (_, headers, body, status) => {
  const response = await fetch(scene.runner.url("broker", path), {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : new Uint8Array(body),
  });
  expect(response.status).toBe(status);
});

const requests: [string, string, string, number][] = [
  ["GET", "GET", path, 405],
  ["HEAD", "HEAD", path, 405],
  ["PUT", "PUT", path, 405],
  ["DELETE", "DELETE", path, 405],
  ["OPTIONS", "OPTIONS", path, 405],
  ["OPTIONS *", "OPTIONS", "*", 405],
  ["an unknown Broker", "POST", "/default/other", 404],
  ["an unknown namespace", "POST", "/other/task-events", 404],
  ["the root", "POST", "/", 404],
  ["a doubled slash", "POST", "//default/task-events", 404],
  ["a path that climbs", "POST", "/default/x/../task-events", 404],
  ["an escaped slash", "POST", "/default%2ftask-events", 404],
  ["a path of 7 KB", "POST", `/${"x".repeat(7_000)}`, 404],
];

it.each(requests)("%s", async (_, method, target, status) => {
  const headers = event("request", { Connection: "close", "Content-Length": "0" });
  expect((await exchange(port, [head(`${method} ${target}`, port, headers)])).status).toBe(status);
});

const posted = (headers: Headers): string => head(`POST ${path}`, port, event("raw", headers));

const raw: [string, () => (string | Buffer)[], number | undefined][] = [
  ["garbage", () => ["\x16\x03\x01 hello\r\n\r\n"], 400],
  ["a TLS handshake", () => [Buffer.from("16030100c8010000c40303", "hex")], 400],
  ["the preface of HTTP/2", () => ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], 400],
  ["no Host", () => [`POST ${path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`], 400],
  [
    "two lengths",
    () => [
      posted({ "Content-Length": "2" }).replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n{}"),
    ],
    400,
  ],
  [
    "a length and chunks",
    () => [posted({ "Content-Length": "2", "Transfer-Encoding": "chunked" }), "0\r\n\r\n"],
    400,
  ],
  ["a length that is no number", () => [posted({ "Content-Length": "two" })], 400],
  ["a negative length", () => [posted({ "Content-Length": "-1" })], 400],
  [
    "a chunk without a size",
    () => [posted({ "Transfer-Encoding": "chunked" }), "zz\r\n{}\r\n"],
    400,
  ],
  ["a control character in a header", () => [posted({ "ce-note": "a\u0001b" })], 400],
  ["a line feed alone in a header", () => [posted({ "ce-note": "a\nb" })], 400],
  ["a header without a name", () => [posted({ "": "x" })], 400],
];

it.each(raw)("%s", async (_, pieces, status) => {
  expect((await exchange(port, pieces())).status).toBe(status);
});

it("takes a body that comes byte by byte, and nothing of one that breaks off", async () => {
  const body = JSON.stringify(task("slow")).split("");
  const length = { "Content-Length": String(body.length) };
  const slow = head(`POST ${path}`, port, event("slow", length));
  const cut = head(`POST ${path}`, port, event("cut-off", length));
  await exchange(port, [cut, '{"task_id":'], { pauseMs: 20, hangUp: true });
  const { status } = await exchange(port, [slow, ...body], { pauseMs: 20 });
  expect(status).toBe(202);
});

it("none of them is a record, and a good event beside them arrives", async () => {
  await scene.expectUnharmed();
  const sent = (await scene.entries()).map(({ id }) => id);
  expect(sent.filter((id) => !id.startsWith("good"))).toEqual(["slow"]);
}, 120_000);

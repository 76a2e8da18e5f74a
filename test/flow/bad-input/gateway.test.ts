/** What a client can do wrong at the gateway, and that the others go on. */
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { exchange, head } from "./raw-http.ts";
import { type Frame, Scene, task, until } from "./scene.ts";

let scene: Scene;
let port: number;
let token: string;
beforeAll(async () => {
  scene = await Scene.open();
  port = scene.runner.ports["websocket-gateway"];
  token = await scene.runner.token("u1");
}, 120_000);
afterAll(() => scene[Symbol.asyncDispose]());

interface Ended {
  readonly code: number;
  readonly frames: readonly Frame[];
}

const protocol = "task-events.v1";
const bearer = (text: string): ClientOptions => ({ headers: { authorization: `Bearer ${text}` } });

/** Connects, does something wrong once the hello is there, and tells how it ended. */
async function end(
  path: string,
  { protocols = [protocol], options = {} }: { protocols?: string[]; options?: ClientOptions },
  misbehave: (socket: WebSocket) => void = () => undefined,
): Promise<Ended> {
  const frames: Frame[] = [];
  const socket = new WebSocket(`ws://localhost:${port}${path}`, protocols, options);
  socket.on("message", (bytes: Buffer) => {
    frames.push(JSON.parse(bytes.toString()) as Frame);
    if (frames.length === 1) misbehave(socket);
  });
  const [code] = (await once(socket, "close")) as [number];
  return { code, frames };
}

describe("a WebSocket is closed after the upgrade", () => {
  it.each([
    ["no token", "/ws", {}, 4001],
    ["a token that is none", "/ws", { options: bearer("hello") }, 4001],
    [
      "an unsigned token",
      "/ws",
      { options: bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSJ9.") },
      4001,
    ],
    ["a token in the query", "/ws?token=x&access_token=y", {}, 4001],
    ["a wrong bearer subprotocol", "/ws", { protocols: [protocol, "bearer.a.b.c"] }, 4001],
    ["an empty bearer subprotocol", "/ws", { protocols: [protocol, "bearer."] }, 4001],
  ])("%s", async (_, path, given, code) => {
    expect(await end(path, given)).toEqual({ code, frames: [] });
  });

  it("another user's events", async () => {
    expect(await end("/ws?user_id=u2", { options: bearer(token) })).toMatchObject({ code: 4003 });
  });
});

describe("a frame ends its connection alone", () => {
  it.each<[string, string | Buffer, number]>([
    ["binary", Buffer.from([1, 2, 3]), 1003],
    ["text that is no JSON", "hello", 1007],
    ["an empty text", "", 1007],
    ["an array", '[{"type":"ack"}]', 1007],
    ["nested 1,500 levels deep", `${"[".repeat(1_500)}${"]".repeat(1_500)}`, 1007],
    ["a frame of 20 KB", `{"type":"ack","cursor":"${"x".repeat(20_000)}"}`, 1009],
    ["a frame of 20 MB", Buffer.alloc(20_000_000), 1009],
  ])("%s", async (_, frame, expected) => {
    const { code } = await end("/ws", { options: bearer(token) }, (socket) => {
      socket.on("error", () => undefined).send(frame);
    });
    // A reset may overtake the close frame where much is still being sent.
    expect(frame.length > 1_000_000 ? [1006, expected] : [expected]).toContain(code);
  });

  it.each<[string, number[]]>([
    ["without a mask", [0x81, 0x02, 0x68, 0x69]],
    ["of an unknown opcode", [0x83, 0x80, 0, 0, 0, 0]],
    ["with reserved bits", [0xf1, 0x80, 0, 0, 0, 0]],
    ["a continuation of nothing", [0x80, 0x80, 0, 0, 0, 0]],
    ["a ping in pieces", [0x09, 0x80, 0, 0, 0, 0]],
    ["a length of 2^63", [0x81, 0xff, 0xff, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]],
    ["text that is not UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xff]],
  ])("raw: %s", async (_, bytes) => {
    const upgrade = head("GET /ws", port, { ...handshake(), Authorization: `Bearer ${token}` });
    const socket = connect(port, "127.0.0.1", () => socket.write(upgrade));
    socket.on("error", () => undefined);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      const isFirst = !text.includes("hello");
      text += chunk.toString("latin1");
      if (isFirst && text.includes("hello")) socket.write(Buffer.from(bytes));
    });
    await once(socket, "close");
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
  });

  it("but what it does not know, or cannot use, is passed over", async () => {
    const client = await scene.connect("u1");
    for (const frame of [
      "{}",
      '{"type":"later"}',
      '{"type":"ack"}',
      '{"type":"ack","cursor":7}',
      '{"type":"ack","cursor":"hello"}',
      `{"type":"ack","cursor":"${"A".repeat(16_000)}"}`,
      '{"__proto__":{"type":"ack"},"constructor":1}',
    ]) {
      client.socket.send(frame);
    }
    const id = "after-odd-frames";
    await scene.runner.post({ id, type: "task.updated", partitionkey: id }, task(id));
    await until(() => expect(client.ids()).toContain(id));
    client.socket.close();
  }, 90_000);
});

const handshake = (): Record<string, string> => ({
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
});

describe("the handshake", () => {
  it.each<[string, string, Record<string, string>, number]>([
    ["another path", "GET /", {}, 404],
    ["a path that climbs", "GET /x/../ws", {}, 404],
    ["an old version", "GET /ws", { "Sec-WebSocket-Version": "12" }, 400],
    ["no version", "GET /ws", { "Sec-WebSocket-Version": "" }, 400],
    ["a short key", "GET /ws", { "Sec-WebSocket-Key": "x" }, 400],
    ["subprotocols that are none", "GET /ws", { "Sec-WebSocket-Protocol": "a,,b" }, 400],
    ["the same subprotocol twice", "GET /ws", { "Sec-WebSocket-Protocol": "a,a" }, 400],
    ["POST", "POST /ws", {}, 405],
    ["a bad device", "GET /ws?device=a%20b", {}, 400],
    ["a device of 100 letters", `GET /ws?device=${"x".repeat(100)}`, {}, 400],
    ["an empty user", "GET /ws?user_id=", {}, 400],
    ["no upgrade to WebSocket", "GET /ws", { Upgrade: "h2c" }, 426],
    ["no upgrade at all", "GET /ws", { Upgrade: "", Connection: "close" }, 426],
  ])("%s", async (_, line, change, status) => {
    const headers = { ...handshake(), Authorization: `Bearer ${token}`, ...change };
    expect((await exchange(port, [head(line, port, headers)])).status).toBe(status);
  });

  it.each(["other.v1", `bearer.${"x".repeat(30)}`])(
    "never echoes the subprotocol %s",
    async (offered) => {
      const headers = {
        ...handshake(),
        Authorization: `Bearer ${token}`,
        "Sec-WebSocket-Protocol": offered,
      };
      const socket = connect(port, "127.0.0.1", () => socket.write(head("GET /ws", port, headers)));
      const [bytes] = (await once(socket, "data")) as [Buffer];
      expect(bytes.toString("latin1")).toMatch(/^HTTP\/1\.1 101 /);
      expect(bytes.toString("latin1")).not.toMatch(/sec-websocket-protocol/i);
      socket.destroy();
    },
  );
});

describe("a cursor that is none of ours begins anew, and says so", () => {
  const cursors = ["hello", "%00", "", "A".repeat(60_000), "..", "AQAA.AAAAAAAAAAAAAAAA", "%ff%fe"];

  it.each(cursors)("WebSocket: %.20s", async (cursor) => {
    const { frames, socket } = await scene.connect("u1", { query: `?cursor=${cursor}` });
    expect(frames[0]).toMatchObject({ type: "hello", recovered: false });
    socket.close();
  });

  it.each(cursors.filter((cursor) => !cursor.includes("%")))("SSE: %.20s", async (cursor) => {
    const aborted = new AbortController();
    const response = await fetch(scene.runner.url("websocket-gateway", `/sse?cursor=${cursor}`), {
      headers: { authorization: `Bearer ${token}`, "last-event-id": cursor },
      signal: aborted.signal,
    });
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes("hello")) break;
    }
    aborted.abort();
    expect(text).toContain('"recovered":false');
  });

  it("a cursor that was changed, too", async () => {
    const first = await scene.connect("u1");
    const cursor = first.frames[0]?.cursor ?? "";
    first.socket.close();
    const changed = `${cursor.slice(0, -2)}${cursor.endsWith("AA") ? "BB" : "AA"}`;
    const { frames, socket } = await scene.connect("u1", { query: `?cursor=${changed}` });
    expect(frames[0]).toMatchObject({ recovered: false });
    socket.close();
  });
});

describe("tickets", () => {
  const open = async (ticket: string, headers: Record<string, string> = {}): Promise<number> => {
    const aborted = new AbortController();
    const url = scene.runner.url("websocket-gateway", `/sse?ticket=${ticket}`);
    const { status } = await fetch(url, { headers, signal: aborted.signal });
    aborted.abort();
    return status;
  };

  it.each(["", "hello", "a.b.c", "%00", "x".repeat(60_000)])("not %.10s", async (ticket) => {
    expect(await open(ticket)).toBe(401);
  });

  it("not a user's token, and not one twice", async () => {
    expect(await open(token)).toBe(401);
    const response = await fetch(scene.runner.url("websocket-gateway", "/tickets"), {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
    });
    const { ticket } = (await response.json()) as { ticket: string };
    expect(await open(ticket)).toBe(200);
    expect(await open(ticket)).toBe(401);
    expect(await open(ticket, { "last-event-id": "forged" })).toBe(401);
  });
});

it("a user has 100 connections at most, and another user theirs", async () => {
  const crowd = await scene.runner.token("crowd");
  const sockets = Array.from(
    { length: 105 },
    () => new WebSocket(`ws://localhost:${port}/ws`, protocol, bearer(crowd)),
  );
  const codes: number[] = [];
  let greeted = 0;
  for (const socket of sockets) {
    socket.once("message", () => greeted++).on("close", (code) => codes.push(code));
  }
  await until(() => expect([greeted, codes]).toEqual([100, Array(5).fill(4029)]));
  const { socket } = await scene.connect("u2");
  socket.close();
  for (const each of sockets) each.terminate();
  await until(async () => {
    const health = await fetch(scene.runner.url("websocket-gateway", "/health"));
    expect(await health.json()).toMatchObject({ connections: 0 });
  });
}, 90_000);

it("tells no token to its log, and others go on", async () => {
  await scene.expectUnharmed();
  const folder = join(scene.runner.stateDir, "log");
  const logs = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  for (const text of [scene.runner.output, ...logs]) {
    expect(text).not.toContain(token.split(".")[2] ?? "");
  }
}, 120_000);

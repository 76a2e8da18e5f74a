/** A Knative Service on the laptop: scale from and to zero, and a front that changes nothing on the way. */
import { createHash, randomBytes } from "node:crypto";
import { request, type IncomingMessage, type RequestOptions } from "node:http";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import type { RunningService } from "../../../local/process/service.ts";
import { fixtureCommand } from "./fixture/command.ts";
import { fastClock, scaleOf } from "./fixture/scale.ts";
import { fixtureServices } from "./fixture/service.ts";

const { notes, running, start } = fixtureServices();

interface Answer {
  res: IncomingMessage;
  body: string;
}

function call(service: RunningService, path: string, options: RequestOptions = {}, body?: Buffer) {
  return new Promise<Answer>((resolve, reject) => {
    const headers = { host: `localhost:${String(service.port)}` };
    const req = request(
      { host: "127.0.0.1", port: service.port, path, headers, ...options },
      (res) => void text(res).then((got) => resolve({ res, body: got }), reject),
    );
    req.on("error", reject).end(body);
  });
}

it("starts with the first request, which waits, and is gone after the idle window", async () => {
  const service = await start({ scale: scaleOf({ window: "6s" }), ...fastClock });
  const { body } = await call(service, "/pid");
  expect(Number(body)).toBeGreaterThan(0);
  expect(notes.join()).toMatch(/fixture: awake after \d+ ms/);
  await expect.poll(() => alive(Number(body)), { timeout: 5_000 }).toBe(false);
  expect(notes.join()).toMatch(/fixture: asleep: idle, after \d+ s awake/);
  expect((await call(service, "/pid")).body).not.toBe(body);
});

it("stays awake while a request is being answered, however long", async () => {
  const service = await start({ scale: scaleOf({ window: "6s" }), ...fastClock });
  expect((await call(service, "/slow")).body).toBe("slow");
  expect(notes.filter((line) => line.includes("ended with"))).toEqual([]);
});

it("keeps min-scale processes and starts no more than max-scale", async () => {
  const scale = scaleOf({ "min-scale": "1", "max-scale": "2", window: "12s" }, 1);
  const service = await start({ scale, ...fastClock });
  await service.wake();
  const pids = new Set<string>();
  await expect
    .poll(
      async () => {
        const slow = Array.from({ length: 6 }, () => call(service, "/slow"));
        await Promise.all(slow);
        const both = await Promise.all([call(service, "/pid"), call(service, "/pid")]);
        both.forEach(({ body }) => pids.add(body));
        return pids.size;
      },
      { timeout: 15_000 },
    )
    .toBe(2);
  await expect
    .poll(() => [...pids].filter((pid) => alive(Number(pid))).length, { timeout: 5_000 })
    .toBe(1);
});

it("passes header bytes, repeated answer headers and the reason phrase unchanged", async () => {
  const service = await start();
  const headers = [
    "Host",
    `localhost:${String(service.port)}`,
    "Ce-Id",
    Buffer.from("grün ✓").toString("latin1"),
    "ce-title",
    "a\u00ffb",
    "ce-long",
    "y".repeat(64 * 1024),
  ];
  const { res, body } = await call(service, "/headers", { headers });
  const seen = JSON.parse(body) as string[];
  for (const part of headers) expect(seen).toContain(part);
  expect([res.statusCode, res.statusMessage]).toEqual([202, "Taken In"]);
  expect(res.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  expect(res.headers["x-byte"]).toBe("gr\u00fcn");
  expect(res.headers["x-content-type-options"]).toBe("nosniff");
});

it("streams a body of 20 MB, with and without a length", async () => {
  const service = await start();
  const body = randomBytes(20 * 1024 * 1024);
  const hash = createHash("sha256").update(body).digest("hex");
  const host = { host: `localhost:${String(service.port)}` };
  const lengths = [{ "content-length": body.length }, { "transfer-encoding": "chunked" }];
  for (const length of lengths) {
    const headers = { ...host, ...length };
    expect((await call(service, "/hash", { method: "POST", headers }, body)).body).toBe(hash);
  }
});

it("sends an answer's head before its body ends, and ends with the client", async () => {
  const service = await start();
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { host: `localhost:${String(service.port)}` };
    request({ host: "127.0.0.1", port: service.port, path: "/stream", headers }, resolve)
      .on("error", reject)
      .end();
  });
  const first = await new Promise((resolve) => res.once("data", resolve));
  expect(String(first)).toBe("data: 1\n\n");
  res.destroy();
});

it("uses a connection to the function again", async () => {
  const service = await start();
  const first = await call(service, "/connection");
  expect((await call(service, "/connection")).body).toBe(first.body);
});

it("answers 502 where the function dies in the middle, and has another one for the next request", async () => {
  const service = await start();
  expect((await call(service, "/die")).res.statusCode).toBe(502);
  // The kernel may still be closing its sockets: one more 502 is right then.
  await expect.poll(() => call(service, "/pid").then(({ body }) => body)).toMatch(/^\d+$/);
  expect(notes).toContain("fixture: ended with SIGKILL");
});

it("breaks the answer off where the function dies after its beginning: half is not the whole", async () => {
  const service = await start();
  await expect(call(service, "/half")).rejects.toThrow("aborted");
});

it("passes on an answer that came before the body was complete", async () => {
  const service = await start();
  const { res, body } = await call(service, "/early", { method: "POST" }, randomBytes(5_000_000));
  expect([res.statusCode, body]).toEqual([413, "too large"]);
});

it("tells who waits that a function does not start for a person's mistake, with its sentence", async () => {
  const service = await start({ process: fixtureCommand({ env: { MODE: "mistake" } }) });
  const { res, body } = await call(service, "/pid");
  expect(res.statusCode).toBe(503);
  expect(body).toContain("DATABASE_URL is missing");
});

it("answers 503 where the function crashes at every start", async () => {
  const service = await start({ process: fixtureCommand({ env: { MODE: "crash" } }) });
  expect((await call(service, "/pid")).res.statusCode).toBe(503);
});

it("does not end a request that is being answered when it is stopped", async () => {
  const service = await start();
  await service.wake();
  const answer = call(service, "/slow");
  await expect.poll(() => call(service, "/pid").then(() => true)).toBe(true);
  await running.splice(0)[0]?.[Symbol.asyncDispose]();
  expect((await answer).body).toBe("slow");
});

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

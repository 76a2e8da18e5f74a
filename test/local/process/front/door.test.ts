/** A function is the same to the runner's own parts, by its door, as to others, through its front port. */
import { request } from "node:http";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { CutOffError } from "../../../../local/exchange.ts";
import type { RunningService } from "../../../../local/process/service.ts";
import { fixtureCommand } from "../fixture/command.ts";
import { scaleOf } from "../fixture/scale.ts";
import { fixtureServices } from "../fixture/service.ts";

const { notes, start } = fixtureServices();

interface Given {
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
  readonly end?: AbortController;
}

type Way = (service: RunningService, given: Given) => Promise<{ status: number; body: Buffer }>;

const throughThePort: Way = ({ port }, { path, headers, body, end }) =>
  new Promise((resolve, reject) => {
    const options = { port, path, method: "POST", headers: headers ?? {} };
    const outgoing = request({ host: "127.0.0.1", signal: end?.signal, ...options }, (answer) => {
      buffer(answer).then((got) => resolve({ status: answer.statusCode ?? 0, body: got }), reject);
    });
    outgoing.on("error", reject);
    if (body === undefined) outgoing.removeHeader("transfer-encoding");
    else outgoing.setHeader("content-length", body.length);
    outgoing.end(body);
  });

const byTheDoor: Way = ({ port, door }, { path, headers = {}, body = null, end }) =>
  door({
    method: "POST",
    url: new URL(path, `http://127.0.0.1:${String(port)}`),
    headers,
    body,
    end: end ?? new AbortController(),
  });

const textOf = async (answer: ReturnType<Way>): Promise<[number, string]> => {
  const { status, body } = await answer;
  return [status, body.toString()];
};

describe.each([
  ["through the front port", throughThePort],
  ["by the door", byTheDoor],
])("%s", (_, post) => {
  it("a function that sleeps is woken, and the request waits for it", async () => {
    const service = await start();
    expect((await post(service, { path: "/pid" })).status).toBe(200);
    expect(notes.join()).toMatch(/fixture: awake after \d+ ms/);
  });

  it("header bytes come unchanged, with the front's own name, and a length of 0 without data", async () => {
    const service = await start();
    const headers = { "ce-title": "a\u00ffb", "ce-id": Buffer.from("grün ✓").toString("latin1") };
    const { body } = await post(service, { path: "/headers", headers });
    const list = JSON.parse(body.toString()) as string[];
    const seen = Array.from({ length: list.length / 2 }, (__, at) => [
      (list[at * 2] ?? "").toLowerCase(),
      list[at * 2 + 1],
    ]);
    expect(Object.fromEntries(seen)).toEqual({
      ...headers,
      host: `127.0.0.1:${String(service.port)}`,
      "content-length": "0",
      connection: "keep-alive",
    });
  });

  it("data comes whole", async () => {
    const service = await start();
    const given = { path: "/echo?x=1", body: Buffer.from([0, 255, 13, 10, 128]) };
    expect((await post(service, given)).body).toEqual(given.body);
  });

  it("502 is the answer where the function dies before it has answered", async () => {
    const service = await start();
    const [status, text] = await textOf(post(service, { path: "/die" }));
    expect(status).toBe(502);
    expect(text).toMatch(/^the function did not answer: .+\n$/);
  });

  it("there is no answer where it dies in the middle of one", async () => {
    const service = await start();
    await expect(post(service, { path: "/half" })).rejects.toThrow("aborted");
  });

  it("503 with its sentence is the answer where it does not start for a person's mistake", async () => {
    const service = await start({ process: fixtureCommand({ env: { MODE: "mistake" } }) });
    const [status, text] = await textOf(post(service, { path: "/pid" }));
    expect(status).toBe(503);
    expect(text).toMatch(/DATABASE_URL is missing: set it in the Service\n$/);
  });

  it("who gives up gives its place to the next", async () => {
    const service = await start({ scale: scaleOf({ "max-scale": "1" }, 1) });
    await service.wake();
    const end = new AbortController();
    const given = post(service, { path: "/never", end });
    const next = post(service, { path: "/pid" });
    end.abort();
    await expect(given).rejects.toThrow("aborted");
    expect((await next).status).toBe(200);
  });
});

it("the door tells an answer that was cut off from none, with what there was of it", async () => {
  const service = await start();
  const error = await byTheDoor(service, { path: "/half" }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CutOffError);
  expect((error as CutOffError).begun.body.toString()).toBe("half");
});

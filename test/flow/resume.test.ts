/** Clients that come back: to the same replica, another one, a restarted one, and after everything was stopped. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import {
  type EventFrame,
  type HelloFrame,
  SseClient,
  WsClient,
} from "../functions/websocket-gateway/fixture/client.ts";
import { pidsOf } from "../support/chaos.ts";
import { entriesOf, publish, type TaskEvent, until } from "../support/look.ts";
import { Runner } from "../support/runner.ts";

const GATEWAY = "websocket-gateway";

let runner: Runner;
let token: string;
let url: string;

beforeAll(async () => {
  runner = await Runner.start({
    edit: {
      // A ring so short that 1,000 missed events are in audit-log alone.
      "knative/base/stateful-set-websocket-gateway.yaml": (text) =>
        text
          .replace("replicas: 1", "replicas: 2")
          .replace(
            "- name: POD_NAME",
            '- name: RING_EVENTS\n              value: "200"\n            - name: POD_NAME',
          ),
    },
  });
  token = await runner.token("u1");
  url = runner.url(GATEWAY);
  await until(async () => expect(await replicas()).toHaveLength(2));
});
afterAll(() => runner[Symbol.asyncDispose]());

interface Replica {
  readonly pid: number;
  /** Its own, behind the front's. */
  readonly url: string;
  readonly connections: number;
}

/** Those that are ready. */
async function replicas(): Promise<Replica[]> {
  const found = await Promise.all(pidsOf(runner, GATEWAY).map(toReplica));
  return found.filter((it) => it !== undefined);
}

async function toReplica(pid: number): Promise<Replica | undefined> {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    const own = `http://127.0.0.1:${/(?:^|\0)PORT=(\d+)/.exec(environment)?.[1]}`;
    const ready = await fetch(`${own}/health/readiness`);
    const health = await fetch(`${own}/health`);
    const { connections } = (await health.json()) as { connections: number };
    return ready.ok ? { pid, url: own, connections } : undefined;
  } catch {
    return undefined;
  }
}

/** The replicas that have clients. */
const holders = async (): Promise<Replica[]> =>
  (await replicas()).filter(({ connections }) => connections > 0);

const events = (name: string, count: number, user = "u1"): TaskEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `${name}-${index}`,
    task: `${name}-t${index % 20}`,
    user,
  }));
const idsOf = (list: readonly TaskEvent[]): string[] => list.map(({ id }) => id);

async function connect(
  options: ConstructorParameters<typeof WsClient>[1] = {},
  to = url,
): Promise<WsClient> {
  const client = new WsClient(to, { token, ...options });
  await client.hello();
  return client;
}

/** The cursor of a client that has seen all so far. */
async function cursorNow(name: string): Promise<string> {
  const client = await connect();
  await publish(runner, [{ id: name }]);
  // One that is connected to a replica which is behind may get earlier ones first.
  await until(() => expect(client.ids.at(-1)).toBe(name));
  await client.leave();
  return client.lastCursor;
}

/** What a gateway can recover: it waits for audit-log no longer than 10 s. */
const untilRecorded = (ids: readonly string[]): Promise<void> =>
  until(async () => {
    const recorded = new Set((await entriesOf(runner)).map(({ id }) => id));
    expect(ids.filter((id) => !recorded.has(id))).toEqual([]);
  });

/** Recovered, exactly these, those of each task in order; then what happens live. */
async function expectResumed(
  client: WsClient,
  missed: readonly string[],
  live: string,
): Promise<void> {
  expect(await client.hello()).toMatchObject({ recovered: true });
  await until(() => expect(client.ids.length).toBeGreaterThanOrEqual(missed.length));
  await publish(runner, [{ id: live }]);
  await until(() => expect(client.ids).toContain(live));
  expect(client.ids.at(-1)).toBe(live);
  expect(client.ids.slice(0, -1).sort()).toEqual([...missed].sort());
  expectInOrder(client.events);
}

function expectInOrder(frames: readonly EventFrame[]): void {
  const lastOf = new Map<string, number>();
  for (const { event } of frames) {
    const { task_id: task } = event.data as { task_id: string };
    const number = Number(event.id.split("-").at(-1));
    if (Number.isNaN(number)) continue;
    expect(number).toBeGreaterThan(lastOf.get(task) ?? -1);
    lastOf.set(task, number);
  }
}

describe("a client that missed 1,000 events", { timeout: 180_000 }, () => {
  it("gets exactly those at either replica, then live ones", async () => {
    const cursor = await cursorNow("before thousand");
    const missed = events("thousand", 1_000);
    await publish(runner, [...missed, ...events("theirs", 100, "u2")]);
    const both = await replicas();
    expect(both).toHaveLength(2);
    const ids = idsOf(missed);
    await untilRecorded(ids);
    for (const [index, replica] of both.entries()) {
      const client = await connect({ cursor }, replica.url);
      await expectResumed(client, ids, `after thousand ${index}`);
      ids.push(`after thousand ${index}`);
      await client.leave();
    }
    const stream = new SseClient(`${url}/sse`, {
      authorization: `Bearer ${token}`,
      "last-event-id": cursor,
    });
    expect(await stream.hello()).toMatchObject({ recovered: true });
    await stream.untilIds(ids);
    stream.leave();
  });

  it("gets them after every replica was killed with -9", async () => {
    const cursor = await cursorNow("before kill");
    const [before, after] = [events("killed", 500), events("restarted", 500)];
    await publish(runner, before);
    for (const pid of pidsOf(runner, GATEWAY)) process.kill(pid, "SIGKILL");
    await publish(runner, after);
    const missed = idsOf([...before, ...after]);
    await untilRecorded(missed);
    const client = new WsClient(url, { token, cursor });
    await expectResumed(client, missed, "after kill");
  });
});

it(
  "a client whose replica is killed comes back at the other one and misses nothing",
  { timeout: 180_000 },
  async () => {
    await until(async () => expect(await replicas()).toHaveLength(2));
    const follower = follow();
    const all = events("follow", 300);
    for (let from = 0; from < 300; from += 100) {
      await until(() => expect(follower.recovered).toHaveLength(1 + from / 100));
      await until(async () => expect(await holders()).toHaveLength(1));
      await publish(runner, all.slice(from, from + 50));
      const [holder] = await holders();
      process.kill(holder?.pid ?? 0, "SIGKILL");
      await publish(runner, all.slice(from + 50, from + 100));
    }
    // Its first replica may have been behind: then it saw earlier ones before these.
    const seen = (): string[] => follower.seen.filter((id) => id.startsWith("follow-"));
    await until(() => expect(new Set(seen()).size).toBe(300));
    follower.stop();
    expect(seen().sort()).toEqual(idsOf(all).sort());
    expect(follower.recovered).toEqual([undefined, true, true, true]);
  },
);

/** A client as it should be: comes back with its cursor whenever it is closed. */
function follow(): { seen: string[]; recovered: (boolean | undefined)[]; stop: () => void } {
  const [seen, recovered]: [string[], (boolean | undefined)[]] = [[], []];
  let cursor: string | undefined;
  let socket: WebSocket;
  const open = (): void => {
    const query = cursor === undefined ? "" : `?cursor=${cursor}`;
    socket = new WebSocket(`${url.replace("http", "ws")}/ws${query}`, "task-events.v1", {
      headers: { authorization: `Bearer ${token}` },
    });
    socket.on("message", (bytes: Buffer) => {
      const frame = JSON.parse(bytes.toString()) as HelloFrame | EventFrame;
      cursor = frame.cursor;
      if (frame.type === "hello") recovered.push(frame.recovered);
      else seen.push(frame.event.id);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => setTimeout(open, 50));
  };
  open();
  const stop = (): void => socket.removeAllListeners("close").close();
  onTestFinished(stop);
  return { seen, recovered, stop };
}

describe("an event stream", () => {
  const streamIds = (stream: SseClient): string[] => stream.events.map(({ event }) => event.id);

  it("is opened once by a ticket, and again by it at either replica with the id of a frame", async () => {
    const answer = await fetch(`${url}/tickets`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
    });
    const { ticket } = (await answer.json()) as { ticket: string };
    const stream = new SseClient(`${url}/sse?ticket=${ticket}`);
    await stream.hello();
    await publish(runner, [{ id: "ticket one" }]);
    await stream.untilIds(["ticket one"]);
    const lastId = stream.messages.at(-1)?.id ?? "";
    stream.leave();
    await publish(runner, [{ id: "ticket two" }]);
    await until(async () => expect(await replicas()).toHaveLength(2));
    for (const [index, replica] of (await replicas()).entries()) {
      const foreign = await cursorNow(`not of the stream ${index}`);
      const path = `${replica.url}/sse?ticket=${ticket}`;
      expect((await new SseClient(path).response).status).toBe(401);
      const forged = new SseClient(path, { "last-event-id": foreign });
      expect((await forged.response).status).toBe(401);
      const again = new SseClient(path, { "last-event-id": lastId });
      expect(await again.hello()).toMatchObject({ recovered: true });
      await until(() => expect(streamIds(again)[0]).toBe("ticket two"));
      again.leave();
    }
  });
});

describe("who sees what", () => {
  it("a user sees their own events alone, an admin another's by ?user_id", async () => {
    const admin = await runner.token("boss", "admin");
    const [own, other, boss, asked] = [
      await connect(),
      await connect({ token: await runner.token("u2") }),
      await connect({ token: admin }),
      await connect({ token: admin, userId: "u1" }),
    ];
    await publish(runner, [{ id: "of u1", user: "u1" }]);
    await publish(runner, [{ id: "of u2", user: "u2" }]);
    await publish(runner, [{ id: "of boss", user: "boss" }]);
    await own.untilIds(["of u1"]);
    await asked.untilIds(["of u1"]);
    await other.untilIds(["of u2"]);
    await boss.untilIds(["of boss"]);
    const curious = new WsClient(url, { token: await runner.token("u2"), userId: "u1" });
    await until(() => expect(curious.closeCode).toBe(4003));
    expect(curious.frames).toEqual([]);
  });

  it("nobody without a token, or with a forged one", async () => {
    const forged = await sign("another secret that is long enough", 60);
    for (const options of [{}, { token: forged }, { token: await sign(secret(), -60) }]) {
      const client = new WsClient(url, options);
      await until(() => expect([401, 4001]).toContain(client.httpStatus ?? client.closeCode));
      expect(client.frames).toEqual([]);
    }
  });

  it("nobody beyond their token's end: sockets are closed with 4401, streams ended", async () => {
    const brief = await sign(secret(), 4);
    const socket = await connect({ token: brief });
    const stream = new SseClient(`${url}/sse`, { authorization: `Bearer ${brief}` });
    await stream.hello();
    expect(await socket.untilClosed()).toBe(4401);
    await until(() => expect(stream.hasEnded).toBe(true));
  });

  const secret = (): string => {
    const keys = JSON.parse(readFileSync(join(runner.stateDir, "secrets.json"), "utf8")) as {
      token: string;
    };
    return keys.token;
  };
  const sign = (key: string, seconds: number): Promise<string> =>
    new SignJWT({})
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("u1")
      .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
      .sign(new TextEncoder().encode(key));
});

describe("after everything was stopped", { timeout: 240_000 }, () => {
  it.each(["SIGTERM", "SIGKILL"] as const)(
    "by %s and started again, a cursor and a device's last ack are good",
    async (signal) => {
      const name = `stop-${signal}`;
      const device = `phone-${signal}`;
      const phone = await connect({ device });
      const laptop = await connect();
      const seen = events(`${name}-seen`, 9);
      await publish(runner, seen);
      await until(() => expect(phone.events).toHaveLength(9));
      await until(() => expect(laptop.events).toHaveLength(9));
      const [acked, rest] = [phone.events[3], phone.ids.slice(4)];
      phone.ack(acked?.cursor ?? "");
      await phone.leave();
      await laptop.leave();
      const missed = events(`${name}-missed`, 300);
      await publish(runner, missed);

      await runner.kill(signal);
      await runner.start();
      const meanwhile = events(`${name}-after`, 50);
      await publish(runner, meanwhile);
      const ids = idsOf([...missed, ...meanwhile]);
      await untilRecorded(ids);
      await expectResumed(
        new WsClient(url, { token, cursor: laptop.lastCursor }),
        ids,
        `${name} laptop`,
      );
      await expectResumed(
        new WsClient(url, { token, device }),
        [...rest, ...ids, `${name} laptop`],
        `${name} phone`,
      );
    },
  );
});

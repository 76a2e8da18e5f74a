/** The processes behind a Service: which of them get requests, and what happens to those of one that goes. */
import { request, type RequestOptions } from "node:http";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { commandLine } from "../../../../local/process/replica/orphan.ts";
import { DEFAULT_PROBE } from "../../../../local/process/replica/probe.ts";
import { ReplicaSet } from "../../../../local/process/replica/replica-set.ts";
import type { RunningService } from "../../../../local/process/service.ts";
import { fixtureCommand } from "../fixture/command.ts";
import { fastClock, scaleOf } from "../fixture/scale.ts";
import { fixtureServices } from "../fixture/service.ts";

const { note, notes, running, start } = fixtureServices();

interface Answer {
  status: number;
  body: string;
}

function call(service: RunningService, path: string, options: RequestOptions = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const headers = { host: `localhost:${String(service.port)}` };
    request(
      { host: "127.0.0.1", port: service.port, path, headers, agent: false, ...options },
      (res) =>
        void text(res).then((body) => resolve({ status: res.statusCode ?? 0, body }), reject),
    )
      .on("error", reject)
      .end();
  });
}

const alive = (pid: string): boolean => commandLine(Number(pid)) !== "";

const often = { ...DEFAULT_PROBE, periodMs: 20, failureThreshold: 2 };
const probes = {
  startup: { ...often, path: "/health/readiness", failureThreshold: 1_000 },
  readiness: { ...often, path: "/health/readiness" },
  liveness: { ...often, path: "/health/liveness" },
};

it("goes to max-scale in a burst and down again, and answers every request on the way", async () => {
  const scale = scaleOf({ "max-scale": "3", window: "6s" }, 1);
  const service = await start({ scale, ...fastClock });
  const burst = await Promise.all(Array.from({ length: 12 }, () => call(service, "/slow-pid")));
  expect(new Set(burst.map(({ status }) => status))).toEqual(new Set([200]));
  const pids = [...new Set(burst.map(({ body }) => body))];
  expect(pids).toHaveLength(3);
  // A trickle, while the others are stopped.
  const later: Answer[] = [];
  while (pids.filter(alive).length > 1) later.push(await call(service, "/pid"));
  expect(later.filter(({ status }) => status !== 200)).toEqual([]);
  expect(notes.join()).toMatch(/from \d to 3 processes: [\d.]+ at once on average \(panic mode\)/);
});

it("ends a process that is not wanted any more when its requests are answered, and gives it no others", async () => {
  const replicas = new ReplicaSet({
    process: () => fixtureCommand(),
    settleMs: 20_000,
    lastSettleMs: 0,
    note,
    onReady: () => undefined,
    onCrash: () => undefined,
  });
  running.push(replicas);
  replicas.scaleTo(2);
  await expect.poll(() => replicas.ready.length).toBe(2);
  const last = replicas.ready[1];
  if (last === undefined) throw new Error("there is no second process");
  last.inFlight += 1;
  const answer = fetch(`http://127.0.0.1:${String(last.port)}/slow-pid`);
  replicas.scaleTo(1);
  expect(replicas.ready).toHaveLength(1);
  const pid = await (await answer).text();
  expect(alive(pid)).toBe(true);
  last.inFlight -= 1;
  await expect.poll(() => alive(pid)).toBe(false);
});

it("keeps waiting requests through a crash, and the next process answers them", async () => {
  const service = await start({ scale: scaleOf({ "max-scale": "1" }, 1) });
  await service.wake();
  const dying = call(service, "/die");
  const waiting = Array.from({ length: 3 }, () => call(service, "/pid"));
  expect((await dying).status).toBe(502);
  const answers = await Promise.all(waiting);
  // The first of them may have met the dying process.
  expect(answers.slice(1).map(({ status }) => status)).toEqual([200, 200]);
});

it("gives the place of a client that goes away to the next", async () => {
  const service = await start({ scale: scaleOf({ "max-scale": "1" }, 1) });
  await service.wake();
  const gone = new AbortController();
  const left = call(service, "/never", { signal: gone.signal });
  const next = call(service, "/pid");
  gone.abort();
  await expect(left).rejects.toThrow("aborted");
  expect((await next).status).toBe(200);
});

it("sends nothing to a process that is not ready, until it is ready again", async () => {
  const service = await start({ process: fixtureCommand({ probes }) });
  const { body: pid } = await call(service, "/health/set?ready=503&for=400");
  await expect.poll(() => notes.join()).toContain("not ready: it gets no requests");
  const waiting = call(service, "/pid");
  expect((await waiting).body).toBe(pid);
  expect(notes.join()).toContain("ready again");
});

it("restarts a process whose liveness probe fails", async () => {
  const service = await start({ process: fixtureCommand({ probes }) });
  const { body: pid } = await call(service, "/health/set?alive=500");
  await expect.poll(() => notes.join()).toContain("its liveness probe fails: it is restarted");
  await expect.poll(() => alive(pid)).toBe(false);
  const next = await call(service, "/pid");
  expect([next.status, next.body === pid]).toEqual([200, false]);
});

it("restarts a process that does not pass its startup probe, and asks for its liveness only after it", async () => {
  const startup = { ...often, path: "/nowhere" };
  const process = fixtureCommand({
    probes: { ...probes, startup, liveness: { ...often, path: "/nowhere" } },
  });
  await start({ process, scale: scaleOf({ "min-scale": "1" }) });
  await expect.poll(() => notes.join()).toContain("its startup probe fails: it is restarted");
  expect(notes.join()).not.toContain("liveness");
});

it("is ready when it listens where the YAML has no probe, and by another path where it has one", async () => {
  for (const readiness of [DEFAULT_PROBE, { ...DEFAULT_PROBE, path: "/pid" }]) {
    const process = fixtureCommand({ env: { MODE: "never-ready" }, probes: { readiness } });
    const service = await start({ process });
    expect((await call(service, "/pid")).status).toBe(200);
  }
});

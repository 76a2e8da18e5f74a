import { describe, expect, test, vi, type ExpectStatic } from "vitest";
import {
  startPingSource,
  type Clock,
  type PingSource,
} from "../../../local/knative/ping-source.ts";
import {
  checkPingSource,
  pingSource,
  type PingSource as PingSourceResource,
} from "../../../local/manifest/kind/ping-source.ts";
import { faultsOf } from "../../../local/manifest/validate.ts";
import { createReport } from "../../../local/report.ts";
import { comparable, recordings, type PingCase } from "./recording.ts";
import { splitByException } from "./exception.ts";
import { startScriptedSink, type ReceivedRequest } from "./scripted-sink.ts";
import { expectWaits } from "./timeline.ts";

const minute = Date.parse("2026-11-23T12:58:00Z");

/** Time that passes only by sleeping; retries wait for real, 100 to 1600 ms. */
function manualClock(startMs: number, delay = 0.25): Clock & { elapsedMs: number } {
  return {
    elapsedMs: 0,
    now() {
      return new Date(startMs + this.elapsedMs);
    },
    async sleep(ms, signal) {
      // It stops after one tick: the test has what it came for.
      if (this.elapsedMs + ms > 45_000) {
        await new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("stopped")));
        });
      }
      this.elapsedMs += ms;
    },
    random: () => delay,
  };
}

const start = (source: Partial<PingSource>, sinkUrl: string, clock: Clock, lines: string[] = []) =>
  startPingSource({
    source: { namespace: "tasks", name: "json", schedule: "* * * * *", ...source },
    sinkUrl,
    functionName: "recurring-task",
    report: createReport({ print: (line) => lines.push(line) }),
    clock,
  });

describe.concurrent("the adapter, recorded", () => {
  const { same, different } = splitByException("ping", recordings<PingCase>("ping"));
  test.for(same)("$name", { timeout: 15_000 }, async (recorded, { expect }) => {
    await expectAsRecorded(recorded, expect);
  });
  test.fails.for(different)("$name, differs", { timeout: 15_000 }, (recorded, { expect }) =>
    expectAsRecorded(recorded, expect),
  );
});

async function expectAsRecorded(recorded: PingCase, expect: ExpectStatic): Promise<void> {
  const refusal = faultOf(recorded);
  if (recorded.admitted) expect(refusal).toBeUndefined();
  // What the webhook refuses reaches no adapter.
  else return expect(refusal).toContain(recorded.spec.schedule.split(" ", 1)[0]);
  const { name, namespace, spec, sinkScript, deliveries } = recorded;
  await using sink = await startScriptedSink(sinkScript);
  const lines: string[] = [];
  const source = { ...spec, namespace, name, extensions: spec.ceOverrides?.extensions };
  await using _ = start(source, sink.url, manualClock(minute - 30_000), lines);
  const isSettled = () => lines.some((line) => / attempt \d/.test(line) && !line.endsWith("retry"));
  await expect.poll(isSettled, { timeout: 10_000 }).toBe(true);
  expect(sink.received.map(requestOf)).toEqual(
    deliveries.map(({ method, path, headers = {}, bodyBase64 = "" }) => ({
      method,
      path,
      headers: withoutChance(headers),
      body: bodyBase64,
    })),
  );
  expect(new Set(sink.received.map(({ headers }) => headers["ce-id"])).size).toBe(1);
  const seen = sink.received.map((request) => ({ ...request, record: 0 }));
  const sent = deliveries.map((request) => ({ ...request, record: 0 }));
  expectWaits({ deliveries: seen, deadLetters: [] }, { deliveries: sent, deadLetters: [] }, expect);
}

/** The first thing that is wrong with it as a manifest. */
function faultOf({ name, spec }: PingCase): string | undefined {
  const kind = { apiVersion: "sources.knative.dev/v1", kind: "PingSource", metadata: { name } };
  const resource = { ...kind, spec: { ...spec, sink: { uri: "http://sink.example" } } };
  const place = { file: "ping.yaml", line: 1 };
  const [first] = [
    ...faultsOf(pingSource, resource),
    ...checkPingSource({ ...resource, at: place, placeOf: () => place } as PingSourceResource),
  ];
  return first?.sentence;
}

function withoutChance(headers: ReceivedRequest["headers"]) {
  const { "ce-id": id, "ce-time": time, ...rest } = comparable(headers);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(time).toMatch(/^2026-11-23T12:58:00\.\d+Z$/);
  return rest;
}

const requestOf = ({ method, path, headers, body }: ReceivedRequest) => ({
  method,
  path,
  headers: withoutChance(headers),
  body: body.toString("base64"),
});

test("a ping leaves up to half a second after the full minute, stamped with its own time", async () => {
  await using sink = await startScriptedSink([{ status: 204 }]);
  await using _ = start({}, sink.url, manualClock(minute - 30_000, 0.5));
  await vi.waitFor(() => expect(sink.received).not.toHaveLength(0));
  expect(sink.received[0]?.headers["ce-time"]).toBe("2026-11-23T12:58:00.250Z");
});

test("the schedule is read in the source's time zone", async () => {
  await using sink = await startScriptedSink([{ status: 204 }]);
  const clock = manualClock(Date.parse("2026-01-01T18:29:30Z"), 0);
  const midnight = { schedule: "0 0 * * *", timezone: "Asia/Kolkata" };
  await using _ = start(midnight, sink.url, clock);
  await vi.waitFor(() => expect(sink.received).not.toHaveLength(0));
  expect(sink.received[0]?.headers["ce-time"]).toBe("2026-01-01T18:30:00.000Z");
});

test("a ping that nobody takes is lost with a line, as Knative loses it without one", async () => {
  await using sink = await startScriptedSink([{ status: 400 }]);
  const lines: string[] = [];
  await using _ = start({}, sink.url, manualClock(minute - 30_000), lines);
  const loss = "json: WARNING: a ping is lost: nobody took it. Knative loses it silently";
  await vi.waitFor(() => expect(lines).toContain(loss));
});

test("stopping does not wait for a ping that hangs", async () => {
  await using sink = await startScriptedSink("hang");
  const lines: string[] = [];
  const source = start({}, sink.url, manualClock(minute - 30_000), lines);
  await vi.waitFor(() => expect(sink.received).not.toHaveLength(0));
  await source[Symbol.asyncDispose]();
  expect(sink.received).toHaveLength(1);
});

test("a schedule or a time zone that does not exist is refused at once", () => {
  const clock = manualClock(minute);
  expect(() => start({ schedule: "61 * * * *" }, "http://localhost:1/", clock)).toThrow("61");
  expect(() => start({ timezone: "Mars/Olympus" }, "http://localhost:1/", clock)).toThrow("Mars");
});

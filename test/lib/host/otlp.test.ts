/** Traces are told to a collector, and what becomes of an event does not depend on it. */
import { once } from "node:events";
import { createServer } from "node:net";
import pino from "pino";
import { expect, it } from "vitest";
import { defineFunction, onEverything } from "../../../lib/host/function.ts";
import { readHostEnv } from "../../../lib/host/env.ts";
import { startFunction } from "../../../lib/host/serve.ts";
import { startOtlpReceiver } from "../../support/otlp-receiver.ts";

const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async function start(endpoint: string | undefined, ratio = "1") {
  const lines: string[] = [];
  const passedOn: (string | undefined)[] = [];
  const definition = defineFunction({
    name: "sleeper",
    open: async () => ({ [Symbol.asyncDispose]: () => Promise.resolve() }),
    handlers: [
      onEverything(async (_, { traceparent }) => {
        passedOn.push(traceparent);
        return "done";
      }),
    ],
  });
  const env = readHostEnv({
    HOST: "127.0.0.1",
    PORT: "0",
    METRICS_PORT: "0",
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_TRACES_SAMPLER_ARG: ratio,
  });
  const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  const running = await startFunction(definition, env, log);
  const post = async (traceparent?: string): Promise<number> => {
    const headers = {
      "content-type": "application/json",
      "ce-specversion": "1.0",
      "ce-id": "e1",
      "ce-source": "/test",
      "ce-type": "task.created",
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    const body = JSON.stringify({ task_id: "t1", user_id: "u1", payload: { title: "a" } });
    return (await fetch(running.url, { method: "POST", headers, body })).status;
  };
  return { running, post, lines, passedOn };
}

it("what is not sent yet is sent before the function ends", async () => {
  await using collector = await startOtlpReceiver();
  const { running, post, passedOn } = await start(collector.url);
  expect(await post(given)).toBe(204);
  await running[Symbol.asyncDispose]();
  const [span] = collector.spans;
  expect(span).toMatchObject({ service: "sleeper", name: "process task.created" });
  // Effects are children of the work, not of what led to it.
  expect(passedOn).toEqual([`00-${span?.traceId}-${span?.spanId}-01`]);
  expect(given).toContain(`-${span?.traceId}-${span?.parentSpanId}-`);
});

it("an event without a trace begins one, as often as it is wished", async () => {
  await using collector = await startOtlpReceiver();
  const always = await start(collector.url);
  const never = await start(collector.url, "0");
  expect([await always.post(), await never.post()]).toEqual([204, 204]);
  await always.running[Symbol.asyncDispose]();
  await never.running[Symbol.asyncDispose]();
  expect(collector.spans).toHaveLength(1);
  expect(never.passedOn[0]).toMatch(/-00$/);
});

it("a collector that is away costs no event, and is told of in the log", async () => {
  const nobody = createServer();
  await once(nobody.listen(0, "127.0.0.1"), "listening");
  const address = nobody.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await new Promise((resolve) => nobody.close(resolve));
  const { running, post, lines } = await start(`http://127.0.0.1:${port}`);
  expect(await post(given)).toBe(204);
  await running[Symbol.asyncDispose]();
  expect(lines.join("")).toContain("spans were not delivered");
});

it("without a collector the trace is handed on as it came", async () => {
  const { running, post, passedOn } = await start(undefined);
  expect([await post(given), await post()]).toEqual([204, 204]);
  await running[Symbol.asyncDispose]();
  expect(passedOn).toEqual([given, undefined]);
});

it("a wrong address or share is said in a sentence", () => {
  expect(() => readHostEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" })).toThrow(
    /OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that starts with http:\/\//,
  );
  expect(() => readHostEnv({ OTEL_TRACES_SAMPLER_ARG: "2" })).toThrow(/from 0 to 1/);
});

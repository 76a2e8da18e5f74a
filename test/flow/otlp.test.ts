/** With OTEL_EXPORTER_OTLP_ENDPOINT set, a collector sees one event on its way through every function as one trace. */
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type OtlpReceiver,
  type ReceivedSpan,
  startOtlpReceiver,
} from "../support/otlp-receiver.ts";
import { Runner } from "../support/runner.ts";

let collector: OtlpReceiver;
let runner: Runner;

beforeAll(async () => {
  collector = await startOtlpReceiver();
  runner = await Runner.start({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=tasks",
    },
  });
});
afterAll(async () => {
  await runner[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
});

const producer = "00f067aa0ba902b7";

/** Posts a task.created of that trace. */
async function post(id: string, traceId: string, flags = "01", data?: unknown) {
  const status = await runner.post(
    {
      id,
      type: "task.created",
      subject: id,
      partitionkey: id,
      traceparent: `00-${traceId}-${producer}-${flags}`,
    },
    data ?? { task_id: id, user_id: "u1", payload: { title: "Buy milk" } },
  );
  expect(status).toBe(202);
}

const spansOf = (traceId: string) => collector.spans.filter((span) => span.traceId === traceId);
const named = (spans: readonly ReceivedSpan[], service: string, name: string) =>
  spans.find((span) => span.service === service && span.name === name);

it("shows what each function did with an event, and the mail that came of it", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  await post("t1", traceId);
  await expect
    .poll(
      () =>
        spansOf(traceId)
          .map(({ service, name }) => `${service}: ${name}`)
          .sort(),
      {
        timeout: 30_000,
      },
    )
    .toEqual([
      "audit-log: process task.created",
      "notification: process task.created",
      "notification: send email",
      "recurring-task: process task.created",
      "websocket-gateway: show task.created",
    ]);
  const spans = spansOf(traceId);
  for (const span of spans.filter(({ kind }) => kind === 5)) {
    expect(span.parentSpanId).toBe(producer);
    expect(span.attributes).toMatchObject({
      "cloudevents.event_id": "t1",
      "cloudevents.event_source": "/task-app",
      "task_events.outcome": "done",
    });
  }
  const told = named(spans, "notification", "process task.created");
  expect(named(spans, "notification", "send email")).toMatchObject({
    kind: 3,
    parentSpanId: told?.spanId,
    attributes: { "task_events.outcome": "sent", "task_events.attempt": 1 },
  });
  expect(collector.headers[0]).toMatchObject({
    "x-tenant": "tasks",
    "content-type": "application/json",
  });
});

it("marks what was refused", async () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  await post("t2", traceId, "01", { task_id: 1 });
  await expect
    .poll(() => named(spansOf(traceId), "notification", "process task.created"), {
      timeout: 30_000,
    })
    .toMatchObject({
      status: { code: 2, message: "data_invalid" },
      attributes: { "task_events.outcome": "refused" },
    });
});

it("follows the producer, who did not want a trace", async () => {
  const [unwanted, wanted] = [
    "11111111111111111111111111111111",
    "22222222222222222222222222222222",
  ];
  await post("t3", unwanted, "00");
  await post("t4", wanted);
  await expect.poll(() => spansOf(wanted).length, { timeout: 30_000 }).toBe(5);
  expect(spansOf(unwanted)).toEqual([]);
});

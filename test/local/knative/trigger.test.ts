import { afterAll, beforeAll, expect, test } from "vitest";
import { startTrigger, type Trigger } from "../../../local/knative/trigger.ts";
import { createReport } from "../../../local/report.ts";
import { eventHeaders, startLog, type TopicLog } from "./topic-log.ts";
import type { ScriptedAnswer } from "./recording.ts";
import { startScriptedSink, type ScriptedSink } from "./scripted-sink.ts";

let log: TopicLog;

beforeAll(async () => {
  log = await startLog();
});

afterAll(async () => {
  await log[Symbol.asyncDispose]();
});

interface Scene extends AsyncDisposable {
  readonly sink: ScriptedSink;
  readonly deadLetterSink: ScriptedSink;
  readonly lines: string[];
}

/** A Trigger on a topic of its own, which is made if it is not there. */
async function start(
  topic: string,
  trigger: Partial<Trigger> = {},
  answers: readonly ScriptedAnswer[] = [{ status: 204 }],
): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const sink = stack.use(await startScriptedSink(answers));
  const deadLetterSink = stack.use(await startScriptedSink([{ status: 204 }]));
  const lines: string[] = [];
  stack.use(
    await startTrigger({
      trigger: {
        namespace: "default",
        name: "mailer",
        topic,
        consumerGroup: `knative-trigger-${topic}`,
        ordering: "ordered",
        initialOffset: "earliest",
        filter: {},
        delivery: {
          retry: 1,
          backoffPolicy: "linear",
          backoffDelayMs: 50,
          timeoutMs: 5_000,
          deadLetterSinkUrl: deadLetterSink.url,
        },
        ...trigger,
      },
      sinkUrl: sink.url,
      functionName: "notification",
      kafka: log.kafka,
      report: createReport({ print: (line) => lines.push(line) }),
      commitIntervalMs: 50,
    }),
  );
  const owned = stack.move();
  return { sink, deadLetterSink, lines, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const committed = async (topic: string) =>
  (await log.committed(`knative-trigger-${topic}`, topic))[0];

const idsAt = (sink: ScriptedSink) => sink.received.map(({ headers }) => headers["ce-id"]);

test("a new Trigger gets what comes after it, not what was there", async () => {
  await log.createTopic("new", 1);
  await log.produce("new", [{ value: "{}", headers: eventHeaders("before") }]);
  await using scene = await start("new", { initialOffset: "latest" });
  await log.produce("new", [{ value: "{}", headers: eventHeaders("after") }]);
  await expect
    .poll(() => scene.lines)
    .toEqual([
      expect.stringMatching(/^task\.created +after +notification +204 +\d+ ms +attempt 1$/),
    ]);
  expect(idsAt(scene.sink)).toEqual(["after"]);
});

test("what Knative drops without a word is dropped with a loud line, what does not match without one", async () => {
  await log.createTopic("dropped", 1);
  await log.produce("dropped", [
    { value: '{"type":"task.created"}' },
    { value: "{}", headers: { ...eventHeaders("draft"), ce_subject: "draft" } },
    { value: "{}", headers: eventHeaders("no-subject") },
    { value: "{}", headers: { ...eventHeaders("broken"), ce_subject: "t1", ce_x: "a\nb" } },
    { value: "{}", headers: { ...eventHeaders("good"), ce_subject: "t1" } },
  ]);
  const filter = { filters: [{ not: { exact: { subject: "draft" } } }] };
  await using scene = await start("dropped", { filter });
  await expect.poll(() => committed("dropped")).toBe(5);
  expect(idsAt(scene.sink)).toEqual(["good"]);
  expect(scene.lines).toEqual([
    expect.stringContaining("event ? (dropped 0/0) dropped: it is no CloudEvent"),
    expect.stringContaining("event no-subject (dropped 0/2) dropped: a filter reads subject"),
    expect.stringContaining("event broken (dropped 0/3) dropped: an attribute has a control"),
    expect.stringMatching(/good +notification +204/),
  ]);
  const losses = scene.lines.slice(0, 3);
  expect(losses.every((line) => line.startsWith("Trigger mailer: ERROR: "))).toBe(true);
});

test("filters read the true text, before what HTTP headers cannot say becomes ?", async () => {
  await log.createTopic("text", 1);
  await log.produce("text", [
    { value: "{}", headers: { ...eventHeaders("other"), ce_subject: "任意" } },
    { value: "{}", headers: { ...eventHeaders("wanted"), ce_subject: "任務" } },
  ]);
  await using scene = await start("text", {
    filter: { filter: { attributes: { subject: "任務" } } },
  });
  await expect.poll(() => committed("text")).toBe(2);
  expect(scene.sink.received.map(({ headers }) => headers["ce-subject"])).toEqual(["??"]);
});

const structuredReply = (event: object): ScriptedAnswer => ({
  status: 200,
  headers: { "content-type": "application/cloudevents+json" },
  body: JSON.stringify({ specversion: "1.0", id: "r1", source: "/r", type: "replied", ...event }),
});

test("the trace of the event goes on in the reply, as a span of its own", async () => {
  await log.createTopic("traced", 1);
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await log.produce("traced", [{ value: "{}", headers: { ...eventHeaders("e0"), traceparent } }]);
  const filter = { filters: [{ exact: { type: "task.created" } }] };
  await using _ = await start("traced", { filter }, [structuredReply({ data: { n: 1 } })]);
  await expect.poll(() => committed("traced")).toBe(2);
  const [, reply] = await log.readAll("traced");
  expect(reply?.value?.toString()).toBe('{"n":1}');
  const inReply = String(reply?.headers?.["traceparent"]);
  expect(inReply).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
  expect(inReply).not.toBe(traceparent);
});

test.each([
  ["over-1-mib", { data: "x".repeat(1_048_576) }, "a reply over 1 MiB"],
  ["over-5-mib", { data: "x".repeat(5 * 1_048_576) }, "a reply over 1 MiB"],
  ["key-of-no-text", { partitionkey: 7 }, "a partitionkey that is no string"],
])("a reply that cannot be stored is a failure: %s", async (topic, event, why) => {
  await log.createTopic(topic, 1);
  await log.produce(topic, [{ value: "{}", headers: eventHeaders("e0") }]);
  await using scene = await start(topic, {}, [structuredReply(event)]);
  await expect.poll(() => committed(topic)).toBe(1);
  expect(scene.sink.received).toHaveLength(1);
  expect(idsAt(scene.deadLetterSink)).toEqual(["e0"]);
  expect(scene.deadLetterSink.received[0]?.headers).not.toHaveProperty("ce-knativeerrorcode");
  expect(await log.readAll(topic)).toHaveLength(1);
  expect(scene.lines).toEqual([
    expect.stringContaining(`was answered 200 with ${why}: Knative takes that for a failure`),
    expect.stringMatching(/e0 +notification +200 .* dead-letter$/),
  ]);
});

/** KafkaSinks as the sink of a PingSource, of a KafkaSource and of whoever posts to them, in both content modes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startIngress, type Ingress } from "../../../local/knative/ingress.ts";
import { startKafkaSource } from "../../../local/knative/kafka-source.ts";
import { startPingSource, type Clock } from "../../../local/knative/ping-source.ts";
import { createReport } from "../../../local/report.ts";
import { eventHeaders, startLog, type TopicLog } from "./topic-log.ts";

const report = createReport({ print: () => {} });
let log: TopicLog;

beforeAll(async () => {
  log = await startLog();
});

afterAll(async () => {
  await log[Symbol.asyncDispose]();
});

/** An ingress with one KafkaSink, whose topic has its name. */
async function sinkOf(name: string, contentMode: "binary" | "structured"): Promise<Ingress> {
  await log.createTopic(name, 1);
  const sinks = [{ namespace: "default", name, topic: name, contentMode }];
  return startIngress({ brokers: [], sinks, kafka: log.kafka, port: 0, report });
}

const urlOf = (ingress: Ingress, name: string) =>
  `http://127.0.0.1:${ingress.port}/default/${name}`;

/** The first record of the topic, as text. */
async function recordOn(topic: string) {
  await expect.poll(() => log.ends(topic)).toEqual({ 0: 1 });
  const [message] = await log.readAll(topic);
  const headers = Object.entries(message?.headers ?? {}).map(([name, it]) => [name, String(it)]);
  return {
    key: message?.key?.toString() ?? null,
    headers: Object.fromEntries(headers) as Record<string, string>,
    value: message?.value?.toString() ?? null,
  };
}

describe("posted to by a user", () => {
  const post = (ingress: Ingress, name: string) =>
    fetch(urlOf(ingress, name), {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "u1",
        "ce-source": "/user",
        "ce-type": "task.created",
        "ce-partitionkey": "t1",
      },
      body: '{"n": 1.50}',
    });

  test("binary: attributes are headers, the value is the data as it came", async () => {
    await using ingress = await sinkOf("user-binary", "binary");
    const answer = await post(ingress, "user-binary");
    expect([answer.status, await answer.text()]).toEqual([202, ""]);
    expect(await recordOn("user-binary")).toEqual({
      key: "t1",
      headers: {
        ce_specversion: "1.0",
        ce_id: "u1",
        ce_source: "/user",
        ce_type: "task.created",
        ce_partitionkey: "t1",
        "content-type": "application/json",
      },
      value: '{"n": 1.50}',
    });
  });

  test("structured: the value is the whole event", async () => {
    await using ingress = await sinkOf("user-structured", "structured");
    expect((await post(ingress, "user-structured")).status).toBe(202);
    expect(await recordOn("user-structured")).toEqual({
      key: "t1",
      headers: { "content-type": "application/cloudevents+json" },
      value:
        '{"specversion":"1.0","id":"u1","source":"/user","type":"task.created",' +
        '"datacontenttype":"application/json","partitionkey":"t1","data":{"n": 1.50}}',
    });
  });
});

describe("the sink of a PingSource", () => {
  const dueAt = Date.parse("2026-11-23T12:58:00Z");

  /** One ping, then none. */
  function clock(): Clock {
    let now = dueAt - 1_000;
    return {
      now: () => new Date(now),
      random: () => 0,
      async sleep(ms, signal) {
        if (now < dueAt) now += ms;
        else await new Promise((_, reject) => signal.addEventListener("abort", reject));
      },
    };
  }

  test.each(["binary", "structured"] as const)("%s", async (contentMode) => {
    const name = `ping-${contentMode}`;
    await using ingress = await sinkOf(name, contentMode);
    const contentType = "application/json";
    const schedule = { schedule: "* * * * *", data: '{"n":1}', contentType };
    await using _ = startPingSource({
      source: { namespace: "default", name: "wake", ...schedule, extensions: { tenant: "t" } },
      sinkUrl: urlOf(ingress, name),
      functionName: name,
      report,
      clock: clock(),
    });
    const { headers, value } = await recordOn(name);
    const source = "/apis/v1/namespaces/default/pingsources/wake";
    if (contentMode === "binary") {
      const ping = { ce_source: source, ce_type: "dev.knative.sources.ping", ce_tenant: "t" };
      expect(headers).toMatchObject({ ...ping, ce_time: "2026-11-23T12:58:00Z" });
      expect(value).toBe('{"n":1}');
    } else {
      expect(headers).toEqual({ "content-type": "application/cloudevents+json" });
      expect(JSON.parse(value ?? "")).toMatchObject({ source, tenant: "t", data: { n: 1 } });
    }
  });
});

test("the sink of a KafkaSource: records go from topic to topic, with their place as extensions", async () => {
  await using ingress = await sinkOf("copied", "structured");
  await log.createTopic("copied-from", 1);
  await log.produce("copied-from", [{ key: "t1", value: '{"n":1}', headers: eventHeaders("e0") }]);
  await using _ = await startKafkaSource({
    source: {
      namespace: "default",
      name: "copy",
      topics: ["copied-from"],
      consumerGroup: "copy",
      ordering: "ordered",
      initialOffset: "earliest",
      consumers: 1,
      delivery: { retry: 0, backoffPolicy: "linear", backoffDelayMs: 50, timeoutMs: 1_000 },
    },
    sinkUrl: urlOf(ingress, "copied"),
    kafka: log.kafka,
    report,
  });
  const { key, value } = await recordOn("copied");
  // No partitionkey, so no key: that of the record is not an attribute.
  expect(key).toBeNull();
  expect(JSON.parse(value ?? "")).toEqual({
    specversion: "1.0",
    id: "e0",
    source: "/task-app",
    type: "task.created",
    datacontenttype: "application/json",
    knativekafkapartition: "0",
    knativekafkaoffset: "0",
    data: { n: 1 },
  });
});

/** docs/asyncapi.yaml: made from the code as it is, valid by AsyncAPI's own parser, and its examples work. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Parser } from "@asyncapi/parser";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { documents } from "../../docs/generate/document.ts";
import type { Event } from "../../lib/events/event.ts";
import { fromHttp } from "../../lib/events/http.ts";
import { fromKafkaRecord } from "../../lib/events/kafka-record.ts";
import { taskEventTypes } from "../../lib/events/task.ts";
import { readPorts } from "../../local/address.ts";
import { toDeadLetter } from "../../local/knative/delivery/dead-letter.ts";
import { acceptsOfMessage, docs, type Example, readAsyncApi, readText } from "./reader.ts";

const receivedAt = new Date("2026-11-23T12:00:01Z");
const { messages } = readAsyncApi().components;
const bytesOf = ({ payload }: Example): Buffer => Buffer.from(JSON.stringify(payload));

const examplesOf = (name: string): readonly Example[] => messages[name]?.examples ?? [];
const examplesEndingIn = (end: string): [string, Example][] =>
  Object.keys(messages)
    .filter((name) => name.endsWith(end))
    .flatMap((name) => examplesOf(name).map((it): [string, Example] => [name, it]));

function read(example: Example): Event | undefined {
  return fromKafkaRecord(
    {
      topic: "task-events",
      partition: 0,
      offset: 1,
      timestampMs: receivedAt.getTime(),
      key: Buffer.from("t1"),
      headers: example.headers ?? {},
      value: bytesOf(example),
    },
    receivedAt,
  );
}

function post({ headers = {}, ...rest }: Example): Event | undefined {
  const result = fromHttp({ headers, body: bytesOf(rest), receivedAt });
  return "events" in result ? result.events[0] : undefined;
}

describe("the documents", () => {
  it("are what the code says now", () => {
    const stale = [...documents()].filter(([path, text]) => readText(path) !== text);
    expect(stale.map(([path]) => `docs/${path} is out of date: run make docs`)).toEqual([]);
    const ofTypes = [...documents().keys()].filter((path) => path.startsWith("schema/"));
    const files = readdirSync(join(docs, "schema")).filter((name) => name.endsWith(".json"));
    expect(files.map((name) => `schema/${name}`).toSorted()).toEqual(ofTypes.toSorted());
  });

  it("are valid AsyncAPI 3 to its own parser", async () => {
    const { document, diagnostics } = await new Parser().parse(readText("asyncapi.yaml"));
    // 3.0 is what the tools around AsyncAPI read; the parser would like 3.1.
    const found = diagnostics.filter(({ code }) => code !== "asyncapi-latest-version");
    expect(found).toEqual([]);
    expect(document?.version()).toBe("3.0.0");
  });

  it("would not be valid to it with an operation on a channel that is not there", async () => {
    const broken = readText("asyncapi.yaml").replaceAll('"#/channels/sse"', '"#/channels/see"');
    const { diagnostics } = await new Parser().parse(broken);
    expect(diagnostics.map(({ message }) => message).join()).toContain("#/channels/see");
  });

  it("say the same to readers of YAML 1.1, to whom a bare time is a date and a bare no is false", () => {
    const text = readText("asyncapi.yaml");
    expect(parse(text, { version: "1.1" })).toEqual(parse(text));
  });

  it("name the ports of a local run", () => {
    const { servers } = readAsyncApi();
    const ports = readPorts(["websocket-gateway"], {});
    const hosts = ["kafka", "broker", "gateway", "gatewaySse"].map(
      (name) => servers[name]?.variables.host.default,
    );
    const gateway = ports.services["websocket-gateway"];
    expect(hosts).toEqual(
      [ports.kafka, ports.broker, gateway, gateway].map((port) => `localhost:${port}`),
    );
  });
});

describe("an example", () => {
  it("is there for each type, in each binary form", () => {
    const names = taskEventTypes.flatMap(({ type }) => [`${type}.kafka`, `${type}.http`]);
    expect(names.filter((name) => examplesOf(name).length === 0)).toEqual([]);
  });

  // The parser looks at those of AsyncAPI 2 alone.
  it.each(examplesEndingIn(""))("of %s is what its schemas say", (name, example) => {
    expect(acceptsOfMessage(name)(example.payload)).toBe(true);
    if (messages[name]?.headers === undefined) return;
    const accepts = acceptsOfMessage(name, "headers");
    expect(accepts(example.headers)).toBe(true);
    expect(accepts({})).toBe(false);
  });

  it.each(examplesEndingIn(".kafka"))("of %s is that event to the functions", (name, example) => {
    expect(read(example)).toMatchObject({ type: name.replace(".kafka", ""), problem: null });
  });

  it.each(examplesEndingIn(".http"))("of %s is that event to the functions", (name, example) => {
    expect(post(example)).toMatchObject({ type: name.replace(".http", ""), problem: null });
  });

  it.each(examplesOf("structured"))("in structured mode: $name", (example) => {
    for (const event of [read(example), post(example)]) {
      expect(event).toMatchObject({ subject: "t1", taskId: "t1", problem: null });
      expect(event?.dataschema).toBe(`urn:task-events:schema:${event?.type}`);
    }
  });

  it.each(examplesOf("plainRecord"))("as a plain record, by $name", (example) => {
    expect(read(example)).toMatchObject({
      type: "task.created",
      source: "/kafka/task-events",
      time: "2026-11-23T12:00:00Z",
      problem: null,
    });
  });
});

describe("a dead letter", () => {
  it("of the runner's dispatcher matches its message", () => {
    const answer = {
      status: 422,
      headers: new Map([["kne-reason", "data_invalid: no"]]),
      body: Buffer.from("{}"),
    };
    const sent = { headers: examplesOf("task.created.http")[0]?.headers ?? {}, body: Buffer.of() };
    const letter = toDeadLetter(sent, "http://notification.default.svc.cluster.local", answer);
    const headers = Object.fromEntries(
      Object.entries(letter.headers).map(([name, value]) => [name.replace("ce-", "ce_"), value]),
    );
    const accepts = acceptsOfMessage("deadLetter", "headers");
    expect(accepts(headers)).toBe(true);
    expect(accepts({ ...headers, ce_knativeerrorcode: "no" })).toBe(false);
    expect(headers).toMatchObject({ ce_reason: "data_invalid: no", ce_knativeerrordata: "e30=" });
  });

  it("in the example is one: the functions refuse it for the reason that it gives", () => {
    const [example] = examplesOf("deadLetter");
    const problem = example === undefined ? null : read(example)?.problem;
    expect(example?.headers?.["ce_reason"]).toBe(`${problem?.code}: ${problem?.message}`);
    expect(problem?.code).toBe("data_invalid");
  });
});

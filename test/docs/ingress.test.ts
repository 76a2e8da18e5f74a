/** What is posted as the document says is on the topic as the document says. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Ingress, startIngress } from "../../local/knative/ingress.ts";
import { createReport } from "../../local/report.ts";
import { type TopicLog, startLog } from "../local/knative/topic-log.ts";
import { acceptsOfMessage, readAsyncApi } from "./reader.ts";

const { channels, components } = readAsyncApi();
const address = channels["ingress"]?.address ?? "";
const topic = channels["taskEvents"]?.address ?? "";
const [namespace = "", name = ""] = address.slice(1).split("/");

let log: TopicLog;
let ingress: Ingress;
beforeAll(async () => {
  log = await startLog();
  await log.createTopic(topic, 1);
  const report = createReport({ print: () => undefined });
  const brokers = [{ namespace, name, topic }];
  ingress = await startIngress({ brokers, sinks: [], kafka: log.kafka, port: 0, report });
});
afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
});

it("each example of the ingress is stored, and read back as the Kafka message of its type", async () => {
  const posted = Object.entries(components.messages)
    .filter(([message]) => message === "structured" || message.endsWith(".http"))
    .flatMap(([, { examples = [] }]) => examples);
  for (const { headers = {}, payload } of posted) {
    const body = JSON.stringify(payload);
    const url = `http://127.0.0.1:${ingress.port}${address}`;
    const response = await fetch(url, { method: "POST", headers, body });
    expect({ status: response.status, body: await response.text() }).toEqual({
      status: 202,
      body: "",
    });
  }
  const records = await log.readAll(topic);
  expect(records).toHaveLength(posted.length);
  for (const { key, headers = {}, value } of records) {
    const texts = Object.fromEntries(
      Object.entries(headers).map(([header, text]) => [header, String(text)]),
    );
    const message = `${texts["ce_type"]}.kafka`;
    expect(acceptsOfMessage(message, "headers")(texts)).toBe(true);
    expect(acceptsOfMessage(message)(JSON.parse(String(value)))).toBe(true);
    expect(String(key)).toBe(texts["ce_partitionkey"]);
    expect(texts["ce_dataschema"]).toBe(`urn:task-events:schema:${texts["ce_type"]}`);
  }
});

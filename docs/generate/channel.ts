/** Servers, channels and operations, seen from Task Events: it receives what a task app sends. */
import { subprotocol } from "../../functions/websocket-gateway/access/subscriber.ts";
import type { Json } from "./attribute.ts";
import { closeCodes, sseQuery, webSocketQuery } from "./frame.ts";
import { binaryNames } from "./message.ts";
import type { readNames } from "./manifest.ts";

type Names = ReturnType<typeof readNames>;

const token = { $ref: "#/components/securitySchemes/token" };
const ticket = { $ref: "#/components/securitySchemes/ticket" };

const server = (protocol: string, local: string, cluster: string, rest: Json): Json => ({
  host: "{host}",
  protocol,
  variables: { host: { default: local, examples: [local, cluster] } },
  ...rest,
});

export const servers = ({ kafka }: Names): Json => ({
  kafka: server("kafka", "localhost:9092", kafka, { title: "Kafka" }),
  broker: server(
    "http",
    "localhost:8080",
    "kafka-broker-ingress.knative-eventing.svc.cluster.local",
    { title: "The ingress of the Broker" },
  ),
  gateway: server("ws", "localhost:8004", "websocket-gateway.default.svc.cluster.local", {
    title: "websocket-gateway, by WebSocket",
    security: [token],
  }),
  gatewaySse: server("http", "localhost:8004", "websocket-gateway.default.svc.cluster.local", {
    title: "websocket-gateway, by server-sent events",
    security: [token, ticket],
  }),
});

const messagesOf = (names: readonly string[]): Json =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));

const onServers = (...names: string[]) => names.map((name) => ({ $ref: `#/servers/${name}` }));

const kafkaChannel = (topic: string, partitions: number): Json => ({
  bindings: { kafka: { topic, partitions, bindingVersion: "0.5.0" } },
});

export const channels = (names: Names): Json => ({
  taskEvents: {
    address: names.topic,
    description:
      "Every event, in three forms: CloudEvents in binary or structured content mode, and plain records.",
    servers: onServers("kafka"),
    messages: messagesOf([...binaryNames("kafka"), "structured", "plainRecord"]),
    ...kafkaChannel(names.topic, names.partitions),
  },
  deadLetters: {
    address: names.deadLetterTopic,
    description: "What can never succeed, or did not within the retries.",
    servers: onServers("kafka"),
    messages: messagesOf(["deadLetter"]),
    ...kafkaChannel(names.deadLetterTopic, names.partitions),
  },
  ingress: {
    address: names.brokerPath,
    description:
      "POST. 400: no CloudEvent; 404: no such Broker; 405: another method; 503: Kafka did not take it, try again.",
    servers: onServers("broker"),
    messages: messagesOf([...binaryNames("http"), "structured", "stored"]),
  },
  webSocket: {
    address: "/ws",
    description: `Subprotocol ${subprotocol}; the token in Authorization, or as a second subprotocol bearer.<jwt>.`,
    servers: onServers("gateway"),
    messages: messagesOf(["hello", "event", "ack"]),
    bindings: { ws: { method: "GET", query: webSocketQuery, bindingVersion: "0.1.0" } },
    "x-close-codes": closeCodes(),
  },
  sse: {
    address: "/sse",
    description: "The same stream for an EventSource: each message's id is the frame's cursor.",
    servers: onServers("gatewaySse"),
    messages: messagesOf(["hello", "event"]),
  },
});

const operation = (
  action: "send" | "receive",
  channel: string,
  summary: string,
  messages: readonly string[],
): Json => ({
  action,
  summary,
  channel: { $ref: `#/channels/${channel}` },
  messages: messages.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
});

export const operations = (): Json => ({
  storeEvent: {
    ...operation("receive", "ingress", "Puts an event on the topic.", [
      ...binaryNames("http"),
      "structured",
    ]),
    bindings: { http: { method: "POST", bindingVersion: "0.3.0" } },
    reply: {
      channel: { $ref: "#/channels/ingress" },
      messages: [{ $ref: "#/channels/ingress/messages/stored" }],
    },
  },
  triggerOccurrence: operation("send", "ingress", "recurring-task: an occurrence is due.", [
    "structured",
  ]),
  handleEvent: operation("receive", "taskEvents", "Each function gets each event.", [
    ...binaryNames("kafka"),
    "structured",
    "plainRecord",
  ]),
  refuseEvent: operation("send", "deadLetters", "With its reason.", ["deadLetter"]),
  showEvents: operation("send", "webSocket", "Hello, what was missed, then what happens.", [
    "hello",
    "event",
  ]),
  acknowledge: operation("receive", "webSocket", "Moves the cursor of a device.", ["ack"]),
  streamEvents: {
    ...operation("send", "sse", "The same, as server-sent events.", ["hello", "event"]),
    bindings: { http: { method: "GET", query: sseQuery, bindingVersion: "0.3.0" } },
  },
});

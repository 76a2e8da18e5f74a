/** The runner's Broker, and nothing else of it: the ingress and the embedded log, in one process as in `make start`. */
import { startKafka } from "../../../local/kafka/server.ts";
import { startIngress } from "../../../local/knative/ingress.ts";
import { createReport } from "../../../local/report.ts";
import { openKafka } from "../../../lib/kafka/client.ts";

/** How many events are on the topic? */
export type BrokerOrder = "count";

export type BrokerNews = { readonly url: string } | { readonly events: number };

const topic = "task-events";
const namespace = "default";
const [dataDir = ""] = process.argv.slice(2);

const log = await startKafka({ dataDir, port: 0, topics: [{ name: topic, partitions: 12 }] });
const kafka = openKafka({ brokers: log.address, clientId: "bench" });
const ingress = await startIngress({
  brokers: [{ namespace, name: topic, topic }],
  sinks: [],
  kafka,
  port: 0,
  report: createReport({ print: console.error }),
});
const admin = kafka.admin();
await admin.connect();

process.on("message", () => {
  void admin.fetchTopicOffsets(topic).then((ends) => {
    tell({ events: ends.reduce((sum, { high }) => sum + Number(high), 0) });
  });
});
process.once("disconnect", () => process.exit());

const tell = (news: BrokerNews): void => void process.send?.(news);
tell({ url: `http://127.0.0.1:${ingress.port}/${namespace}/${topic}` });

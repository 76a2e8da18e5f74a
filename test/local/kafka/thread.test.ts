/** The embedded log in a thread of its own, as the runner starts it. */
import { expect, it } from "vitest";
import { openKafka } from "../../../lib/kafka/client.ts";
import { UsageError } from "../../../lib/host/error.ts";
import { startKafkaThread } from "../../../local/kafka/thread.ts";
import { makeFolder } from "../../support/folder.ts";
import { portsFor } from "../../support/port.ts";

const log = (message: string): void => expect.unreachable(message);

async function topicsAt(port: number): Promise<string[]> {
  const admin = openKafka({ brokers: `localhost:${port}`, clientId: "test" }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "kept" }] });
  const topics = await admin.listTopics();
  await admin.disconnect();
  return topics;
}

it("serves, stops with what it has on disk, and starts again on the same port", async () => {
  await using folder = await makeFolder();
  const { port } = await portsFor(["port"]);
  for (let start = 0; start < 2; start++) {
    await using _ = await startKafkaThread({ dataDir: folder.path, port, log });
    expect(await topicsAt(port)).toEqual(["kept"]);
  }
});

it("makes no topic because somebody asks for it", async () => {
  await using folder = await makeFolder();
  const { port } = await portsFor(["port"]);
  await using _ = await startKafkaThread({ dataDir: folder.path, port, log });
  const config = { retry: { retries: 0 } };
  const kafka = openKafka({ brokers: `localhost:${port}`, clientId: "test", config });
  const producer = kafka.producer({ allowAutoTopicCreation: true });
  await producer.connect();
  const messages = [{ value: "{}" }];
  await expect(producer.send({ topic: "mistyped", messages })).rejects.toThrow(
    "does not host this topic-partition",
  );
  await producer.disconnect();
  expect(await topicsAt(port)).toEqual(["kept"]);
});

it("says that another log has the folder, as a person's mistake", async () => {
  await using folder = await makeFolder();
  const order = { dataDir: folder.path, log };
  const { port, other } = await portsFor(["port", "other"]);
  await using _ = await startKafkaThread({ ...order, port });
  await expect(startKafkaThread({ ...order, port: other })).rejects.toThrow(UsageError);
});

it("says that the port is taken", async () => {
  await using one = await makeFolder();
  await using other = await makeFolder();
  const { port } = await portsFor(["port"]);
  await using _ = await startKafkaThread({ dataDir: one.path, port, log });
  await expect(startKafkaThread({ dataDir: other.path, port, log })).rejects.toThrow(
    `port ${port} on 127.0.0.1 is in use by another process`,
  );
});

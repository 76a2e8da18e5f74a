/** The runner's own sidecar, on the embedded log, under the suite that a real daprd passes. */
import { afterAll, beforeAll } from "vitest";
import { type RunningKafka, startKafka } from "../../../local/kafka/server.ts";
import { daprTests } from "../../suite/dapr.ts";
import { temporaryFolder } from "./fixture/sidecar.ts";

let kafka: RunningKafka;

beforeAll(async () => {
  kafka = await startKafka({ dataDir: temporaryFolder(), port: 0 });
});

afterAll(() => kafka[Symbol.asyncDispose]());

daprTests(() => ({ env: { KAFKA_BROKER: kafka.address } }));

/** The operator's commands against the embedded log. */
import { afterAll, beforeAll } from "vitest";
import { type RunningKafka, startKafka } from "../../local/kafka/server.ts";
import { cliTests } from "../suite/cli.ts";
import { type Folder, makeFolder } from "../support/folder.ts";

let folder: Folder;
let kafka: RunningKafka;

beforeAll(async () => {
  folder = await makeFolder();
  kafka = await startKafka({ dataDir: folder.path, port: 0 });
});
afterAll(async () => {
  await kafka[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

cliTests(() => kafka.address);

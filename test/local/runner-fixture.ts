/** A runner on free ports with stub functions in place of the real ones, so that what is tested is the runner alone. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ports } from "../../local/address.ts";
import { portsFor } from "../support/port.ts";
import { type Runner, startRunner } from "../../local/runner.ts";
import { copyManifest, type ManifestCopy } from "./manifest-copy.ts";

const NAMES = ["audit-log", "notification", "recurring-task", "websocket-gateway"] as const;
type Name = (typeof NAMES)[number];
const STUB = JSON.stringify(join(import.meta.dirname, "fixture/stub-function.ts"));
const CLIENT = JSON.stringify(join(import.meta.dirname, "../../lib/kafka/client.ts"));

/** The Job that makes the topics, reduced to that. */
const TOPICS = `import { openKafka } from ${CLIENT};
const admin = openKafka({ brokers: process.env.KAFKA_BROKER, clientId: "topics" }).admin();
await admin.connect();
const numPartitions = Number(process.env.PARTITIONS);
await admin.createTopics({ topics: process.env.TOPICS.split(" ").map((topic) => ({ topic, numPartitions })) });
await admin.disconnect();
`;

export interface StubRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
  env: Record<string, string>;
}

export interface RunnerFixture extends Disposable {
  readonly copy: ManifestCopy;
  /** Where the stub functions are. */
  readonly sources: string;
  readonly stateDir: string;
  readonly ports: Ports;
  readonly lines: string[];
  start(env?: Record<string, string>): Promise<Runner>;
  requestsOf(name: Name): StubRequest[];
  answer(name: Name, status: number): void;
  /** It does not end by SIGTERM any more. */
  hang(name: Name): void;
}

export async function runnerFixture(): Promise<RunnerFixture> {
  const folder = mkdtempSync(join(tmpdir(), "runner "));
  const copy = copyManifest();
  for (const name of NAMES) writeStub(join(folder, "functions", name), name);
  const { broker, console, kafka, ...services } = await portsFor([
    "broker",
    "console",
    "kafka",
    ...NAMES,
  ]);
  const ports = { broker, console, kafka, services };
  const stateDir = join(folder, "state");
  const lines: string[] = [];
  return {
    copy,
    sources: folder,
    stateDir,
    ports,
    lines,
    start: (env = {}) =>
      startRunner({
        root: copy.root,
        sources: folder,
        stateDir,
        ports,
        env,
        log: (line) => lines.push(line),
      }),
    requestsOf: (name) => {
      const file = join(folder, "functions", name, "requests");
      if (!existsSync(file)) return [];
      const texts = readFileSync(file, "utf8").split("\n").filter(Boolean);
      return texts.map((text) => JSON.parse(text) as StubRequest);
    },
    answer: (name, status) =>
      writeFileSync(join(folder, "functions", name, "status"), String(status)),
    hang: (name) => writeFileSync(join(folder, "functions", name, "hang"), ""),
    [Symbol.dispose]: () => {
      copy[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeStub(folder: string, name: Name): void {
  mkdirSync(folder, { recursive: true });
  const serve = `import { serveStub } from ${STUB};\nserveStub(import.meta.dirname);\n`;
  writeFileSync(join(folder, "index.ts"), serve);
  for (const job of ["migrate", "schemas", "verify"]) writeFileSync(join(folder, `${job}.ts`), "");
  if (name === "audit-log") writeFileSync(join(folder, "topics.ts"), TOPICS);
}

/** Servers that ask who one is, over TLS: the flow runs on them, a mistake is a sentence, and no secret shows anywhere. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine } from "../../local/process/replica/orphan.ts";
import { type RealKafka, startRealKafka } from "../../local/real/kafka/kafka.ts";
import { type RealRedis, startRealRedis } from "../../local/real/redis.ts";
import { WsClient } from "../functions/websocket-gateway/fixture/client.ts";
import { type Folder, makeFolder } from "../support/folder.ts";
import { entriesOf, publish, until } from "../support/look.ts";
import { lacks, realParts } from "../support/real.ts";
import { Runner } from "../support/runner.ts";

const KAFKA_PASSWORD = "kafka-hush-4711";
const REDIS_PASSWORD = "redis:hush@4712";
const SECRETS = [KAFKA_PASSWORD, REDIS_PASSWORD, encodeURIComponent(REDIS_PASSWORD)];

describe.skipIf(lacks("kafka", "daprd", "redis"))("with SASL and TLS", () => {
  let folder: Folder;
  let kafka: RealKafka;
  let redis: RealRedis;
  let secure: Record<string, string>;

  beforeAll(async () => {
    folder = await makeFolder();
    kafka = await startRealKafka({
      dataDir: join(folder.path, "kafka"),
      jars: realParts.kafka.path ?? "",
      security: { user: "tasks", password: KAFKA_PASSWORD },
    });
    redis = await startRealRedis({
      dataDir: join(folder.path, "redis"),
      program: realParts.redis.path ?? "",
      password: REDIS_PASSWORD,
    });
    writeFileSync(join(folder.path, "password"), `${KAFKA_PASSWORD}\n`);
    writeFileSync(join(folder.path, "other-ca.pem"), rootCertificates[0] ?? "");
    secure = {
      KAFKA_BROKER: kafka.saslTlsAddress,
      KAFKA_TLS: "true",
      KAFKA_CA_FILE: kafka.caFile,
      KAFKA_SASL_MECHANISM: "scram-sha-512",
      KAFKA_USERNAME: "tasks",
      KAFKA_PASSWORD_FILE: join(folder.path, "password"),
    };
  });

  afterAll(async () => {
    await redis?.[Symbol.asyncDispose]();
    await kafka?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it.each<[string, Record<string, string>]>([
    ["daprd", { DAPRD: realParts.daprd.path ?? "" }],
    ["the runner's own sidecar", {}],
  ])(
    "an event reaches everybody, with %s, and no secret shows",
    { timeout: 120_000 },
    async (_, env) => {
      await using runner = await Runner.start({ env: { ...secure, ...env, REDIS_URL: redis.url } });
      const token = await runner.token("u1");
      const client = new WsClient(runner.url("websocket-gateway"), { token });
      await client.hello();
      const id = `secure-${Object.keys(env).length}`;
      await publish(runner, [{ id, type: "task.created" }]);
      await client.untilIds([id]);
      await until(async () => {
        expect((await entriesOf(runner)).map((entry) => entry.id)).toContain(id);
      });
      for (const text of [runner.output, ...logsOf(runner), ...commandLines()]) {
        for (const secret of SECRETS) expect(text).not.toContain(secret);
      }
    },
  );

  it.each<[string, () => Record<string, string>, RegExp]>([
    [
      "a wrong password",
      () => ({ KAFKA_PASSWORD_FILE: "", KAFKA_PASSWORD: "wrong-hush" }),
      /does not let us in as tasks with scram-sha-512/,
    ],
    [
      "another authority",
      () => ({ KAFKA_CA_FILE: join(folder.path, "other-ca.pem") }),
      /is not trusted: the file of KAFKA_CA_FILE is not that of its authority/,
    ],
    ["an authority that is not named", () => ({ KAFKA_CA_FILE: "" }), /set KAFKA_CA_FILE/],
    ["a port without TLS", () => ({ KAFKA_BROKER: kafka.saslAddress }), /does not speak TLS there/],
    [
      "TLS that is not spoken",
      () => ({ KAFKA_TLS: "", KAFKA_CA_FILE: "" }),
      /closes the connection: does it want TLS/,
    ],
    [
      "a host that is not there",
      () => ({ KAFKA_BROKER: "nowhere.invalid:1" }),
      /cannot be reached/,
    ],
    [
      "a wrong password of Redis",
      () => ({ REDIS_URL: redis.url.replace("4712", "wrong-hush") }),
      /Redis at .* does not let us in/,
    ],
    [
      "a Redis that is not there",
      () => ({ REDIS_URL: "redis://:hush@127.0.0.1:1" }),
      /cannot be reached/,
    ],
    [
      "a daprd without Redis",
      () => ({ DAPRD: process.execPath, REDIS_URL: "" }),
      /DAPRD needs REDIS_URL/,
    ],
    ["a daprd that is none", () => ({ DAPRD: "/none" }), /DAPRD is \/none, which is no program/],
  ])("%s is a sentence", { timeout: 60_000 }, async (_, change, sentence) => {
    const env = { ...secure, REDIS_URL: redis.url, ...change() };
    const error: unknown = await Runner.start({ env }).then(
      (runner) => runner[Symbol.asyncDispose]().then(() => new Error("it started")),
      (reason: unknown) => reason,
    );
    const said = error instanceof Error ? error.message : String(error);
    expect(said).toMatch(/the runner exited with 2:/);
    expect(said).toMatch(sentence);
    expect(said).not.toMatch(/hush|\n\s+at /);
  });
});

function logsOf(runner: Runner): string[] {
  const log = join(runner.stateDir, "log");
  return readdirSync(log).map((name) => readFileSync(join(log, name), "utf8"));
}

const commandLines = (): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLine(Number(pid)));

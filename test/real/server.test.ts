/** The real servers as processes of ours: killed and back with their data, and never left behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { connect } from "node:net";
import { join } from "node:path";
import { Kafka, logLevel, type SASLOptions } from "kafkajs";
import { Client } from "pg";
import { describe, expect, it, vi } from "vitest";
import { startRealKafka } from "../../local/real/kafka/kafka.ts";
import { startRealPostgres } from "../../local/real/postgres.ts";
import { startRealRedis } from "../../local/real/redis.ts";
import { commandLine } from "../../local/process/replica/orphan.ts";
import { makeFolder } from "../support/folder.ts";
import { lacks, realParts } from "../support/real.ts";

const redisProgram = realParts.redis.path ?? "";

/** One command, and the answer's first line. */
async function askRedis(port: number, command: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const lines = createInterface(socket);
  socket.write(`${command}\r\n`);
  const [line] = (await once(lines, "line")) as [string];
  socket.destroy();
  return line;
}
const portOf = (address: string): number => Number(address.split(":")[1]);

describe.skipIf(lacks("redis"))("Redis", () => {
  it("has after kill -9 what it had acknowledged", async () => {
    await using folder = await makeFolder();
    await using redis = await startRealRedis({ dataDir: folder.path, program: redisProgram });
    const port = portOf(redis.address);
    expect(await askRedis(port, "INCR n")).toBe(":1");
    await redis.kill();
    await expect(askRedis(port, "PING")).rejects.toThrow("ECONNREFUSED");
    await redis.restart();
    expect(await askRedis(port, "INCR n")).toBe(":2");
  });

  it("asks for the password where it was given one", async () => {
    await using folder = await makeFolder();
    const options = { dataDir: folder.path, program: redisProgram, password: 'a "b\\' };
    await using redis = await startRealRedis(options);
    expect(await askRedis(portOf(redis.address), "PING")).toMatch(/^-NOAUTH/);
    expect(await askRedis(portOf(redis.address), String.raw`AUTH "a \"b\\"`)).toBe("+OK");
    expect(redis.url).toContain(":a%20%22b%5C@");
  });

  it("stands still and goes on, and is stopped also while it stands still", async () => {
    await using folder = await makeFolder();
    await using redis = await startRealRedis({ dataDir: folder.path, program: redisProgram });
    await redis.kill("SIGSTOP");
    const answer = askRedis(portOf(redis.address), "PING");
    await redis.kill("SIGCONT");
    expect(await answer).toBe("+PONG");
    await redis.kill("SIGSTOP");
    await redis[Symbol.asyncDispose]();
    expect(redis.pid).toBeUndefined();
  });

  it("says why it does not start", async () => {
    await using folder = await makeFolder();
    await using first = await startRealRedis({ dataDir: folder.path, program: redisProgram });
    await using other = await makeFolder();
    const port = portOf(first.address);
    const second = startRealRedis({ dataDir: other.path, program: redisProgram, port });
    await expect(second).rejects.toThrow(/Redis does not start.*Address already in use/s);
  });

  it("ends with the process that started it, killed with -9 as it may be", async () => {
    await using folder = await makeFolder();
    const module = new URL("../../local/real/redis.ts", import.meta.url).href;
    const script = `
      import { startRealRedis } from ${JSON.stringify(module)};
      const [dataDir, program] = process.argv.slice(1);
      console.log((await startRealRedis({ dataDir, program })).pid);
      setInterval(() => {}, 1000);
    `;
    const parent = spawn(
      process.execPath,
      ["--input-type=module", "-e", script, folder.path, redisProgram],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
    expect(commandLine(Number(line))).toContain("redis-server");
    parent.kill("SIGKILL");
    await vi.waitFor(() => expect(commandLine(Number(line))).toBe(""), { timeout: 10_000 });
  });
});

describe.skipIf(lacks("postgres"))("PostgreSQL", () => {
  it("has after kill -9 what was committed, and takes connections at once", async () => {
    await using folder = await makeFolder();
    const options = { dataDir: folder.path, password: "p w/@:'", database: "task_events" };
    await using postgres = await startRealPostgres(options);
    const ask = async (sql: string): Promise<unknown[]> => {
      const client = new Client({ connectionString: postgres.url });
      client.on("error", () => undefined);
      await client.connect();
      try {
        return (await client.query<object>(sql)).rows;
      } finally {
        await client.end();
      }
    };
    await ask("CREATE TABLE entry AS SELECT lower('Ä') AS text");
    await postgres.kill();
    await expect(ask("SELECT")).rejects.toThrow("ECONNREFUSED");
    await postgres.restart();
    expect(await ask("SELECT text FROM entry")).toEqual([{ text: "ä" }]);
  });
});

describe.skipIf(lacks("kafka"))("Kafka", { timeout: 60_000 }, () => {
  const security = { user: "tasks", password: "tasks-secret" };

  async function topicsOf(address: string, ca?: string, sasl?: SASLOptions): Promise<string[]> {
    const ssl = ca === undefined ? {} : { ssl: { ca } };
    const options = { brokers: [address], retry: { retries: 0 }, logLevel: logLevel.NOTHING };
    const admin = new Kafka({
      ...options,
      ...ssl,
      ...(sasl === undefined ? {} : { sasl }),
    }).admin();
    await admin.connect();
    try {
      return await admin.listTopics();
    } finally {
      await admin.disconnect();
    }
  }

  it("is back after kill -9 with its topics, at every listener", async () => {
    await using folder = await makeFolder();
    const jars = realParts.kafka.path ?? "";
    const dataDir = join(folder.path, "kafka");
    await using kafka = await startRealKafka({ dataDir, jars, security });
    const admin = new Kafka({ brokers: [kafka.address], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "kept" }] });
    await admin.disconnect();
    await kafka.kill();
    await kafka.restart();
    const ca = readFileSync(kafka.caFile, "utf8");
    const { user: username, password } = security;
    for (const mechanism of ["plain", "scram-sha-256", "scram-sha-512"] as const) {
      // The client's type is a union by mechanism.
      const sasl = { mechanism, username, password } as SASLOptions;
      expect(await topicsOf(kafka.saslAddress, undefined, sasl)).toEqual(["kept"]);
      expect(await topicsOf(kafka.saslTlsAddress, ca, sasl)).toEqual(["kept"]);
    }
    expect(await topicsOf(kafka.tlsAddress, ca)).toEqual(["kept"]);
    const wrong = { mechanism: "plain", username, password: "wrong" } as const;
    await expect(topicsOf(kafka.saslAddress, undefined, wrong)).rejects.toThrow(
      /[Aa]uthentication/,
    );
  });
});

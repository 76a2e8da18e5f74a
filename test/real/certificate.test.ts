/** Until when a certificate is valid, seen at real servers: Kafka's TLS, and PostgreSQL's behind its SSLRequest. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificateSource } from "../../cli/exporter/certificate-source.ts";
import { type RealKafka, startRealKafka } from "../../local/real/kafka/kafka.ts";
import { type RealPostgres, startRealPostgres } from "../../local/real/postgres.ts";
import { certificate } from "../functions/audit-log/schema/registry-server.ts";
import { type Folder, makeFolder } from "../support/folder.ts";
import { lacks, realParts } from "../support/real.ts";

const secondsOf = (pem: string): number => new X509Certificate(pem).validToDate.getTime() / 1_000;

/** Written by PostgreSQL itself: the files must be its own user's, and the key nobody else's. */
async function serveTls(url: string, pem: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const lines = pem.split("\n").map((line) => client.escapeLiteral(line));
    for (const file of ["server.crt", "server.key"]) {
      await client.query(
        `copy (select unnest(array[${lines.join()}])) to program 'umask 077 && cat > ${file}'`,
      );
    }
    await client.query("alter system set ssl = on");
    await client.query("select pg_reload_conf()");
  } finally {
    await client.end();
  }
}

describe.skipIf(lacks("kafka", "postgres"))("the certificates", () => {
  let folder: Folder;
  let kafka: RealKafka;
  let postgres: RealPostgres;
  const pem = readFileSync(certificate, "utf8");

  beforeAll(async () => {
    folder = await makeFolder();
    postgres = await startRealPostgres({
      dataDir: join(folder.path, "postgres"),
      password: "postgres-password",
      database: "task_events",
    });
    kafka = await startRealKafka({
      dataDir: join(folder.path, "kafka"),
      jars: realParts.kafka.path ?? "",
      security: { user: "u", password: "kafka-password" },
    });
    await serveTls(postgres.url, pem);
  }, 120_000);
  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const read = (databaseUrl: string, brokers: string) =>
    certificateSource({
      databaseUrl,
      kafka: { brokers, tls: { ca: undefined } },
      certificates: [],
    })?.read();

  it("are seen as clients see them", async () => {
    const { host } = new URL(postgres.url);
    await expect
      .poll(
        async () =>
          (await read(`${postgres.url}?sslmode=verify-full`, kafka.tlsAddress))?.[0]?.values,
      )
      .toEqual([
        [{ address: kafka.tlsAddress }, secondsOf(readFileSync(kafka.caFile, "utf8"))],
        [{ address: host }, secondsOf(pem)],
      ]);
  });

  it("of a server that speaks no TLS are missed, with its address", async () => {
    await expect(read(`${postgres.url}?sslmode=verify-full`, kafka.address)).rejects.toThrow(
      `the certificate of ${kafka.address} was not seen`,
    );
  });

  it("are not asked for where nobody speaks TLS", () => {
    const plain = { databaseUrl: postgres.url, kafka: { brokers: kafka.address } };
    expect(certificateSource({ ...plain, certificates: [] })).toBeUndefined();
  });
});

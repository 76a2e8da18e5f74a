/** How Kafka is reached: what is missing or wrong is a sentence, and no secret is in it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { expect, it, onTestFinished } from "vitest";
import { readVariables } from "../../../lib/host/variables.ts";
import { type KafkaEnv, readKafkaEnv } from "../../../lib/kafka/env.ts";
import { makeFolder } from "../../support/folder.ts";

function read(env: Record<string, string>): KafkaEnv {
  const reader = readVariables({ KAFKA_BROKER: "a:9092", ...env });
  const kafka = readKafkaEnv(reader);
  reader.check();
  return kafka;
}

async function fileOf(text: string): Promise<string> {
  const folder = await makeFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, "file");
  writeFileSync(path, text);
  return path;
}

const user = { KAFKA_SASL_MECHANISM: "SCRAM-SHA-512", KAFKA_USERNAME: "u" };

it("is plain text without a user where only brokers are named", () => {
  expect(read({ KAFKA_BROKER: "a:9092, [::1]:9093,b.c:1" })).toEqual({
    brokers: "a:9092, [::1]:9093,b.c:1",
    sasl: undefined,
    tls: undefined,
  });
});

it("takes the password from a file, without the newline that an editor leaves", async () => {
  const file = await fileOf("s e=c,r\n\n");
  expect(read({ ...user, KAFKA_PASSWORD_FILE: file }).sasl).toEqual({
    mechanism: "scram-sha-512",
    username: "u",
    password: "s e=c,r\n",
  });
});

it("trusts the system's authorities, or those of a file", async () => {
  const [pem = ""] = rootCertificates;
  expect(read({ KAFKA_TLS: "true" }).tls).toEqual({ ca: undefined });
  expect(read({ KAFKA_TLS: "true", KAFKA_CA_FILE: await fileOf(pem) }).tls).toEqual({ ca: pem });
});

it.each<[string, Record<string, string>, string]>([
  ["a URL", { KAFKA_BROKER: "https://u:hush@a" }, "KAFKA_BROKER must be host:port"],
  ["an unknown mechanism", { ...user, KAFKA_SASL_MECHANISM: "md5" }, "must be one of plain, scram"],
  ["no password", user, "neither KAFKA_PASSWORD nor KAFKA_PASSWORD_FILE"],
  ["no user", { KAFKA_SASL_MECHANISM: "plain", KAFKA_PASSWORD: "hush" }, "not KAFKA_USERNAME"],
  ["no mechanism", { KAFKA_PASSWORD: "hush" }, "need KAFKA_SASL_MECHANISM"],
  ["a file that is not there", { ...user, KAFKA_PASSWORD_FILE: "/none" }, "(ENOENT /none)"],
  [
    "a CA without TLS",
    { KAFKA_CA_FILE: import.meta.filename },
    "KAFKA_CA_FILE needs KAFKA_TLS=true",
  ],
  [
    "a CA that is none",
    { KAFKA_TLS: "true", KAFKA_CA_FILE: import.meta.filename },
    "no certificate",
  ],
  ["TLS of another kind", { KAFKA_TLS: "yes" }, "KAFKA_TLS must be true or false"],
])("refuses %s, and repeats no secret", (_, env, sentence) => {
  const refused = () => read(env);
  expect(refused).toThrow(sentence);
  expect(refused).not.toThrow("hush");
});

it("refuses a password beside its file", async () => {
  const file = await fileOf("hush");
  expect(() => read({ ...user, KAFKA_PASSWORD: "hush", KAFKA_PASSWORD_FILE: file })).toThrow(
    "both",
  );
});

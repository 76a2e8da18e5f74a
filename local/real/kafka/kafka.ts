/** An Apache Kafka of our own on 127.0.0.1: one node, its data in a folder, with SASL and TLS beside plain text where asked for. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stablePort } from "../../process/replica/free-port.ts";
import { run } from "../command.ts";
import { makeCertificate } from "./certificate.ts";
import { type Ports, type Security, toSettings } from "./settings.ts";
import { type RealServer, startServer } from "../server.ts";

export interface KafkaOptions {
  dataDir: string;
  /** The folder of its jars. */
  jars: string;
  /** Of the plain-text listener. Default: one that is free and stays it. */
  port?: number;
  /** Who may come in at the SASL listeners: with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. The password of the first start stays. */
  security?: { user: string; password: string };
}

export interface RealKafka extends RealServer {
  /** `host:port` of the plain-text listener. */
  readonly address: string;
  /** The others, where `security` was given. */
  readonly saslAddress: string;
  readonly tlsAddress: string;
  readonly saslTlsAddress: string;
  /** PEM, for TLS. */
  readonly caFile: string;
}

const JAVA = [
  "-XX:TieredStopAtLevel=1",
  "-XX:+UseSerialGC",
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
  // The line by which its start is known.
  "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
];
const HEAP = ["-Xms64m", "-Xmx384m"];

export async function startRealKafka(options: KafkaOptions): Promise<RealKafka> {
  const { dataDir, jars } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const ports = await choosePorts(options);
  const security = await openSecurity(options);
  const settings = join(dataDir, "server.properties");
  const text = toSettings({ dataDir, ports, ...(security === undefined ? {} : { security }) });
  writeFileSync(settings, text, { mode: 0o600 });
  const java = [...JAVA, "-cp", join(jars, "*")];
  await format(dataDir, [...java, "kafka.tools.StorageTool", "format", "-c", settings], security);
  const server = await startServer({
    name: "Kafka",
    program: "java",
    args: [...HEAP, ...java, "kafka.Kafka", settings],
    cwd: dataDir,
    logPath: join(dataDir, "kafka.log"),
    readyLine: "Kafka Server started",
    stopSignal: "SIGTERM",
  });
  const at = (port: number): string => `127.0.0.1:${String(port)}`;
  return Object.assign(server, {
    address: at(ports.plain),
    saslAddress: at(ports.sasl),
    tlsAddress: at(ports.tls),
    saslTlsAddress: at(ports.saslTls),
    caFile: join(dataDir, "ca.pem"),
  });
}

async function choosePorts({ port }: KafkaOptions): Promise<Ports> {
  return {
    plain: port ?? (await stablePort()),
    controller: await stablePort(),
    sasl: await stablePort(),
    tls: await stablePort(),
    saslTls: await stablePort(),
  };
}

async function openSecurity({ dataDir, security }: KafkaOptions): Promise<Security | undefined> {
  if (security === undefined) return undefined;
  const keystorePassword = keptSecret(join(dataDir, "keystore-password"));
  const { keystore } = await makeCertificate(dataDir, keystorePassword);
  return { ...security, keystore, keystorePassword };
}

function keptSecret(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(16).toString("hex"), { mode: 0o600 });
  return readFileSync(path, "utf8");
}

/** Kafka's tool takes one that begins with a hyphen for an option: with its first bit unset none does. */
export function toClusterId(bytes: Buffer): string {
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString("base64url");
}

/** Only where the folder holds no log yet. */
async function format(
  dataDir: string,
  tool: readonly string[],
  security: Security | undefined,
): Promise<void> {
  if (existsSync(join(dataDir, "log", "meta.properties"))) return;
  const id = toClusterId(randomBytes(16));
  const users = ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) =>
    security === undefined
      ? []
      : ["--add-scram", `${mechanism}=[name=${security.user},password=${security.password}]`],
  );
  await run("java", [...tool, "-t", id, ...users]);
}

/** The one place that makes Kafka clients, so that all of them read the same codecs and fail in the same way. */
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import kafkajs, { type Kafka, type KafkaConfig, type LogEntry, type SASLOptions } from "kafkajs";
import type { KafkaEnv, Sasl } from "./env.ts";

const { CompressionCodecs, CompressionTypes, Kafka: KafkaClient, logLevel } = kafkajs;

/** Said at each producer's birth, to users of version 1. */
const PARTITIONER_NOTICE = "KafkaJS v2.0.0 switched default partitioner";

export interface KafkaClientOptions extends KafkaEnv {
  readonly clientId: string;
  /** Told of warnings and errors; without it the client is quiet, and only its promises speak. */
  readonly onLog?: (entry: LogEntry) => void;
  /** What a caller or a test wants otherwise, such as `retry`. */
  readonly config?: Omit<
    KafkaConfig,
    "brokers" | "clientId" | "logCreator" | "logLevel" | "sasl" | "ssl"
  >;
}

/** kafkajs reads gzip by itself and throws on the rest; Node has zstd. */
const compress = promisify<Buffer, Buffer>(zstdCompress);
const decompress = promisify<Buffer, Buffer>(zstdDecompress);
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => compress(buffer),
  decompress,
});

export function openKafka(options: KafkaClientOptions): Kafka {
  const { brokers, clientId, onLog, config, sasl, tls } = options;
  return new KafkaClient({
    retry: { initialRetryTime: 100, retries: 8, maxRetryTime: 10_000 },
    connectionTimeout: 5_000,
    ...config,
    ...(sasl === undefined ? {} : { sasl: toSasl(sasl) }),
    ...(tls === undefined ? {} : { ssl: tls.ca === undefined ? true : { ca: tls.ca } }),
    brokers: brokers.split(",").map((broker) => broker.trim()),
    clientId,
    logLevel: onLog ? logLevel.WARN : logLevel.NOTHING,
    logCreator: () => (entry) => {
      if (!entry.log.message.startsWith(PARTITIONER_NOTICE)) onLog?.(entry);
    },
  });
}

/** Each mechanism apart, as kafkajs types them. */
function toSasl({ mechanism, username, password }: Sasl): SASLOptions {
  return { mechanism, username, password };
}

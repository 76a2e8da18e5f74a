/** What a sidecar is told of this machine's Kafka and Redis, by the names that `dapr-components/` reads with envRef. */
import type { KafkaEnv, Sasl } from "../../../lib/kafka/env.ts";
import type { Redis } from "../../start/server/redis.ts";

const MECHANISMS: Readonly<Record<Sasl["mechanism"], string>> = {
  plain: "PLAINTEXT",
  "scram-sha-256": "SHA-256",
  "scram-sha-512": "SHA-512",
};

export const toDaprEnv = (
  kafka: KafkaEnv,
  redis: Redis | undefined,
): Readonly<Record<string, string>> => ({
  ...ofKafka(kafka),
  ...(redis === undefined ? {} : ofRedis(redis)),
});

const ofKafka = ({ brokers, sasl, tls }: KafkaEnv) => ({
  KAFKA_BROKER: brokers,
  KAFKA_AUTH_TYPE: sasl === undefined ? "none" : "password",
  KAFKA_DAPR_MECHANISM: sasl === undefined ? "" : MECHANISMS[sasl.mechanism],
  KAFKA_USERNAME: sasl?.username ?? "",
  KAFKA_PASSWORD: sasl?.password ?? "",
  KAFKA_DISABLE_TLS: String(tls === undefined),
  KAFKA_CA: tls?.ca ?? "",
});

const ofRedis = ({ host, username, password, database, tls }: Redis) => ({
  REDIS_HOST: host,
  REDIS_USERNAME: username,
  REDIS_PASSWORD: password,
  REDIS_DB: database,
  REDIS_TLS: String(tls),
});

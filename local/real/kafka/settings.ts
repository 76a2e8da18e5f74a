/** The server.properties of one Kafka node that is broker and controller. */

export interface Ports {
  plain: number;
  controller: number;
  /** Where clients must say who they are, with TLS or without, are there only with `security`. */
  sasl: number;
  tls: number;
  saslTls: number;
}

export interface Security {
  user: string;
  password: string;
  keystore: string;
  keystorePassword: string;
}

export interface KafkaSettings {
  dataDir: string;
  ports: Ports;
  security?: Security;
}

const at = (port: number): string => `127.0.0.1:${String(port)}`;

export function toSettings({ dataDir, ports, security }: KafkaSettings): string {
  const listeners = { PLAIN: ports.plain, ...(security === undefined ? {} : secured(ports)) };
  const clients = Object.entries(listeners).map(([name, port]) => `${name}://${at(port)}`);
  const settings: Record<string, string | number | boolean> = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@${at(ports.controller)}`,
    "controller.listener.names": "CONTROLLER",
    listeners: [...clients, `CONTROLLER://${at(ports.controller)}`].join(),
    "advertised.listeners": clients.join(),
    "listener.security.protocol.map":
      "PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,SASL_TLS:SASL_SSL",
    "inter.broker.listener.name": "PLAIN",
    "log.dirs": `${dataDir}/log`,
    ...ONE_NODE,
    ...FAST,
    ...(security === undefined ? {} : securitySettings(security)),
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${String(value)}\n`)
    .join("");
}

const secured = (ports: Ports) => ({ SASL: ports.sasl, TLS: ports.tls, SASL_TLS: ports.saslTls });

const ONE_NODE = {
  // Topics are made by who owns them; a misspelt one shall not appear.
  "auto.create.topics.enable": false,
  "offsets.topic.replication.factor": 1,
  "offsets.topic.num.partitions": 3,
  "transaction.state.log.replication.factor": 1,
  "transaction.state.log.num.partitions": 3,
  "transaction.state.log.min.isr": 1,
  "share.coordinator.state.topic.replication.factor": 1,
  "share.coordinator.state.topic.num.partitions": 3,
  "share.coordinator.state.topic.min.isr": 1,
};

const FAST = {
  // Else the first member of each group waits 3 s for others.
  "group.initial.rebalance.delay.ms": 0,
  // A broker killed with -9 may register again only when its old session has ended: after 9 s by default.
  "broker.session.timeout.ms": 3_000,
  "broker.heartbeat.interval.ms": 500,
  "num.network.threads": 2,
  "num.io.threads": 4,
};

function securitySettings({ user, password, keystore, keystorePassword }: Security) {
  const plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
  const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
  const ofListener = (name: string) => {
    const prefix = `listener.name.${name}`;
    return {
      [`${prefix}.plain.sasl.jaas.config`]: `${plain} user_${user}=${JSON.stringify(password)};`,
      [`${prefix}.scram-sha-256.sasl.jaas.config`]: scram,
      [`${prefix}.scram-sha-512.sasl.jaas.config`]: scram,
    };
  };
  return {
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    "ssl.keystore.type": "PKCS12",
    "ssl.keystore.location": keystore,
    "ssl.keystore.password": keystorePassword,
    "ssl.key.password": keystorePassword,
    ...ofListener("sasl"),
    ...ofListener("sasl_tls"),
  };
}

/** The real servers and tools that stand in for the embedded parts: where each is, and how it gets here. */
import { installedBinary } from "../part/postgres-binary.ts";
import { findProgram, versionOf } from "./command.ts";
import { DAPR_VERSION, findDaprd, installDaprd } from "./install/daprd.ts";
import {
  findGoProgram,
  type GoProgram,
  installGoProgram,
  kubectlValidate,
  kustomize,
} from "./install/go-program.ts";
import { canInstallKafka, findKafka, installKafka, KAFKA_VERSION } from "./install/kafka.ts";
import { systemPostgres } from "./install/postgres.ts";
import { findRedis } from "./redis.ts";

export type PartName =
  | "kafka"
  | "daprd"
  | "postgres"
  | "redis"
  | "kcat"
  | "promtool"
  | "kustomize"
  | "kubectl-validate";

export interface Part {
  readonly name: PartName;
  readonly title: string;
  /** A folder or a program. */
  find(cache: string): string | undefined | Promise<string | undefined>;
  readonly version: (found: string) => string;
  /** Debian's packages that are of use here and not installed. */
  packages(cache: string): readonly string[];
  /** What no package brings. */
  readonly install?: (cache: string) => Promise<void>;
  /** How a person gets it. */
  readonly advice: string;
}

const kafka: Part = {
  name: "kafka",
  title: "Apache Kafka",
  find: findKafka,
  version: () => KAFKA_VERSION,
  packages: (cache) => (findKafka(cache) || canInstallKafka() ? [] : ["maven"]),
  install: installKafka,
  advice: "install Java 17 or newer and Maven (Debian: apt-get install maven), then make parts",
};

const daprd: Part = {
  name: "daprd",
  title: "daprd",
  find: findDaprd,
  version: () => DAPR_VERSION,
  // Debian's Go may be too old to fetch the one that Dapr asks for.
  packages: () => [],
  install: installDaprd,
  advice: "install Go 1.21 or newer (https://go.dev/dl), then make parts",
};

const postgres: Part = {
  name: "postgres",
  title: "PostgreSQL",
  find: async () => systemPostgres()?.postgres ?? (await embeddedPostgres()),
  version: (program) => versionOf(program, ["--version"]),
  packages: () => (systemPostgres() === undefined ? ["postgresql"] : []),
  advice: "install PostgreSQL 15 or newer (Debian: apt-get install postgresql)",
};

const redis: Part = {
  name: "redis",
  title: "Redis",
  find: findRedis,
  version: (program) => versionOf(program, ["--version"]),
  packages: () => (findRedis() === undefined ? ["redis-server"] : []),
  advice: "install Redis or Valkey (Debian: apt-get install redis-server)",
};

const findKcat = (): string | undefined => findProgram("kcat");

const kcat: Part = {
  name: "kcat",
  title: "kcat",
  find: findKcat,
  version: (program) => versionOf(program, ["-V"]),
  packages: () => (findKcat() === undefined ? ["kcat"] : []),
  advice: "install kcat (Debian: apt-get install kcat)",
};

const findPromtool = (): string | undefined => findProgram("promtool");

/** For the alarms of knative/component/monitoring alone. */
const promtool: Part = {
  name: "promtool",
  title: "promtool",
  find: findPromtool,
  version: (program) => versionOf(program, ["--version"]),
  packages: () => (findPromtool() === undefined ? ["prometheus"] : []),
  advice: "install Prometheus (Debian: apt-get install prometheus)",
};

/** For the cluster's YAML alone. */
const goProgram = (name: PartName, program: GoProgram): Part => ({
  name,
  title: program.name,
  find: (cache) => findGoProgram(cache, program),
  version: () => program.version,
  packages: () => [],
  install: (cache) => installGoProgram(cache, program),
  advice: "install Go 1.21 or newer (https://go.dev/dl), then make parts",
});

export const PARTS: readonly Part[] = [
  kafka,
  daprd,
  postgres,
  redis,
  kcat,
  promtool,
  goProgram("kustomize", kustomize),
  goProgram("kubectl-validate", kubectlValidate),
];

/** The one that npm brings for the embedded part is a whole PostgreSQL too. */
async function embeddedPostgres(): Promise<string | undefined> {
  try {
    return (await installedBinary()).postgres;
  } catch {
    return undefined;
  }
}

/** The Secrets that the YAML refers to: made on first start and kept, or taken from the environment and `.env`. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { isErrno } from "./file/atomic-file.ts";

export interface SecretRef {
  name: string;
  key: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Function to its schema, which is also the name of its runtime role. */
export const SCHEMAS: Readonly<Record<string, string>> = {
  "audit-log": "audit",
  notification: "notification",
  "recurring-task": "recurring",
};

export const ownerOf = (schema: string): string => `${schema}_owner`;

const RANDOM_BYTES = 32;
const FILE = "secrets.json";

/** `.env` of the root below what the environment itself has. */
export function readEnvironment(root: string, env: Environment): Environment {
  try {
    return { ...parseEnv(readFileSync(join(root, ".env"), "utf8")), ...env };
  } catch (error) {
    if (isErrno(error, "ENOENT")) return env;
    throw error;
  }
}

/** `service-token`/`key` → `SERVICE_TOKEN_KEY`. */
export function secretVariable({ name, key }: SecretRef): string {
  if (name === "token" && key === "secret") return "JWT_SECRET";
  return `${name}_${key}`.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
}

/** The Secrets that the runner has values for without anybody's help. */
export function isProvided({ name, key }: SecretRef): boolean {
  const databases = Object.keys(SCHEMAS).flatMap((it) => [
    `database-${it}/url`,
    `database-${it}/migrate-url`,
  ]);
  const others = ["token/secret", "cursor/keys", "service-token/key", "smtp/url", "sms/url"];
  return [...databases, ...others].includes(`${name}/${key}`);
}

/** Random texts by name, made when first asked for and the same for ever; `secrets.json` is its owner's alone. */
export function openKeys(stateDir: string): (name: string) => string {
  const path = join(stateDir, FILE);
  const keys = readKeys(path);
  return (name) => {
    const known = keys[name];
    if (known !== undefined) return known;
    const made = randomBytes(RANDOM_BYTES).toString("base64url");
    keys[name] = made;
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(`${path}.new`, JSON.stringify(keys, null, 2), { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
    return made;
  };
}

function readKeys(path: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return {};
    throw error;
  }
}

/** What only exists once the embedded parts run. */
export interface PartUrls {
  database: (role: string) => string;
  smtp: string;
  sms: string;
}

export type Secrets = (ref: SecretRef) => string | undefined;

/** The environment wins over what the runner makes; a Secret of the YAML itself was asked before. */
export function openSecrets(
  keys: (name: string) => string,
  parts: PartUrls,
  env: Environment,
): Secrets {
  const made: Readonly<Record<string, () => string>> = {
    "token/secret": () => keys("token"),
    "cursor/keys": () => keys("cursor"),
    "service-token/key": () => keys("service-token"),
    "smtp/url": () => parts.smtp,
    "sms/url": () => parts.sms,
    ...Object.fromEntries(
      Object.entries(SCHEMAS).flatMap(([name, schema]) => [
        [`database-${name}/url`, () => parts.database(schema)],
        [`database-${name}/migrate-url`, () => parts.database(ownerOf(schema))],
      ]),
    ),
  };
  return (ref) => env[secretVariable(ref)] || made[`${ref.name}/${ref.key}`]?.();
}

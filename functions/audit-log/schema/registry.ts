/**
 * A schema registry by the HTTP API of Confluent's, which Redpanda's, Karapace and Apicurio speak too. (Apicurio 2.6 takes the schemas,
 * but compares none of draft 2020-12: it answers 500 to a second version.)
 */
import { setTimeout as delay } from "node:timers/promises";
import { RetryableError, UsageError } from "../../../lib/host/error.ts";

export interface Registry {
  setCompatibility(subject: string, level: string): Promise<void>;
  /** Its id in the registry: the same again for a schema that is there. */
  register(subject: string, schema: object): Promise<number>;
}

export interface RegistryOptions {
  /** Before each further attempt. */
  readonly waitsMs?: readonly number[];
}

const contentType = "application/vnd.schemaregistry.v1+json";
const timeoutMs = 10_000;
/** A registry that starts, or elects who writes, answers with 5xx. */
const defaultWaitsMs = [500, 1_000, 2_000, 4_000, 8_000];
const passing = new Set([408, 425, 429]);

interface Call {
  readonly method: "PUT" | "POST";
  readonly path: string;
  readonly subject: string;
  readonly body: object;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Throws UsageError where a person must act, RetryableError where it did not answer in time. */
export function openRegistry(
  url: string,
  { waitsMs = defaultWaitsMs }: RegistryOptions = {},
): Registry {
  const { origin, pathname, username, password, host } = new URL(url);
  const base = origin + pathname.replace(/\/+$/, "");
  const user = `${decoded(username)}:${decoded(password)}`;
  const headers = {
    accept: `${contentType}, application/json`,
    "content-type": contentType,
    ...(user === ":" ? {} : { authorization: `Basic ${Buffer.from(user).toString("base64")}` }),
  };
  const call = (given: Call) =>
    insist(() => send(`${base}${given.path}`, given, headers), { host, waitsMs, call: given });
  return {
    async setCompatibility(subject, compatibility) {
      const path = `/config/${encodeURIComponent(subject)}`;
      await call({ method: "PUT", path, subject, body: { compatibility } });
    },
    async register(subject, schema) {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`;
      const body = { schemaType: "JSON", schema: JSON.stringify(schema) };
      const answer = await call({ method: "POST", path, subject, body });
      const { id } = answer.body;
      if (typeof id === "number") return id;
      throw new UsageError(`${host} is no schema registry: it gave ${subject} no id.`);
    },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError("SCHEMA_REGISTRY_URL: a % in its user or password is written %25.");
  }
}

async function send(
  url: string,
  { method, body }: Call,
  headers: Record<string, string>,
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers,
    body: JSON.stringify(body),
    // A POST would be repeated as a GET.
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { status: response.status, body: toObject(await response.text()) };
}

function toObject(text: string): Answer["body"] {
  try {
    return Object(JSON.parse(text)) as Answer["body"];
  } catch {
    return {};
  }
}

interface Insistence {
  readonly host: string;
  readonly waitsMs: readonly number[];
  readonly call: Call;
}

async function insist(
  attempt: () => Promise<Answer>,
  { host, waitsMs, call }: Insistence,
): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    const outcome = await attempt().catch((error: unknown) => unreachable(error, host));
    if (!(outcome instanceof Error)) {
      if (outcome.status >= 200 && outcome.status < 300) return outcome;
      if (outcome.status < 500 && !passing.has(outcome.status)) throw refusal(outcome, host, call);
    }
    const wait = waitsMs[failures];
    if (wait !== undefined) await delay(wait);
    else if (outcome instanceof Error) throw outcome;
    else throw unavailable(`The schema registry ${host} ${said(outcome)}.`);
  }
}

/** Throws where no further attempt would help. */
function unreachable(error: unknown, host: string): Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) {
    throw new UsageError(
      `The certificate of the schema registry ${host} is not trusted (${code}): give its CA in NODE_EXTRA_CA_CERTS.`,
    );
  }
  return unavailable(`The schema registry ${host} cannot be reached: ${String(cause)}`, cause);
}

const unavailable = (sentence: string, cause?: unknown): RetryableError =>
  new RetryableError("schema_registry_unavailable", sentence, { cause });

const said = ({ status, body }: Answer): string => {
  const message = typeof body["message"] === "string" ? `: ${body["message"].slice(0, 500)}` : "";
  return `answered ${String(status)}${message}`;
};

function refusal(answer: Answer, host: string, { subject, path }: Call): UsageError {
  const registry = `The schema registry ${host} ${said(answer)}.`;
  const advice: Readonly<Record<number, string>> = {
    401: "SCHEMA_REGISTRY_URL needs its user and password: https://user:password@host.",
    403: `The user of SCHEMA_REGISTRY_URL may not write the subject ${subject} or its compatibility.`,
    404: `There is no ${path}: SCHEMA_REGISTRY_URL is the address in front of /subjects.`,
    409: `The subject ${subject} has a version that the schema of the contract is not compatible with: somebody else's, or one that was published before docs/schema/published.`,
    422: `It does not take the schema of ${subject}, or its compatibility.`,
  };
  return new UsageError(`${registry} ${advice[answer.status] ?? "Is it a schema registry?"}`);
}

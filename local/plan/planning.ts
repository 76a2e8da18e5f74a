/** What the plan's parts share: lookups that note a problem where nothing answers. */
import type { Addresses } from "../address.ts";
import { toLocal } from "../address.ts";
import type { Problem } from "../manifest/error.ts";
import type { DeliveryPolicy } from "../knative/delivery/delivery-policy.ts";
import { type Delivery, type Destination, toDeliveryPolicy } from "../manifest/field/delivery.ts";
import type { Manifest } from "../manifest/kind.ts";
import type { FieldPath, Read } from "../manifest/resource.ts";
import { type Environment, isProvided, type SecretRef, secretVariable } from "../secret.ts";
import type { EnvValue } from "./process.ts";

export interface PlanningOptions {
  manifest: Manifest;
  addresses: Addresses;
  env: Environment;
  /** Of a path relative to the root. */
  exists: (path: string) => boolean;
  absolute: (path: string) => string;
}

export class Planning {
  readonly namespace = "default";
  readonly problems: Problem[] = [];
  readonly exists: (path: string) => boolean;
  readonly absolute: (path: string) => string;
  readonly #options: PlanningOptions;

  constructor(options: PlanningOptions) {
    this.#options = options;
    this.exists = options.exists;
    this.absolute = options.absolute;
  }

  /** Once, even if two ask about the same line. */
  problem(resource: Read, path: FieldPath, sentence: string): void {
    const { file, line } = resource.placeOf(path);
    const isSaid = this.problems.some(
      (it) => it.file === file && it.line === line && it.sentence === sentence,
    );
    if (!isSaid) this.problems.push({ file, line, sentence });
  }

  /** A Secret's key: of the YAML, of the environment, or one that the runner makes. */
  secret(
    resource: Read,
    path: FieldPath,
    ref: SecretRef,
    isOptional: boolean,
  ): EnvValue | undefined {
    const written = this.#options.manifest.secrets.find((it) => it.metadata.name === ref.name);
    const encoded = written?.data?.[ref.key];
    const text = written?.stringData?.[ref.key] ?? (encoded && fromBase64(encoded));
    if (text !== undefined) return text;
    const variable = secretVariable(ref);
    if (this.#options.env[variable] || isProvided(ref)) return { secret: ref };
    if (!isOptional) {
      const sentence = `nothing provides key "${ref.key}" of Secret "${ref.name}": set ${variable} in .env or the environment`;
      this.problem(resource, path, sentence);
    }
    return undefined;
  }

  configMap(
    resource: Read,
    path: FieldPath,
    ref: SecretRef,
    isOptional: boolean,
  ): string | undefined {
    const found = this.#options.manifest.configMaps.find((it) => it.metadata.name === ref.name);
    const value = found?.data?.[ref.key];
    if (value !== undefined) return this.local(resource, path, value);
    if (!isOptional) {
      const what = found === undefined ? "" : `key "${ref.key}" in `;
      this.problem(resource, path, `there is no ${what}ConfigMap "${ref.name}"`);
    }
    return undefined;
  }

  /** A value with the cluster's names replaced. */
  local(resource: Read, path: FieldPath, text: string): string {
    const { value, unknown } = toLocal(text, this.#options.addresses);
    for (const name of unknown) this.problem(resource, path, `${name} is the address of nothing`);
    return value;
  }

  /** The runner has one Kafka: another one in the YAML would never be read. */
  kafka(resource: Read, path: FieldPath, servers: readonly string[]): void {
    for (const [index, server] of servers.entries()) {
      const known = this.problems.length;
      const address = this.local(resource, [...path, index], server);
      if (address !== this.#options.addresses.kafka && this.problems.length === known) {
        this.problem(resource, [...path, index], `${server} is not the address of Kafka`);
      }
    }
  }

  /** `spec.delivery` of a resource; `absent` is what Knative does without it. */
  delivery(
    resource: Read,
    delivery: Delivery | undefined,
    absent?: DeliveryPolicy,
  ): DeliveryPolicy {
    const policy = toDeliveryPolicy(delivery, absent);
    const letters = delivery?.deadLetterSink;
    if (letters === undefined) return policy;
    const path = ["spec", "delivery", "deadLetterSink"];
    return { ...policy, deadLetterSinkUrl: this.sinkUrl(resource, path, letters) };
  }

  /** Where events for the sink go: the references were checked when the YAML was read. */
  sinkUrl(resource: Read, path: FieldPath, sink: Destination): string {
    const { ref, uri } = sink;
    if (ref === undefined) {
      const url = this.local(resource, [...path, "uri"], uri ?? "");
      const isHttp = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
      if (!isHttp) this.problem(resource, [...path, "uri"], `${uri ?? ""} is no http URL`);
      return url;
    }
    const { addresses } = this.#options;
    const url =
      ref.kind === "Service"
        ? (addresses.serviceUrl(ref.name) ?? "")
        : `${addresses.brokerUrl}/${this.namespace}/${ref.name}`;
    return uri === undefined || url === "" ? url : new URL(uri, url).href;
  }
}

const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString("utf8");

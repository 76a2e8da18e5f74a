/** Whatever a resource names is there: sinks, Brokers, ConfigMaps and their keys, Secrets, service accounts, components. */
import { isProvided } from "../../../local/secret.ts";
import {
  at,
  containersOf,
  listAt,
  nameOf,
  type Resource,
  templateOf,
  textAt,
  textsAt,
} from "../resource.ts";

interface Reference {
  readonly kind: string;
  readonly name: string;
  readonly key?: string;
  /** Where absent, any. */
  readonly apiVersion?: string;
}

/** `given`: what is put into the cluster by hand, `Secret/<name>` and `Secret/<name>:<key>`, besides the Secrets that the runner knows, too. */
export const checkReferences = (
  resources: readonly Resource[],
  given: ReadonlySet<string> = new Set(),
): string[] =>
  resources.flatMap((resource) =>
    [
      ...walk(resource),
      ...podReferences(resource),
      ...urlReferences(resource),
      ...daprReferences(resource),
    ]
      .filter((reference) => !isThere(reference, resources, given))
      .map(({ kind, name, key }) => {
        const what = `${kind} ${name}${key === undefined ? "" : ` with the key ${key}`}`;
        return `${nameOf(resource)} needs ${what}, which is not there`;
      }),
  );

function isThere(
  { kind, name, key, apiVersion }: Reference,
  resources: readonly Resource[],
  given: ReadonlySet<string>,
): boolean {
  if (kind === "ServiceAccount" && name === "default") return true;
  if (given.has(`${kind}/${name}${key === undefined ? "" : `:${key}`}`)) return true;
  if (kind === "Secret" && key !== undefined && isProvided({ name, key })) return true;
  return resources.some(
    (it) =>
      it.kind === kind &&
      it.metadata.name === name &&
      (apiVersion === undefined || it.apiVersion === apiVersion) &&
      (key === undefined || key in { ...it.data, ...it.stringData }),
  );
}

/** Members whose value names another resource, wherever they stand. */
const NAMED: Readonly<Record<string, (value: unknown) => Reference[]>> = {
  secretKeyRef: (value) => keyed("Secret", value),
  configMapKeyRef: (value) => keyed("ConfigMap", value),
  secretRef: (value) => keyed("Secret", value),
  configMapRef: (value) => keyed("ConfigMap", value),
  ref: typed,
  scaleTargetRef: typed,
  secretName: (value) => [{ kind: "Secret", name: String(value) }],
  claimName: (value) => [{ kind: "PersistentVolumeClaim", name: String(value) }],
  serviceAccountName: (value) => [{ kind: "ServiceAccount", name: String(value) }],
};

function* walk(value: unknown): Iterable<Reference> {
  if (typeof value !== "object" || value === null) return;
  // A volume of a Secret that may be absent.
  if (at(value, "secretName") !== undefined && at(value, "optional") === true) return;
  for (const [member, inner] of Object.entries(value)) {
    const references = NAMED[member];
    if (references === undefined) yield* walk(inner);
    else yield* references(inner);
  }
}

function keyed(kind: string, value: unknown): Reference[] {
  if (at(value, "optional") === true) return [];
  const key = textAt(value, "key");
  return [{ kind, name: textAt(value, "name") ?? "", ...(key === undefined ? {} : { key }) }];
}

/** A KafkaSink's `auth.secret.ref` has a name alone. */
function typed(value: unknown): Reference[] {
  const kind = textAt(value, "kind");
  const name = textAt(value, "name") ?? "";
  if (kind === undefined) return [{ kind: "Secret", name }];
  const apiVersion = textAt(value, "apiVersion");
  return [{ kind, name, ...(apiVersion === undefined ? {} : { apiVersion }) }];
}

function* podReferences(resource: Resource): Iterable<Reference> {
  const { kind, spec } = resource;
  for (const volume of listAt(templateOf(resource), "spec", "volumes")) {
    const map = textAt(volume, "configMap", "name");
    const isOptional = at(volume, "configMap", "optional") === true;
    if (map !== undefined && !isOptional) yield { kind: "ConfigMap", name: map };
  }
  const claims = listAt(spec, "volumeClaimTemplates").map((claim) => at(claim, "metadata", "name"));
  const volumes = listAt(templateOf(resource), "spec", "volumes").map((it) => at(it, "name"));
  for (const mount of containersOf(resource).flatMap((it) => listAt(it, "volumeMounts"))) {
    const name = at(mount, "name");
    if (![...claims, ...volumes].includes(name)) yield { kind: "volume", name: String(name) };
  }
  if (kind === "StatefulSet") yield { kind: "Service", name: textAt(spec, "serviceName") ?? "" };
  if (kind === "Trigger") yield { kind: "Broker", name: textAt(spec, "broker") ?? "" };
  if (kind === "Broker") {
    yield {
      kind: "ConfigMap",
      name: textAt(spec, "config", "name") ?? "",
      key: "bootstrap.servers",
    };
  }
}

const BROKER_URL =
  /^https?:\/\/kafka-broker-ingress\.knative-eventing\.svc(?:\.cluster\.local)?\/[^/]+\/(.+)$/;
const SERVICE_URL = /^https?:\/\/([a-z0-9-]+)\.[a-z0-9-]+\.svc(?:\.cluster\.local)?\/?$/;

/** Of variables such as BROKER_URL and AUDIT_LOG_URL. */
function* urlReferences(resource: Resource): Iterable<Reference> {
  for (const variable of containersOf(resource).flatMap((it) => listAt(it, "env"))) {
    const value = textAt(variable, "value") ?? "";
    const broker = BROKER_URL.exec(value)?.[1];
    const service = SERVICE_URL.exec(value)?.[1];
    if (broker !== undefined) yield { kind: "Broker", name: broker };
    if (service !== undefined) yield { kind: "Service", name: service };
  }
}

function* daprReferences(resource: Resource): Iterable<Reference> {
  const annotations = textsAt(templateOf(resource), "metadata", "annotations");
  const config = annotations["dapr.io/config"];
  if (config !== undefined) yield { kind: "Configuration", name: config };
  for (const token of ["dapr.io/api-token-secret", "dapr.io/app-token-secret"]) {
    const name = annotations[token];
    if (name !== undefined) yield { kind: "Secret", name };
  }
  // KAFKA_USERNAME=kafka:user,…
  for (const pair of annotations["dapr.io/env-from-secret"]?.split(",") ?? []) {
    const [name = "", key] = (pair.split("=")[1] ?? "").split(":");
    yield { kind: "Secret", name, ...(key === undefined ? {} : { key }) };
  }
  if (!resource.apiVersion.startsWith("dapr.io/")) return;
  const pubsub = textAt(resource.spec, "pubsubname");
  if (pubsub !== undefined) yield { kind: "Component", name: pubsub };
  for (const name of Object.keys(textsAt(resource.spec, "targets", "components"))) {
    yield { kind: "Component", name };
  }
}

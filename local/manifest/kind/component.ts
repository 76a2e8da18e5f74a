/** Dapr Component (dapr.io/v1alpha1). */
import { type Fault, fault } from "../fault.ts";
import { Type, type Static } from "typebox";
import { closed, list, name, optional, text } from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

const item = closed({
  name: name(),
  value: optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  envRef: optional(name()),
  secretKeyRef: optional(closed({ name: name(), key: optional(name()) })),
});

export const component = closed({
  ...head("dapr.io/v1alpha1", "Component"),
  spec: closed({ type: name(), version: name(), metadata: list(item) }, [
    "ignoreErrors",
    "initTimeout",
  ]),
  auth: optional(closed({ secretStore: text() })),
  scopes: optional(list(name())),
});

export type Component = Resource<Static<typeof component>>;

/** What the local sidecar reads of each type of component, and what only a real one needs. */
const METADATA: Readonly<Record<string, readonly string[]>> = {
  "pubsub.kafka": [
    "authType",
    "brokers",
    "caCert",
    "clientID",
    "consumerGroup",
    "consumerID",
    "disableTls",
    "escapeHeaders",
    "excludeHeaderMetaRegex",
    "heartbeatInterval",
    "initialOffset",
    "saslMechanism",
    "saslPassword",
    "saslUsername",
    "sessionTimeout",
    "version",
  ],
  "state.redis": [
    "enableTLS",
    "keyPrefix",
    "redisDB",
    "redisHost",
    "redisPassword",
    "redisType",
    "redisUsername",
    "ttlInSeconds",
  ],
};

export function* checkComponent({ spec }: Component): Iterable<Fault> {
  const known = METADATA[spec.type];
  if (known === undefined) {
    const types = Object.keys(METADATA).join(", ");
    yield fault(
      ["spec", "type"],
      `type ${spec.type} is not supported by the local runner (it has ${types})`,
    );
    return;
  }
  for (const [index, entry] of spec.metadata.entries()) {
    const path = ["spec", "metadata", index];
    const sources = [entry.value, entry.envRef, entry.secretKeyRef];
    if (sources.filter((it) => it !== undefined).length !== 1) {
      yield fault(path, `${entry.name} needs exactly one of value, envRef, secretKeyRef`);
    }
    if (!known.includes(entry.name)) {
      yield fault(path, `metadata ${entry.name} is not supported by the local runner`);
    }
    if (entry.name === "authType" && !isKnownAuth(entry.value)) {
      yield fault(path, "authType other than none, password is not supported by the local runner");
    }
  }
}

/** Undefined: by envRef. */
const isKnownAuth = (value: unknown): boolean =>
  value === undefined || value === "none" || value === "password";

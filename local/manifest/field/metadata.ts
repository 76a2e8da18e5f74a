/** `metadata` of a resource and of a template. */
import { Type } from "typebox";
import { closed, name, oneOf, optional, textMap } from "./closed.ts";

const notSupported = ["generateName", "finalizers", "ownerReferences"];

/** The runner has no other: what is in another would meet the rest all the same. */
export const namespace = () => oneOf("default");

export const metadata = closed(
  {
    name: name(),
    namespace: optional(namespace()),
    labels: optional(textMap()),
    annotations: optional(textMap()),
  },
  notSupported,
);

export const templateMetadata = closed(
  { labels: optional(textMap()), annotations: optional(textMap()) },
  ["name", "namespace", ...notSupported],
);

/** Around the spec of each kind. */
export const head = <const Version extends string, const Kind extends string>(
  apiVersion: Version,
  kind: Kind,
) => ({ apiVersion: Type.Literal(apiVersion), kind: Type.Literal(kind), metadata });

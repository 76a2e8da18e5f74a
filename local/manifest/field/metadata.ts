/** `metadata` of a resource and of a template. */
import { Type } from "typebox";
import { type Fault, fault, warning } from "../fault.ts";
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

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** As the API server does (RFC 1123), and for a Service of either group, which becomes a host name (RFC 1035). */
export function* checkName({ kind, metadata }: Named): Iterable<Fault> {
  const path = ["metadata", "name"];
  const said = `metadata.name "${metadata.name}" is no name`;
  if (kind === "Service" && !(LABEL.test(metadata.name) && metadata.name.length <= 63)) {
    const rule = `has only a-z, 0-9 and "-", begins with a letter, ends with a letter or digit`;
    yield fault(path, `${said} of a Service: it ${rule}, and is at most 63 long`);
  } else if (!(SUBDOMAIN.test(metadata.name) && metadata.name.length <= 253)) {
    const rule = `has only a-z, 0-9, "-" and ".", begins and ends with a letter or digit`;
    yield fault(path, `${said} to Kubernetes: it ${rule}, and is at most 253 long`);
  }
}

/** Of a consumer's resource. Whether they have an effect is the cluster's choice: it must have KEDA, and the feature turned on. */
export function* checkKeda(annotations: Readonly<Record<string, string>> = {}): Iterable<Fault> {
  for (const annotation of Object.keys(annotations)) {
    if (!annotation.startsWith("autoscaling.eventing.knative.dev/")) continue;
    const sentence = "has no effect here: KEDA scales the dispatcher's Pods, in the cluster";
    yield warning(["metadata", "annotations", annotation], `${annotation} ${sentence}`);
  }
}

/** Dapr: only where it is asked for, and no name that would change the topic. */
import {
  at,
  isKnativeService,
  listAt,
  nameOf,
  type Resource,
  templateOf,
  textsAt,
} from "../resource.ts";

export function checkDapr(resources: readonly Resource[]): string[] {
  const appIds = resources.map(
    (resource) => textsAt(templateOf(resource), "metadata", "annotations")["dapr.io/app-id"],
  );
  return resources.flatMap((resource) => [
    ...namespaceFaults(resource),
    ...scopeFaults(resource, appIds),
    ...sidecarFaults(resource),
  ]);
}

/** Any metadata of a pubsub with it has every topic prefixed with the namespace. */
const namespaceFaults = (resource: Resource): string[] =>
  resource.kind !== "Component"
    ? []
    : listAt(resource.spec, "metadata")
        .filter((item) => String(at(item, "value")).includes("{namespace}"))
        .map((item) => `${nameOf(resource)} has {namespace} in ${String(at(item, "name"))}`);

const scopeFaults = (resource: Resource, appIds: readonly (string | undefined)[]): string[] =>
  resource.apiVersion.startsWith("dapr.io/")
    ? listAt(resource, "scopes")
        .map(String)
        .filter((scope) => !appIds.includes(scope))
        .map((scope) => `${nameOf(resource)} is for the app ${scope}, which no pod is`)
    : [];

/** A sidecar's deliveries pass queue-proxy by, and its metrics want queue-proxy's port. */
const sidecarFaults = (resource: Resource): string[] => {
  const annotations = textsAt(templateOf(resource), "metadata", "annotations");
  return isKnativeService(resource) && annotations["dapr.io/enabled"] === "true"
    ? [`${nameOf(resource)} has a sidecar (dapr.io/enabled)`]
    : [];
};

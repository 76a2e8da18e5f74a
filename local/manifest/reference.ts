/** References between resources: each must lead somewhere. */
import type { Problem } from "./error.ts";
import { toSidecar } from "./field/dapr-annotation.ts";
import type { Delivery, Destination } from "./field/delivery.ts";
import type { Manifest } from "./kind.ts";
import type { FieldPath, Read } from "./resource.ts";

export function checkReferences(manifest: Manifest): Problem[] {
  return [
    ...manifest.kafkaSources.flatMap((source) => [
      ...dangling(manifest, source, source.spec.sink, ["spec", "sink"]),
      ...danglingDeadLetterSink(manifest, source),
    ]),
    ...manifest.pingSources.flatMap((source) =>
      dangling(manifest, source, source.spec.sink, ["spec", "sink"]),
    ),
    ...manifest.brokers.flatMap((broker) => [
      ...checkBrokerConfig(manifest, broker),
      ...danglingDeadLetterSink(manifest, broker),
    ]),
    ...manifest.triggers.flatMap((trigger) => [
      ...checkTriggerBroker(manifest, trigger),
      ...dangling(manifest, trigger, trigger.spec.subscriber, ["spec", "subscriber"]),
      ...danglingDeadLetterSink(manifest, trigger),
    ]),
    ...manifest.kafkaSinks.flatMap((sink) => checkKafkaSinkName(manifest, sink)),
    ...manifest.statefulSets.flatMap((statefulSet) => checkStatefulSet(manifest, statefulSet)),
    ...manifest.services.flatMap((service) => checkService(manifest, service)),
    ...checkDapr(manifest),
  ];
}

const problem = (resource: Read, path: FieldPath, sentence: string): Problem => ({
  ...resource.placeOf(path),
  sentence,
});

/** What a sink's ref may name: `<apiVersion> <kind>` to the resources of that kind. */
const addressables = (manifest: Manifest) =>
  new Map<string, readonly { metadata: { name: string } }[]>([
    ["serving.knative.dev/v1 Service", manifest.knativeServices],
    ["v1 Service", manifest.services],
    ["eventing.knative.dev/v1 Broker", manifest.brokers],
    ["eventing.knative.dev/v1alpha1 KafkaSink", manifest.kafkaSinks],
  ]);

function dangling(
  manifest: Manifest,
  resource: Read,
  sink: Destination | undefined,
  path: FieldPath,
): Problem[] {
  const ref = sink?.ref;
  if (ref === undefined) return [];
  const known = addressables(manifest);
  const targets = known.get(`${ref.apiVersion} ${ref.kind}`);
  if (targets === undefined) {
    const sentence = `${ref.kind} (${ref.apiVersion}) is nothing that can be a sink here (${[...known.keys()].join(", ")})`;
    return [problem(resource, [...path, "ref", "kind"], sentence)];
  }
  if (targets.some(({ metadata }) => metadata.name === ref.name)) return [];
  return [problem(resource, [...path, "ref", "name"], `there is no ${ref.kind} "${ref.name}"`)];
}

const danglingDeadLetterSink = (
  manifest: Manifest,
  resource: Read & { spec: { delivery?: Delivery } },
): Problem[] => {
  const path = ["spec", "delivery", "deadLetterSink"];
  return dangling(manifest, resource, resource.spec.delivery?.deadLetterSink, path);
};

function checkBrokerConfig(manifest: Manifest, broker: Manifest["brokers"][number]): Problem[] {
  const { name } = broker.spec.config;
  if (has(manifest.configMaps, name)) return [];
  return [problem(broker, ["spec", "config", "name"], `there is no ConfigMap "${name}"`)];
}

function checkTriggerBroker(manifest: Manifest, trigger: Manifest["triggers"][number]): Problem[] {
  const { broker } = trigger.spec;
  if (has(manifest.brokers, broker)) return [];
  return [problem(trigger, ["spec", "broker"], `there is no Broker "${broker}"`)];
}

/** The cluster has an ingress for each of the two kinds, the laptop one for both. */
function checkKafkaSinkName(manifest: Manifest, sink: Manifest["kafkaSinks"][number]): Problem[] {
  const { name } = sink.metadata;
  if (!has(manifest.brokers, name)) return [];
  const sentence = `KafkaSink "${name}" has the name of a Broker: on the laptop they would share one address`;
  return [problem(sink, ["metadata", "name"], sentence)];
}

function checkStatefulSet(
  manifest: Manifest,
  statefulSet: Manifest["statefulSets"][number],
): Problem[] {
  const { serviceName, template } = statefulSet.spec;
  const config = toSidecar(template.metadata?.annotations ?? {})?.config;
  const path = ["spec", "template", "metadata", "annotations", "dapr.io/config"];
  return [
    ...(has(manifest.services, serviceName)
      ? []
      : [problem(statefulSet, ["spec", "serviceName"], `there is no Service "${serviceName}"`)]),
    ...(config === undefined || has(manifest.configurations, config)
      ? []
      : [problem(statefulSet, path, `there is no Configuration "${config}"`)]),
  ];
}

function checkService(manifest: Manifest, service: Manifest["services"][number]): Problem[] {
  const { selector } = service.spec;
  const isSelected = manifest.statefulSets.some(({ spec }) =>
    Object.entries(selector).every(
      ([label, value]) => spec.template.metadata?.labels?.[label] === value,
    ),
  );
  return isSelected
    ? []
    : [problem(service, ["spec", "selector"], "the selector fits no StatefulSet's pods")];
}

function checkDapr(manifest: Manifest): Problem[] {
  const { components, subscriptions, resiliencies, statefulSets } = manifest;
  const appIds = statefulSets.map(
    ({ spec }) => toSidecar(spec.template.metadata?.annotations ?? {})?.appId,
  );
  const scoped = [...components, ...subscriptions, ...resiliencies].flatMap((resource) =>
    (resource.scopes ?? []).flatMap((scope, index) =>
      appIds.includes(scope)
        ? []
        : [problem(resource, ["scopes", index], `there is no pod with dapr.io/app-id "${scope}"`)],
    ),
  );
  const pubsubs = subscriptions
    .filter(({ spec }) => !has(components, spec.pubsubname))
    .map((subscription) => {
      const sentence = `there is no Component "${subscription.spec.pubsubname}"`;
      return problem(subscription, ["spec", "pubsubname"], sentence);
    });
  const targets = resiliencies.flatMap((resiliency) =>
    Object.keys(resiliency.spec.targets.components ?? {})
      .filter((name) => !has(components, name))
      .map((name) =>
        problem(
          resiliency,
          ["spec", "targets", "components", name],
          `there is no Component "${name}"`,
        ),
      ),
  );
  return [...scoped, ...pubsubs, ...targets];
}

const has = (resources: readonly { metadata: { name: string } }[], name: string): boolean =>
  resources.some(({ metadata }) => metadata.name === name);

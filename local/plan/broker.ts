/** Brokers and their Triggers, as the controllers of Knative make topics, consumer groups and policies of them. */
import type { Broker } from "../knative/ingress.ts";
import type { Trigger } from "../knative/trigger.ts";
import { brokerDelivery, type DeliveryPolicy } from "../knative/delivery/delivery-policy.ts";
import type { Manifest, ResourceOf } from "../manifest/kind.ts";
import { EXTERNAL_TOPIC_ANNOTATION } from "../manifest/kind/broker.ts";
import { orderingOf } from "../manifest/kind/trigger.ts";
import type { Place } from "../manifest/resource.ts";
import type { Planning } from "./planning.ts";

/** What Knative makes where the Broker names no topic of others. */
export interface MadeTopic {
  partitions: number;
  replicationFactor: number;
  configs: Readonly<Record<string, string>>;
}

export interface BrokerPlan extends Broker {
  made: MadeTopic | undefined;
  /** For its Triggers that have none. */
  delivery: DeliveryPolicy;
  at: Place;
}

export function planBroker(
  planning: Planning,
  manifest: Manifest,
  resource: ResourceOf<"brokers">,
): BrokerPlan {
  const { metadata, spec } = resource;
  const { namespace } = planning;
  const { name } = metadata;
  const external = metadata.annotations?.[EXTERNAL_TOPIC_ANNOTATION];
  const configMap = manifest.configMaps.find((it) => it.metadata.name === spec.config.name);
  const topic = configMap && planTopic(planning, configMap);
  return {
    namespace,
    name,
    topic: external ?? `knative-broker-${namespace}-${name}`,
    made: external === undefined ? topic : undefined,
    delivery: planning.delivery(resource, spec.delivery, brokerDelivery),
    at: resource.placeOf(["metadata", "annotations", EXTERNAL_TOPIC_ANNOTATION]),
  };
}

const CONFIG_PREFIX = "default.topic.config.";

/** A Broker with a bad ConfigMap is never ready, one on a topic of others neither. */
function planTopic(planning: Planning, configMap: ResourceOf<"configMaps">): MadeTopic {
  const { data = {} } = configMap;
  const servers = data["bootstrap.servers"]?.split(/\s*,\s*/).filter(Boolean) ?? [];
  if (servers.length === 0) {
    planning.problem(configMap, ["data"], "a Broker's ConfigMap needs bootstrap.servers");
  }
  planning.kafka(configMap, ["data", "bootstrap.servers"], servers);
  const count = (key: string) => {
    const text = data[key]?.trim() ?? "";
    if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
    const found = text === "" ? "nothing" : `"${text}"`;
    const sentence = `a Broker's ConfigMap needs ${key}, a number above 0, not ${found}`;
    planning.problem(configMap, ["data", key], sentence);
    return 1;
  };
  return {
    partitions: count("default.topic.partitions"),
    replicationFactor: count("default.topic.replication.factor"),
    configs: Object.fromEntries(
      Object.entries(data)
        .filter(([key]) => key.startsWith(CONFIG_PREFIX))
        .map(([key, value]) => [key.slice(CONFIG_PREFIX.length), value]),
    ),
  };
}

export interface TriggerPlan {
  trigger: Trigger;
  sinkUrl: string;
  functionName: string;
}

export function planTrigger(
  planning: Planning,
  brokers: readonly BrokerPlan[],
  resource: ResourceOf<"triggers">,
): TriggerPlan {
  const { metadata, spec } = resource;
  const { namespace } = planning;
  const { name } = metadata;
  const { subscriber, filter, filters, delivery } = spec;
  const { topic = "", delivery: ofBroker = brokerDelivery } =
    brokers.find((broker) => broker.name === spec.broker) ?? {};
  return {
    trigger: {
      namespace,
      name,
      topic,
      consumerGroup: `knative-trigger-${namespace}-${name}`,
      ordering: orderingOf(metadata.annotations) ?? "unordered",
      initialOffset: "latest",
      filter: { ...(filter && { filter }), ...(filters && { filters }) },
      // Replaced as a whole: nothing of the Broker's is left where the Trigger has its own.
      delivery: delivery === undefined ? ofBroker : planning.delivery(resource, delivery),
    },
    sinkUrl: planning.sinkUrl(resource, ["spec", "subscriber"], subscriber),
    functionName: subscriber.ref?.name ?? subscriber.uri ?? name,
  };
}

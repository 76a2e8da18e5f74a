/** What a sidecar tells of itself: health and metadata. */
import type { Route } from "./route.ts";
import type { SidecarOptions } from "./sidecar.ts";
import { DaprError } from "./dapr-error.ts";

/** The version whose API this follows. */
const RUNTIME_VERSION = "1.16.0";

export function metadataRoutes(options: SidecarOptions): Route[] {
  return [
    { methods: ["GET"], path: /^\/v1\.0\/healthz\/outbound$/, handle: () => undefined },
    {
      methods: ["GET"],
      path: /^\/v1\.0\/healthz$/,
      handle: () => {
        if (options.appPort() !== undefined) return;
        throw new DaprError(
          500,
          "ERR_HEALTH_NOT_READY",
          "dapr is not ready: the app is not running",
        );
      },
    },
    { methods: ["GET"], path: /^\/v1\.0\/metadata$/, handle: () => toMetadata(options) },
  ];
}

function toMetadata({ appId, appPort, components, subscriptions }: SidecarOptions): object {
  return {
    id: appId,
    runtimeVersion: RUNTIME_VERSION,
    enabledFeatures: [],
    components: components.map(({ name, type }) => ({
      name,
      type,
      version: "v1",
      capabilities: [],
    })),
    subscriptions: subscriptions.map((each) => ({
      pubsubname: each.pubsubName,
      topic: each.topic,
      rules: [{ path: each.route }],
      metadata: each.metadata,
      deadLetterTopic: each.deadLetterTopic ?? "",
      type: "DECLARATIVE",
    })),
    extended: { daprRuntimeVersion: RUNTIME_VERSION },
    appConnectionProperties: {
      port: appPort() ?? 0,
      protocol: "http",
      channelAddress: "127.0.0.1",
    },
  };
}

/** The part of daprd that a pod's app uses: Dapr's HTTP API on 127.0.0.1, one sidecar a replica. */
import { join } from "node:path";
import { closeServer } from "../../lib/host/connection.ts";
import { createGuardedServer, listenOnLoopback } from "../process/front/front.ts";
import { freePort } from "../process/replica/free-port.ts";
import type { Note } from "../process/note/note.ts";
import { invokeRoute } from "./invoke.ts";
import { metadataRoutes } from "./metadata.ts";
import { publishRoute } from "./publish.ts";
import { Pubsub } from "./pubsub.ts";
import { answerRoutes } from "./route.ts";
import { FileStore } from "./state/file-store.ts";
import { type OutboundPolicy, withPolicy } from "./state/outbound.ts";
import { shareStore } from "./state/shared-store.ts";
import { stateRoutes } from "./state/state-route.ts";
import type { StateStore } from "./state/state-store.ts";
import { TopicSubscription } from "./subscription/subscription.ts";

/** A Component's metadata with envRef and secretKeyRef resolved; keys as Dapr spells them. */
export interface DaprComponent {
  name: string;
  type: "pubsub.kafka" | "state.redis";
  metadata: Readonly<Record<string, string>>;
}

export interface DaprSubscription {
  pubsubName: string;
  topic: string;
  /** `routes.default` */
  route: string;
  deadLetterTopic?: string;
  /** `rawPayload` */
  metadata: Readonly<Record<string, string>>;
}

/** `targets.components.<name>.inbound` of a Resiliency, its policies resolved. */
export interface InboundPolicy {
  timeoutMs?: number;
  retry?: RetryPolicy;
}

export interface RetryPolicy {
  policy: "constant" | "exponential";
  durationMs: number;
  maxIntervalMs?: number;
  /** -1: for ever */
  maxRetries: number;
}

export interface SidecarOptions {
  appId: string;
  podName: string;
  namespace: string;
  stateDir: string;
  /** What the app must say, and what the sidecar says to it, as DAPR_API_TOKEN and APP_API_TOKEN. */
  apiToken?: string;
  appApiToken?: string;
  /** 0: a free one. */
  port: number;
  /** Undefined while the app is not running. */
  appPort: () => number | undefined;
  components: readonly DaprComponent[];
  subscriptions: readonly DaprSubscription[];
  /** By component name. */
  inbound: Readonly<Record<string, InboundPolicy>>;
  outbound: Readonly<Record<string, OutboundPolicy>>;
  /** An in-cluster address of the URL to its local one; what is unknown stays. */
  resolveUrl: (url: URL) => URL;
  /** Base URL of another app id's app, undefined where there is none. */
  appUrl: (appId: string) => string | undefined;
  note: Note;
}

export interface Sidecar extends AsyncDisposable {
  readonly httpPort: number;
  /** Held for the app's environment; nothing speaks gRPC there. */
  readonly grpcPort: number;
  /** For the app. */
  readonly env: Readonly<Record<string, string>>;
}

export async function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  await using starting = new AsyncDisposableStack();
  const stores = await openStores(starting, options);
  const pubsubs = openPubsubs(starting, options);
  const routes = [
    ...metadataRoutes(options),
    ...stateRoutes(stores, options.appId),
    invokeRoute(options),
    publishRoute(pubsubs, options.appId),
  ];
  const server = createGuardedServer(answerRoutes(routes, options));
  const httpPort = await listenOnLoopback(server, options.port);
  starting.defer(() => closeServer(server));
  subscribe(starting, pubsubs, options);
  const running = starting.move();
  const grpcPort = await freePort();
  const { apiToken, appApiToken } = options;
  const env = {
    ...(apiToken === undefined ? {} : { DAPR_API_TOKEN: apiToken }),
    ...(appApiToken === undefined ? {} : { APP_API_TOKEN: appApiToken }),
  };
  return { httpPort, grpcPort, env, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

async function openStores(
  starting: AsyncDisposableStack,
  { components, stateDir, outbound, note }: SidecarOptions,
): Promise<ReadonlyMap<string, StateStore>> {
  const stores = new Map<string, StateStore>();
  for (const { name, metadata } of components.filter(({ type }) => type === "state.redis")) {
    const file = join(stateDir, "dapr", `${name}.ndjson`);
    const openStore = isEmbedded(metadata["redisHost"])
      ? () => FileStore.open(file)
      : async () => (await import("./state/redis-store.ts")).RedisStore.open(metadata, note);
    const shared = await shareStore(file, openStore);
    starting.use(shared);
    stores.set(name, withPolicy(shared.store, outbound[name] ?? {}));
  }
  return stores;
}

/** The cluster's name, where the runner has nothing in its place. */
const isEmbedded = (host: string | undefined): boolean => !host || /\.svc(?::\d+)?$/.test(host);

function openPubsubs(
  starting: AsyncDisposableStack,
  options: SidecarOptions,
): ReadonlyMap<string, Pubsub> {
  const components = options.components.filter(({ type }) => type === "pubsub.kafka");
  return new Map(
    components.map((each) => [each.name, starting.use(new Pubsub(each, options))] as const),
  );
}

function subscribe(
  starting: AsyncDisposableStack,
  pubsubs: ReadonlyMap<string, Pubsub>,
  { subscriptions, inbound, appPort, podName, appApiToken, note }: SidecarOptions,
): void {
  for (const [name, pubsub] of pubsubs) {
    const own = subscriptions.filter(({ pubsubName }) => pubsubName === name);
    if (own.length === 0) continue;
    const policy = inbound[name] ?? {};
    starting.use(
      new TopicSubscription({
        subscriptions: own,
        pubsub,
        inbound: policy,
        appPort,
        podName,
        appApiToken,
        note,
      }),
    );
  }
}

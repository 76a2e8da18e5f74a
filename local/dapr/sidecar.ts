/** The part of daprd that a pod's app uses: Dapr's HTTP API on 127.0.0.1, one sidecar a replica. */
import type { Note } from "../process/note.ts";

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
  retry?: {
    policy: "constant" | "exponential";
    durationMs: number;
    maxIntervalMs?: number;
    /** -1: for ever */
    maxRetries: number;
  };
}

export interface SidecarOptions {
  appId: string;
  podName: string;
  namespace: string;
  stateDir: string;
  /** 0: a free one. */
  port: number;
  /** Undefined while the app is not running. */
  appPort: () => number | undefined;
  components: readonly DaprComponent[];
  subscriptions: readonly DaprSubscription[];
  /** By component name. */
  inbound: Readonly<Record<string, InboundPolicy>>;
  /** An in-cluster address of the URL to its local one; what is unknown stays. */
  resolveUrl: (url: URL) => URL;
  /** Base URL of another app id's app, undefined where there is none. */
  appUrl: (appId: string) => string | undefined;
  note: Note;
}

export interface Sidecar extends AsyncDisposable {
  readonly httpPort: number;
  readonly grpcPort: number;
}

export function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  return Promise.reject(new Error(`not built yet: ${options.stateDir}`));
}

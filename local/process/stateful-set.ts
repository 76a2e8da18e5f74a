/** A StatefulSet behind its Service: replicas that are always on, each with its ordinal's name and its own sidecar. */
import type { FunctionCommand } from "./function-process.ts";
import type { Note } from "./note.ts";
import type { RunningService } from "./service.ts";

/** What a sidecar gives its app: DAPR_HTTP_PORT, DAPR_GRPC_PORT. */
export interface PodSidecar extends AsyncDisposable {
  readonly httpPort: number;
  readonly grpcPort: number;
}

export interface StatefulSetOptions {
  name: string;
  replicas: number;
  /** The front port, 8004; 0: a free one. */
  port: number;
  /** The command of one pod: `metadata.name` of a fieldRef is `<name>-<ordinal>`. */
  process: (podName: string) => FunctionCommand;
  /** ALLOWED_ORIGINS of its env: admitted at the front. */
  allowedOrigins: readonly string[];
  startSidecar?: (podName: string, appPort: () => number | undefined) => Promise<PodSidecar>;
  note: Note;
}

/** Rejects where a pod exits with code 2 before it was ready: a person's mistake. Does not wait for readiness: `wake` does. */
export function startStatefulSet(options: StatefulSetOptions): Promise<RunningService> {
  return Promise.reject(new Error(`not built yet: ${options.name}`));
}

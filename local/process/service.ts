/** A Knative Service: its front port is always open, its processes come with the first request and go when idle. */
import type { FunctionCommand } from "./function-process.ts";
import type { Note } from "./note.ts";

export interface Scale {
  /** `autoscaling.knative.dev/min-scale` */
  min: number;
  /** `autoscaling.knative.dev/max-scale`; 0: no limit */
  max: number;
  /** `containerConcurrency`; 0: no limit */
  concurrency: number;
  /** `autoscaling.knative.dev/target`: wanted concurrency of one process. Knative's default: 100, of which 70 % are used */
  target: number;
  /** `autoscaling.knative.dev/window` */
  windowMs: number;
  /** `scale-to-zero-pod-retention-period` and the cluster's grace period, whichever is longer */
  retentionMs: number;
}

export interface ServiceOptions {
  name: string;
  /** The front port, 8001…; 0: a free one. */
  port: number;
  process: FunctionCommand;
  scale: Scale;
  /** `timeoutSeconds`: how long a request may wait for a process. */
  timeoutMs: number;
  note: Note;
}

export interface RunningService extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Resolves when a process is ready. */
  wake(): Promise<void>;
}

export function startService(options: ServiceOptions): Promise<RunningService> {
  return Promise.reject(new Error(`not built yet: ${options.name}`));
}

/** A StatefulSet behind its Service: replicas that are always on, each with its ordinal's name and its own sidecar. */
import { UsageError } from "../../lib/host/error.ts";
import { Activator } from "./front/activator.ts";
import { closeServer } from "../../lib/host/connection.ts";
import { openDoor } from "./front/door.ts";
import { openFront } from "./front/front-server.ts";
import { describeExit, type Exit, type FunctionCommand } from "./replica/function-process.ts";
import { policyOf } from "./front/load-balancing.ts";
import type { Note } from "./note/note.ts";
import { ReplicaSet } from "./replica/replica-set.ts";
import type { RunningService } from "./service.ts";

/** What a sidecar gives its app: DAPR_HTTP_PORT, DAPR_GRPC_PORT, and `env`. */
export interface PodSidecar extends AsyncDisposable {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it expects its app: a real one is told so at its own start. */
  readonly appPort?: number;
  /** Resolves when it has found its app. A pod is ready when its sidecar is. */
  ready?(): Promise<void>;
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

export interface RunningStatefulSet extends RunningService {
  /** Port of the pod's own process, undefined while it is not running: for tests of one replica. */
  podPort(ordinal: number): number | undefined;
}

/** As a Service without ready endpoints refuses at once, and a client retries, nobody waits long. */
const WAIT_MS = 30_000;

/** Does not wait for readiness: `wake` does, and rejects where a pod exits with code 2, a person's mistake. */
export async function startStatefulSet(options: StatefulSetOptions): Promise<RunningStatefulSet> {
  const { name, note, port, allowedOrigins } = options;
  const podName = (ordinal: number) => `${name}-${String(ordinal)}`;
  const sidecars: PodSidecar[] = [];
  let mistake: UsageError | undefined;
  const onCrash = (exit: Exit, failures: number) => {
    note(name, describeExit(exit), "error");
    if (exit.code === 2) mistake = new UsageError(`${name}: ${exit.sentence}`);
    activator.onCrash(exit, failures);
  };
  const replicas = new ReplicaSet({
    process: (ordinal) => withSidecar(options.process(podName(ordinal)), sidecars[ordinal]),
    settleMs: 0,
    note,
    onReady: () => activator.pump(),
    onCrash,
  });
  const activator = new Activator({
    ready: () => replicas.ready,
    policy: policyOf(Infinity),
    timeoutMs: WAIT_MS,
  });
  const front = await openFront({ port, activator, allowedOrigins });
  for (let ordinal = 0; ordinal < options.replicas; ordinal += 1) {
    const sidecar = await options.startSidecar?.(podName(ordinal), () => replicas.portOf(ordinal));
    if (sidecar !== undefined) sidecars.push(sidecar);
  }
  replicas.scaleTo(options.replicas);
  return {
    url: `http://localhost:${String(front.port)}`,
    port: front.port,
    door: openDoor(activator),
    podPort: (ordinal) => replicas.portOf(ordinal),
    wake: async () => {
      try {
        (await activator.acquire(AbortSignal.timeout(WAIT_MS)))[Symbol.dispose]();
        await Promise.all(sidecars.map(async (sidecar) => sidecar.ready?.()));
      } catch (error) {
        throw mistake ?? error;
      }
    },
    [Symbol.asyncDispose]: async () => {
      // The pods first: they close their peers in order, over the front that still stands.
      await replicas[Symbol.asyncDispose]();
      front.endUpgraded();
      await closeServer(front.server);
      await Promise.all(sidecars.map((sidecar) => sidecar[Symbol.asyncDispose]()));
    },
  };
}

function withSidecar(command: FunctionCommand, sidecar: PodSidecar | undefined): FunctionCommand {
  if (sidecar === undefined) return command;
  const { httpPort, grpcPort, appPort, env } = sidecar;
  const ports = { DAPR_HTTP_PORT: String(httpPort), DAPR_GRPC_PORT: String(grpcPort) };
  const withEnv = { ...command, env: { ...command.env, ...ports, ...env } };
  return appPort === undefined ? withEnv : { ...withEnv, port: appPort };
}

/** What a load runs on: the flow of `make start-real`, or that of `make start`, on free ports and an empty state. */
import { partsFolder } from "../../local/real/cache.ts";
import { guardProcess } from "../../local/real/guard.ts";
import { installParts } from "../../local/real/install.ts";
import { startServers } from "../../local/real/servers.ts";
import { makeFolder } from "../support/folder.ts";
import { Runner } from "../support/runner.ts";

export interface Flow extends AsyncDisposable {
  readonly runner: Runner;
  /** `host:port` */
  readonly kafka: string;
}

export async function startFlow(isEmbedded: boolean): Promise<Flow> {
  await using starting = new AsyncDisposableStack();
  const variables: Readonly<Record<string, string>> = isEmbedded ? {} : await startParts(starting);
  const runner = starting.use(await Runner.start({ env: variables }));
  starting.use(guardProcess(runner.pid, "SIGTERM"));
  const running = starting.move();
  return {
    runner,
    kafka: variables["KAFKA_BROKER"] ?? `localhost:${runner.ports.kafka}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function startParts(stack: AsyncDisposableStack): Promise<Readonly<Record<string, string>>> {
  const parts = await installParts(partsFolder(process.env), console.log);
  const folder = stack.use(await makeFolder());
  const servers = stack.use(await startServers({ parts, dataDir: folder.path, env: {} }));
  return servers.variables;
}

/** The flow of `make start-real` for a test: servers and runner of its own, on free ports. */
import { startServers, type RealServers } from "../../local/real/servers.ts";
import { makeFolder } from "./folder.ts";
import { realParts } from "./real.ts";
import { Runner, type RunnerOptions } from "./runner.ts";

export interface RealFlow extends AsyncDisposable {
  readonly runner: Runner;
  readonly servers: RealServers;
  /** `host:port` */
  readonly kafka: string;
}

export async function startRealFlow(options: RunnerOptions = {}): Promise<RealFlow> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await makeFolder());
  const servers = await startServers({ parts: realParts, dataDir: folder.path, env: {} });
  starting.use(servers);
  const env = { ...servers.variables, ...options.env };
  const runner = starting.use(await Runner.start({ ...options, env }));
  const running = starting.move();
  return {
    runner,
    servers,
    kafka: servers.kafka?.address ?? "",
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

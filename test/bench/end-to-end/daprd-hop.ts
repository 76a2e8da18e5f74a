/** daprd alone: published to it by HTTP, kept in its memory, delivered by it to an app, without any broker. */
import { mkdirSync, writeFileSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { stablePort } from "../../../local/process/replica/free-port.ts";
import { startServer } from "../../../local/real/server.ts";
import { dataOf, type Hop } from "./hop.ts";

const resources = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: memory
spec:
  type: pubsub.in-memory
  version: v1
---
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata:
  name: events
spec:
  pubsubname: memory
  topic: events
  routes:
    default: /events
`;

interface Delivered {
  readonly data: { readonly id: string };
}

export async function openDaprdHop(program: string, folder: string): Promise<Hop> {
  await using opening = new AsyncDisposableStack();
  let arrived: (id: string) => void = () => undefined;
  const app = createServer((incoming, response) => {
    // daprd asks for what it is given by a file here.
    if (incoming.method !== "POST") return void response.writeHead(404).end();
    void json(incoming).then((body) => {
      // daprd's own envelope around what was published.
      arrived((body as Delivered).data.id);
      response.end();
    });
  });
  const appPort = await stablePort();
  app.listen(appPort, "127.0.0.1");
  opening.defer(() => app.closeAllConnections());
  opening.defer(() => void app.close());
  const httpPort = await stablePort();
  opening.use(await startDaprd({ program, folder, appPort, httpPort }));
  const agent = new Agent({ keepAlive: true });
  opening.defer(() => agent.destroy());
  const open = opening.move();
  return {
    send: (id) => publish(`http://127.0.0.1:${httpPort}/v1.0/publish/memory/events`, agent, id),
    onArrival: (listener) => void (arrived = listener),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

interface DaprdPlace {
  readonly program: string;
  readonly folder: string;
  readonly appPort: number;
  readonly httpPort: number;
}

async function startDaprd({ program, folder, appPort, httpPort }: DaprdPlace) {
  const cwd = join(folder, "daprd");
  const resourcesPath = join(cwd, "resources");
  mkdirSync(resourcesPath, { recursive: true });
  writeFileSync(join(resourcesPath, "memory.yaml"), resources);
  const flags = {
    "app-id": "bench",
    "app-port": appPort,
    "app-channel-address": "127.0.0.1",
    "resources-path": resourcesPath,
    "dapr-http-port": httpPort,
    "dapr-grpc-port": await stablePort(),
    "dapr-internal-grpc-port": await stablePort(),
    "dapr-listen-addresses": "127.0.0.1",
    "dapr-internal-grpc-listen-address": "127.0.0.1",
    "enable-metrics": false,
    "dapr-graceful-shutdown-seconds": 2,
  };
  return startServer({
    name: "daprd",
    program,
    args: Object.entries(flags).map(([name, value]) => `--${name}=${String(value)}`),
    cwd,
    logPath: join(cwd, "daprd.log"),
    readyLine: "dapr initialized. Status: Running.",
    stopSignal: "SIGTERM",
  });
}

const publish = (url: string, agent: Agent, id: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({ id, ...dataOf(id) });
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const posted = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () =>
        response.statusCode === 204
          ? resolve()
          : reject(new Error(`daprd answered ${response.statusCode}`)),
      );
    });
    posted.once("error", reject).end(body);
  });

/** A port of this machine that leads to one function through the cluster's ingress, which knows functions by Host and wakes them. */
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { listenOnLoopback } from "../process/front/front.ts";

export interface HostProxyOptions {
  port: number;
  /** What the ingress knows the function by. */
  host: string;
  /** Where the ingress is reached; undefined while it is not. */
  ingress: () => number | undefined;
}

export interface HostProxy extends AsyncDisposable {
  readonly port: number;
}

export async function openHostProxy(options: HostProxyOptions): Promise<HostProxy> {
  const server = createServer((req, res) => passOn(req, res, options));
  return {
    port: await listenOnLoopback(server, options.port),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function passOn(req: IncomingMessage, res: ServerResponse, { host, ingress }: HostProxyOptions) {
  const port = ingress();
  if (port === undefined) {
    refuse(res, "The cluster's ingress is not reached: does make forward say why?");
    return;
  }
  const headers = { ...req.headers, host };
  const upstream = request(
    { host: "127.0.0.1", port, method: req.method, path: req.url, headers },
    (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
      answer.once("error", () => res.destroy());
    },
  );
  upstream.on("error", (error) => {
    if (res.headersSent) res.destroy();
    else refuse(res, `The cluster's ingress did not answer: ${error.message}`);
  });
  res.once("close", () => upstream.destroy());
  req.pipe(upstream);
}

function refuse(res: ServerResponse, sentence: string): void {
  res.writeHead(502, { "content-type": "text/plain; charset=utf-8" }).end(`${sentence}\n`);
}

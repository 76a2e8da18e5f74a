/** A function that listens on this machine alone answers to this machine's names alone: a page elsewhere comes by others (DNS rebinding). */
import type { IncomingMessage, RequestListener } from "node:http";

const names = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;

/** `host` is what the function listens on. In a cluster, where it is every interface, requests come by any name. */
export const isForeign = (
  { headers }: Pick<IncomingMessage, "headers">,
  host: string | undefined,
): boolean => (host === "127.0.0.1" || host === "::1") && !names.test(headers.host ?? "");

/** Answers 403 to foreign requests, and hands on the rest. */
export const forLoopback =
  (host: string | undefined, listener: RequestListener): RequestListener =>
  (request, response) => {
    if (!isForeign(request, host)) return listener(request, response);
    request.resume();
    response.writeHead(403, { connection: "close" }).end();
  };

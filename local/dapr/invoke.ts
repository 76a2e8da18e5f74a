/** Dapr's service invocation: another app by its id, or any HTTP service by its URL. */
import { request, type IncomingMessage, type ServerResponse } from "node:http";
import { requestHeaders, answerHeaders, without } from "../process/front/upstream.ts";
import { DaprError } from "./dapr-error.ts";
import { decode, sendJson, splitOnce, type Route } from "./route.ts";

export interface InvokeOptions {
  appId: string;
  resolveUrl: (url: URL) => URL;
  appUrl: (appId: string) => string | undefined;
  appApiToken?: string;
}

const PREFIX = "/v1.0/invoke/";
/** Of this hop, or the browser's: the callee is asked by the sidecar. */
const OWN_HEADERS = ["host", "origin", "sec-fetch-site", "sec-fetch-mode", "dapr-api-token"];

export const invokeRoute = (options: InvokeOptions): Route => ({
  path: /^\/v1\.0\/invoke\//,
  handle: ({ req, res }) => {
    invoke(req, res, toTarget(req.url ?? "", options), options);
    return null;
  },
});

/** `/v1.0/invoke/<app id or URL>/method/<path>?<query>`; the URL as it is or percent-encoded. */
export function toTarget(
  url: string,
  { resolveUrl, appUrl }: Pick<InvokeOptions, "resolveUrl" | "appUrl">,
): URL {
  const [target, method] = splitOnce(url.slice(PREFIX.length), "/method/");
  if (method === undefined) {
    throw new DaprError(400, "ERR_DIRECT_INVOKE", "the path needs /method/ after the app id");
  }
  const callee = decode(target);
  const base = /^https?:\/\//.test(callee) ? callee : appUrl(callee);
  if (base === undefined || !URL.canParse(base)) {
    throw new DaprError(500, "ERR_DIRECT_INVOKE", `failed to invoke, id: ${callee}: no such app`);
  }
  return resolveUrl(new URL(`${base.replace(/\/+$/, "")}/${method}`));
}

function invoke(
  req: IncomingMessage,
  res: ServerResponse,
  target: URL,
  { appId, appApiToken }: InvokeOptions,
): void {
  const headers = without(OWN_HEADERS, requestHeaders(req));
  headers.push("Host", target.host, "dapr-caller-app-id", appId);
  // daprd says it to every callee, one that is asked by its URL among them.
  if (appApiToken !== undefined) headers.push("dapr-api-token", appApiToken);
  const upstream = request(target, { method: req.method ?? "GET", headers, setHost: false });
  res.once("close", () => upstream.destroy());
  upstream.once("response", (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.statusMessage, answerHeaders(answer));
    answer.once("error", () => res.destroy());
    answer.pipe(res);
  });
  upstream.on("error", (error) => {
    const message = `failed to invoke ${target.origin}: ${error.message}`;
    if (res.headersSent || res.destroyed) res.destroy();
    else sendJson(res, 500, JSON.stringify({ errorCode: "ERR_DIRECT_INVOKE", message }));
  });
  req.pipe(upstream);
}

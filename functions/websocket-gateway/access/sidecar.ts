/** Who may deliver: the sidecar of this pod, and whoever knows the token that Dapr sends to apps. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { checkOrigin } from "./origin.ts";

/** Null where it may, else why not. Without a token only this machine may: the gateway's port faces the world. */
export function sidecarRefusal(request: IncomingMessage, token: string | undefined): string | null {
  // A page can send a simple POST anywhere.
  if (checkOrigin(request.headers, []) === "refused") {
    return "events are not taken from pages of other sites";
  }
  const given = request.headers["dapr-api-token"];
  if (token !== undefined) {
    return typeof given === "string" && isEqual(given, token) ? null : "dapr-api-token is wrong";
  }
  return isLoopback(request.socket.remoteAddress)
    ? null
    : "without APP_API_TOKEN events are taken from this machine alone";
}

const isLoopback = (address: string | undefined): boolean =>
  address === "::1" || /^(::ffff:)?127\./.test(address ?? "");

const isEqual = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

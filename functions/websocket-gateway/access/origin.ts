/** Which web pages may use the gateway: its own site and the listed ones; programs send no Origin. */
import type { IncomingHttpHeaders } from "node:http";

/** What the page may be told by CORS: null where there is no page of another site. */
export type OriginCheck = { readonly allowOrigin: string | null } | "refused";

export function checkOrigin(
  headers: IncomingHttpHeaders,
  allowedOrigins: readonly string[],
): OriginCheck {
  const origin = headers.origin?.toLowerCase();
  if (origin === undefined) {
    // Without an Origin: a link or an image of another site, never a script of an allowed one.
    return headers["sec-fetch-site"] === "cross-site" ? "refused" : { allowOrigin: null };
  }
  if (allowedOrigins.includes(origin)) return { allowOrigin: origin };
  return isOwn(origin, headers.host) ? { allowOrigin: null } : "refused";
}

/** By host alone: TLS may end before the gateway, which then cannot know the scheme. */
function isOwn(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { host: originHost, protocol } = new URL(origin);
  if (protocol !== "http:" && protocol !== "https:") return false;
  return [host, host.replace(/:(80|443)$/, "")].some((own) => own.toLowerCase() === originHost);
}

export const corsHeaders = (allowOrigin: string): Record<string, string> => ({
  "access-control-allow-origin": allowOrigin,
  vary: "origin",
});

export const preflightHeaders = (allowOrigin: string): Record<string, string> => ({
  ...corsHeaders(allowOrigin),
  "access-control-allow-methods": "GET, POST",
  "access-control-allow-headers": "authorization, content-type, last-event-id, cache-control",
  "access-control-max-age": "600",
});

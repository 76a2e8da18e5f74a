/** JSON Web Tokens of users: who asks, whether they are an admin, and until when. */
import type { JWTPayload } from "jose";
import type { TokenEnv } from "./env.ts";

export interface Caller {
  /** Claim `sub`. */
  readonly userId: string;
  /** Scope `admin`: reads everybody's. */
  readonly isAdmin: boolean;
  readonly scopes: ReadonlySet<string>;
  readonly expiresAt: Date;
}

/** 401: no token, a wrong or an expired one. 403: a right one that does not allow this. */
export class AccessError extends Error {
  override readonly name = "AccessError";
  readonly statusCode: 401 | 403;

  constructor(statusCode: 401 | 403, message: string, options?: ErrorOptions) {
    super(message, options);
    this.statusCode = statusCode;
  }
}

export type VerifyToken = (token: string) => Promise<Caller>;

/** jose is loaded with the first token: no function needs it to handle an event. */
export function tokenVerifier(env: TokenEnv): VerifyToken {
  let verify: Promise<(token: string) => Promise<JWTPayload>> | undefined;
  return async (token) => {
    verify ??= loadVerifier(env);
    const check = await verify;
    return toCaller(await check(token));
  };
}

async function loadVerifier(env: TokenEnv): Promise<(token: string) => Promise<JWTPayload>> {
  const { createRemoteJWKSet, jwtVerify } = await import("jose");
  const expected = {
    requiredClaims: ["sub", "exp"],
    ...(env.issuer === undefined ? {} : { issuer: env.issuer }),
    ...(env.audience === undefined ? {} : { audience: env.audience }),
  };
  const secret = env.secret === undefined ? undefined : new TextEncoder().encode(env.secret);
  const jwks = env.jwksUrl === undefined ? undefined : createRemoteJWKSet(new URL(env.jwksUrl));
  return async (token) => {
    try {
      if (secret !== undefined) {
        return (await jwtVerify(token, secret, { ...expected, algorithms: ["HS256"] })).payload;
      }
      if (jwks === undefined) throw new Error("neither JWT_SECRET nor JWKS_URL is set");
      const algorithms = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"];
      return (await jwtVerify(token, jwks, { ...expected, algorithms })).payload;
    } catch (cause) {
      throw new AccessError(401, "the token is missing, wrong or expired", { cause });
    }
  };
}

function toCaller(payload: JWTPayload): Caller {
  const { sub, scope, exp } = payload;
  if (typeof sub !== "string" || sub === "" || exp === undefined) {
    throw new AccessError(401, "the token has no sub");
  }
  const scopes = new Set(typeof scope === "string" ? scope.split(" ").filter(Boolean) : []);
  return { userId: sub, isAdmin: scopes.has("admin"), scopes, expiresAt: new Date(exp * 1000) };
}

/** The token of an `Authorization: Bearer …` header. */
export function bearerToken(authorization: string | undefined): string {
  const token = /^Bearer +([\w\-.~+/]+=*)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) throw new AccessError(401, "a bearer token is needed");
  return token;
}

/** Whose data a caller may ask for: their own, an admin anybody's; undefined means everybody's. */
export function readableUser(caller: Caller, asked: string | undefined): string | undefined {
  if (caller.isAdmin) return asked;
  if (asked !== undefined && asked !== caller.userId) {
    throw new AccessError(403, "the token allows only the user's own data");
  }
  return caller.userId;
}

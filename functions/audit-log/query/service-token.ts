/** The token of the gateway: signed with SERVICE_TOKEN_KEY, good for the history routes alone and for a minute. */
import { serviceAudience } from "../../../lib/events/history.ts";
import { AccessError } from "../../../lib/host/token.ts";

export type VerifyServiceToken = (token: string) => Promise<void>;

/** Longer-lived ones are refused: they are made for one question. The rest is for clocks that differ. */
const maxLifeSeconds = 60 + 5;

export function serviceTokenVerifier(key: string): VerifyServiceToken {
  const secret = new TextEncoder().encode(key);
  return async (token) => {
    const { jwtVerify } = await import("jose");
    try {
      const { payload } = await jwtVerify(token, secret, {
        algorithms: ["HS256"],
        audience: serviceAudience,
        requiredClaims: ["exp"],
        clockTolerance: 5,
      });
      const { exp = Number.POSITIVE_INFINITY } = payload;
      if (exp > Date.now() / 1000 + maxLifeSeconds) throw new Error("it lives too long");
    } catch (cause) {
      throw new AccessError(401, "the service token is missing, wrong or expired", { cause });
    }
  };
}

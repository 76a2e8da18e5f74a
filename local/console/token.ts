/** Tokens for trying things out: signed with the secret that the runner made itself. */
import { SignJWT } from "jose";

export interface TokenIssuer {
  readonly secret: string;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

const lifetimeSeconds = 3_600;

export function signToken(
  { secret, issuer, audience }: TokenIssuer,
  { userId, scope }: { userId: string; scope: string },
  now: Date,
): Promise<string> {
  const issuedAt = Math.floor(now.getTime() / 1000);
  const token = new SignJWT({ scope })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetimeSeconds);
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience !== undefined) token.setAudience(audience);
  return token.sign(new TextEncoder().encode(secret));
}

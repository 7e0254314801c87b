// Verifies access tokens anywhere in JavaScript: the key set that the sessions publish is all it needs.
import { createRemoteJWKSet, jwtVerify } from "jose";

/**
 * A function that resolves to the claims of a token that is accepted: `sub` is the user and `sid` the session. It rejects
 * any other; `JWKSTimeout` and what `fetch` throws say nothing of the token.
 *
 * What is signed decides nothing about how it is verified: RS256 only where the secret has an RSA key.
 */
export function verifier({ issuer, audience, algorithms = ["EdDSA"] }) {
  // Fetched once and kept; a key that is not in it is looked for again.
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), { cacheMaxAge: 300_000 });
  const requiredClaims = ["sub", "sid", "iat", "nbf", "exp", "jti"];
  return async (token) =>
    (await jwtVerify(token, keys, { issuer, audience, algorithms, typ: "at+jwt", requiredClaims })).payload;
}

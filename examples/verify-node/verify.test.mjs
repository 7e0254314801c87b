// Run against two stacks, one that signs with Ed25519 and one that signs with RSA: scripts/with-stacks.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { verifier } from "./verify.mjs";

const stacks = { EdDSA: process.env.SESSIONS_EDDSA, RS256: process.env.SESSIONS_RS256 };

async function connect(url) {
  const body = JSON.stringify({ credential: { kind: "guest" } });
  const answer = await fetch(`${url}/connect`, { method: "POST", headers: { "content-type": "application/json" }, body });
  assert.equal(answer.status, 201);
  return answer.json();
}

function withHeader(token, change) {
  const [header, ...rest] = token.split(".");
  const changed = { ...JSON.parse(Buffer.from(header, "base64url")), ...change };
  return [Buffer.from(JSON.stringify(changed)).toString("base64url"), ...rest].join(".");
}

for (const [algorithm, issuer] of Object.entries(stacks)) {
  const expected = { issuer, audience: issuer, algorithms: [algorithm] };

  describe(algorithm, () => {
    test("a token is accepted by the published keys", async () => {
      const { accessToken, session } = await connect(issuer);
      const { sub, sid } = await verifier(expected)(accessToken);
      assert.deepEqual({ sub, sid }, { sub: session.subject, sid: session.id });
    });

    test("a token of an algorithm that is not expected is refused", async () => {
      const { accessToken } = await connect(issuer);
      const algorithms = [algorithm === "EdDSA" ? "RS256" : "EdDSA"];
      await assert.rejects(verifier({ ...expected, algorithms })(accessToken), { code: "ERR_JOSE_ALG_NOT_ALLOWED" });
    });

    test("another audience is refused", async () => {
      const { accessToken } = await connect(issuer);
      const refused = verifier({ ...expected, audience: "another" })(accessToken);
      await assert.rejects(refused, { code: "ERR_JWT_CLAIM_VALIDATION_FAILED", claim: "aud" });
    });

    test("a changed token is refused", async () => {
      const { accessToken } = await connect(issuer);
      const [signed, signature] = [accessToken.slice(0, accessToken.lastIndexOf(".")), accessToken.split(".")[2]];
      for (const [forged, code] of [
        [`${signed}.${"A".repeat(signature.length)}`, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"],
        [withHeader(accessToken, { alg: "none" }), "ERR_JOSE_ALG_NOT_ALLOWED"],
        [withHeader(accessToken, { kid: "AAAAAAAAAAA" }), "ERR_JWKS_NO_MATCHING_KEY"],
        [withHeader(accessToken, { typ: "JWT" }), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"],
      ]) {
        await assert.rejects(verifier(expected)(forged), { code }, forged);
      }
    });
  });
}

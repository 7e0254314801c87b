"""Run against two stacks, one that signs with Ed25519 and one that signs with RSA: scripts/with-stacks."""

import json
import os
import unittest
import urllib.request

import jwt

from verify import Verifier

STACKS = {"EdDSA": os.environ["SESSIONS_EDDSA"], "RS256": os.environ["SESSIONS_RS256"]}


def connect(url):
    body = json.dumps({"credential": {"kind": "guest"}}).encode()
    request = urllib.request.Request(f"{url}/connect", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def with_claims(token, header):
    parts = token.split(".")
    parts[0] = jwt.utils.base64url_encode(json.dumps(header).encode()).decode()
    return ".".join(parts)


class Verification(unittest.TestCase):
    def test_a_token_is_accepted_by_the_published_keys(self):
        for algorithm, url in STACKS.items():
            with self.subTest(algorithm):
                opened = connect(url)
                claims = Verifier(url, url, [algorithm]).verify(opened["accessToken"])
                session = opened["session"]
                self.assertEqual((claims["sub"], claims["sid"]), (session["subject"], session["id"]))

    def test_a_token_of_an_algorithm_that_is_not_expected_is_refused(self):
        other = {"EdDSA": "RS256", "RS256": "EdDSA"}
        for algorithm, url in STACKS.items():
            with self.subTest(algorithm), self.assertRaises(jwt.InvalidAlgorithmError):
                Verifier(url, url, [other[algorithm]]).verify(connect(url)["accessToken"])

    def test_another_issuer_or_audience_is_refused(self):
        for algorithm, url in STACKS.items():
            token = connect(url)["accessToken"]
            with self.subTest(algorithm), self.assertRaises(jwt.InvalidAudienceError):
                Verifier(url, "another", [algorithm]).verify(token)
            verifier = Verifier(url, url, [algorithm])
            verifier.issuer = "https://another.example"
            with self.subTest(algorithm), self.assertRaises(jwt.InvalidIssuerError):
                verifier.verify(token)

    def test_a_changed_token_is_refused(self):
        for algorithm, url in STACKS.items():
            token = connect(url)["accessToken"]
            header = jwt.get_unverified_header(token)
            signed, signature = token.rsplit(".", 1)
            for forged in (
                f"{signed}.{'A' * len(signature)}",
                with_claims(token, {**header, "alg": "none"}),
                with_claims(token, {**header, "typ": "JWT"}),
                with_claims(token, {**header, "kid": "AAAAAAAAAAA"}),
            ):
                with self.subTest(algorithm, forged=forged), self.assertRaises(jwt.InvalidTokenError):
                    Verifier(url, url, [algorithm]).verify(forged)


if __name__ == "__main__":
    unittest.main()

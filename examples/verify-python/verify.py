"""Verifies access tokens anywhere in Python: the key set that the sessions publish is all it needs."""

import jwt

# What is signed decides nothing about how it is verified. RS256 only where the secret has an RSA key.
ALGORITHMS = ("EdDSA",)


class Verifier:
    def __init__(self, issuer, audience, algorithms=ALGORITHMS):
        self.issuer, self.audience, self.algorithms = issuer, audience, list(algorithms)
        # Fetched once and kept; a key that is not in it is looked for again.
        self.keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json", cache_keys=True, lifespan=300)

    def verify(self, token):
        """The claims of a token that is accepted; `sub` is the user and `sid` the session.

        Raises jwt.InvalidTokenError for any other, and jwt.PyJWKClientConnectionError, which says nothing of the token,
        when the keys cannot be had.
        """
        if jwt.get_unverified_header(token).get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        try:
            key = self.keys.get_signing_key_from_jwt(token)
        except jwt.PyJWKClientConnectionError:
            raise
        except jwt.PyJWKClientError as error:
            raise jwt.InvalidTokenError("no such key") from error
        required = ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"]
        return jwt.decode(
            token, key, self.algorithms, audience=self.audience, issuer=self.issuer, options={"require": required}
        )

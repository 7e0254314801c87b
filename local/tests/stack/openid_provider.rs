//! An OpenID Connect issuer on this machine: describes itself, publishes keys, signs, and misbehaves as it is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Response, Uri},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{Outcome, world::START};

/// The audience that [`OpenIdProvider::settings_json`] names.
pub(crate) const CLIENT_ID: &str = "client-id";

/// How the provider answers.
#[derive(Clone, Debug, Default)]
pub(crate) enum Behaviour {
    /// As it should.
    #[default]
    Honest,
    /// With a server error.
    Failing,
    /// Not at all.
    Silent,
    /// With these many bytes of white space before what it should answer.
    Padded(usize),
    /// By sending the asker to this address.
    Redirecting(String),
    /// With a description of this issuer instead of itself.
    Describing(String),
    /// By naming this address for its keys.
    KeysAt(String),
    /// With something that is not JSON.
    Garbled,
}

/// A running provider.
#[derive(Clone)]
pub(crate) struct OpenIdProvider {
    /// Its name: the claim `iss`.
    pub(crate) issuer: String,
    state: Arc<Mutex<Provider>>,
}

struct Provider {
    issuer: String,
    behaviour: Behaviour,
    /// The paths that were asked for since they were last taken.
    requests: Vec<String>,
    generation: usize,
    keys: Vec<SigningKey>,
}

struct SigningKey {
    algorithm: &'static str,
    kid: String,
    jwk: Value,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

impl OpenIdProvider {
    /// Starts one with a key for each of RS256, ES256 and `EdDSA`.
    pub(crate) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let keys = signing_keys(0)?;
        let requests = Vec::new();
        let provider =
            Provider { issuer: issuer.clone(), behaviour: Behaviour::default(), requests, generation: 0, keys };
        let state = Arc::new(Mutex::new(provider));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { issuer, state })
    }

    /// A value of `OIDC_ISSUERS` that trusts this provider, for [`CLIENT_ID`], with all three algorithms.
    pub(crate) fn settings_json(&self) -> String {
        let algorithms = ["RS256", "ES256", "EdDSA"];
        json!([{ "issuer": self.issuer, "audiences": [CLIENT_ID], "algorithms": algorithms }]).to_string()
    }

    /// What a token of this provider says about a user, `seconds` after the tests begin: valid for five minutes.
    pub(crate) fn claims(&self, sub: &str, seconds: u64) -> Value {
        let now = START.floor_seconds() + seconds;
        json!({ "iss": self.issuer, "aud": CLIENT_ID, "sub": sub, "iat": now, "exp": now + 300 })
    }

    /// A token signed with the newest `EdDSA` key.
    pub(crate) fn sign(&self, claims: &Value) -> Outcome<String> {
        self.sign_with("EdDSA", claims)
    }

    /// A token signed with the newest key for `algorithm`.
    pub(crate) fn sign_with(&self, algorithm: &str, claims: &Value) -> Outcome<String> {
        let provider = self.lock();
        let newest = provider.keys.iter().rfind(|key| key.algorithm == algorithm).ok_or("no such key")?;
        let header = json!({ "alg": algorithm, "kid": newest.kid, "typ": "JWT" });
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let input = format!("{}.{}", encoded(&header), encoded(claims));
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(newest.pair.sign(input.as_bytes())?)))
    }

    /// Publishes new keys and signs with them from now on; the old ones stay published.
    pub(crate) fn rotate(&self) -> Outcome {
        let mut provider = self.lock();
        provider.generation += 1;
        let new = signing_keys(provider.generation)?;
        provider.keys.extend(new);
        Ok(())
    }

    /// Takes all keys but the newest back.
    pub(crate) fn withdraw_old_keys(&self) {
        let mut provider = self.lock();
        let newest = format!("-{}", provider.generation);
        provider.keys.retain(|key| key.kid.ends_with(&newest));
    }

    /// Behaves like this from now on.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        self.lock().behaviour = behaviour;
    }

    /// The paths that were asked for since the last call.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().requests)
    }

    fn lock(&self) -> MutexGuard<'_, Provider> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pair {
    fn sign(&self, input: &[u8]) -> Outcome<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature)?;
                Ok(signature)
            }
            Self::Ec(pair) => Ok(pair.sign(&random, input)?.as_ref().to_vec()),
            Self::Ed(pair) => Ok(pair.sign(input).as_ref().to_vec()),
        }
    }
}

fn signing_keys(generation: usize) -> Outcome<Vec<SigningKey>> {
    let key = |algorithm: &'static str, members: Value, pair: Pair| {
        let kid = format!("{algorithm}-{generation}");
        let mut jwk = members;
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        SigningKey { algorithm, kid, jwk, pair }
    };
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048)?;
    // DER of a 2048-bit key (RFC 8017 A.1.1): 9 bytes, the modulus, 2 bytes, the exponent.
    let (_, der) = rsa.public_key().as_ref().split_at(9);
    let (modulus, exponent) = der.split_at(256);
    let rsa_members = json!({ "kty": "RSA", "n": text(modulus), "e": text(&exponent[2..]) });
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let (x, y) = ec.public_key().as_ref()[1..].split_at(32);
    let point = json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) });
    let ed = Ed25519KeyPair::generate()?;
    let edwards = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(ed.public_key().as_ref()) });
    Ok(vec![
        key("RS256", rsa_members, Pair::Rsa(Box::new(rsa))),
        key("ES256", point, Pair::Ec(Box::new(ec))),
        key("EdDSA", edwards, Pair::Ed(Box::new(ed))),
    ])
}

async fn answer(State(state): State<Arc<Mutex<Provider>>>, uri: Uri) -> Response<Body> {
    let (behaviour, description, keys) = {
        let mut provider = state.lock().unwrap_or_else(PoisonError::into_inner);
        provider.requests.push(uri.path().to_owned());
        let keys: Vec<Value> = provider.keys.iter().map(|key| key.jwk.clone()).collect();
        let description = json!({ "issuer": provider.issuer, "jwks_uri": format!("{}/keys", provider.issuer) });
        (provider.behaviour.clone(), description, json!({ "keys": keys }))
    };
    let mut answer = match uri.path() {
        "/.well-known/openid-configuration" => description,
        "/keys" => keys,
        _ => return status(404),
    };
    match behaviour {
        Behaviour::Failing => return status(500),
        Behaviour::Silent => return std::future::pending().await,
        Behaviour::Garbled => return Response::new(Body::from("<html>")),
        Behaviour::Padded(bytes) => return Response::new(Body::from(" ".repeat(bytes) + &answer.to_string())),
        Behaviour::Redirecting(to) => {
            return Response::builder().status(302).header("Location", to).body(Body::empty()).unwrap_or_default();
        }
        Behaviour::Describing(other) if answer.get("issuer").is_some() => answer["issuer"] = json!(other),
        Behaviour::KeysAt(address) if answer.get("issuer").is_some() => answer["jwks_uri"] = json!(address),
        Behaviour::Honest | Behaviour::Describing(_) | Behaviour::KeysAt(_) => {}
    }
    Response::new(Body::from(answer.to_string()))
}

fn status(code: u16) -> Response<Body> {
    Response::builder().status(code).body(Body::empty()).unwrap_or_default()
}

//! GET /session-policy and the documents under /.well-known: what a deployment promises, and the keys that verify it.

use lambda_http::{
    Body, Request, Response,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY},
    },
};
use serde_json::json;
use session::{
    access_token::AccessTokens,
    error::SessionError,
    http::{Answer, Presenting, answer, no_query, policy, route},
    issuer::StartError,
    keys::PublicNumbers,
    policy::SessionPolicy,
    settings::Variables,
    store::SessionTable,
    unix_time::UnixMillis,
};

/// How long verifiers may keep the keys. A new key signs at once; whoever meets it looks again.
const KEYS_MAX_AGE: &str = "public, max-age=300";

/// What the function needs for its whole life.
#[derive(Debug)]
pub struct App {
    policy: SessionPolicy,
    access: AccessTokens,
    table: SessionTable,
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`StartError`] when one of them is missing.
    #[expect(clippy::unused_async, reason = "started like every other function")]
    pub async fn start(variables: &Variables, _now: UnixMillis) -> Result<Self, StartError> {
        let policy = SessionPolicy::parse(variables)?;
        let access = AccessTokens::from_settings(variables, policy.access_ttl)?;
        Ok(Self { policy, access, table: SessionTable::from_settings(variables)? })
    }
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    answer(&request, Presenting::Nothing, respond(app, &request, UnixMillis::now()).await)
}

async fn respond(app: &App, request: &Request, now: UnixMillis) -> Result<Answer, SessionError> {
    no_query(request)?;
    match route(request) {
        "GET /session-policy" => Ok(versioned(app, request)),
        "GET /.well-known/jwks.json" => Ok(cached(keys(app, now).await?, KEYS_MAX_AGE)),
        "GET /.well-known/openid-configuration" => Ok(cached(configuration(app), KEYS_MAX_AGE)),
        _ => Err(SessionError::NotFound),
    }
}

/// The policy, or nothing for a client that has this version (RFC 9110 13.1.2). Always asked for again: a change must
/// reach open tabs.
fn versioned(app: &App, request: &Request) -> Answer {
    let tag = format!("\"{}\"", app.policy.version());
    let known = request.headers().get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let matches = known.flat_map(|value| value.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    });
    let answer = if matches { Answer::empty(StatusCode::NOT_MODIFIED) } else { policy(&app.policy) };
    let answer = cached(answer, "no-cache");
    match HeaderValue::from_str(&tag) {
        Ok(tag) => answer.with(ETAG, tag),
        Err(_) => answer,
    }
}

/// RFC 7517, RFC 7518 and RFC 8037, read from the table so that a key is here as soon as it may have signed something.
async fn keys(app: &App, now: UnixMillis) -> Result<Answer, SessionError> {
    let published = app.table.published_keys().await?;
    let needed = published.iter().filter(|published| published.is_needed(now));
    let keys: Vec<_> = needed
        .map(|published| {
            let kid = published.key.kid().as_str();
            match published.key.numbers() {
                PublicNumbers::Ed25519 { x } => {
                    json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x })
                }
                PublicNumbers::Rsa { n, e } => {
                    json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": n, "e": e })
                }
            }
        })
        .collect();
    Ok(Answer::json(StatusCode::OK, &json!({ "keys": keys })))
}

/// As much of OpenID Connect Discovery 1.0 as a gateway needs to verify access tokens.
fn configuration(app: &App) -> Answer {
    let issuer = app.access.issuer();
    let document = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "id_token_signing_alg_values_supported": ["EdDSA", "RS256"],
        "response_types_supported": ["none"],
        "subject_types_supported": ["public"],
    });
    Answer::json(StatusCode::OK, &document)
}

/// An answer that may be kept. What the gateway adds to it depends on the page that asks (RFC 9110 12.5.5): an answer to
/// nobody's page must not be handed to a page later.
fn cached(answer: Answer, how: &'static str) -> Answer {
    answer.with(CACHE_CONTROL, HeaderValue::from_static(how)).with(VARY, HeaderValue::from_static("origin"))
}

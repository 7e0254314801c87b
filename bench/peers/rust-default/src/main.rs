//! The operation in Rust as tutorials write it: `load_defaults`, default features, the default runtime and profile.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::Jwk};
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

struct App {
    client: Client,
    table: String,
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    sid: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let setting = |name: &str| std::env::var(name);
    let jwk: Jwk = serde_json::from_str(&setting("PUBLIC_KEY")?)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.set_issuer(&[setting("SESSION_ISSUER")?]);
    validation.set_audience(&[setting("SESSION_AUDIENCE")?]);
    let app = App {
        client: Client::new(&aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await),
        table: setting("SESSION_TABLE")?,
        key: DecodingKey::from_jwk(&jwk)?,
        validation,
    };
    run(service_fn(|request| handle(&app, request))).await
}

async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(|value| value.strip_prefix("Bearer ")) else { return refused() };
    let Ok(decoded) = decode::<Claims>(token, &app.key, &app.validation) else { return refused() };
    if decoded.header.typ.as_deref() != Some("at+jwt") {
        return refused();
    }
    let Claims { sub, sid } = decoded.claims;
    let read = app
        .client
        .get_item()
        .table_name(&app.table)
        .key("pk", AttributeValue::S(format!("U#{sub}")))
        .key("sk", AttributeValue::S(format!("S#{sid}")))
        .consistent_read(true)
        .send()
        .await?;
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    match read.item.filter(|item| is_live(item, now)) {
        Some(item) => answer(
            200,
            &json!({ "session": {
                "id": sid,
                "idleExpiresInMs": number(&item, "idle_limit").unwrap_or_default() - now,
                "absoluteExpiresInMs": number(&item, "absolute_limit").unwrap_or_default() - now,
            } }),
        ),
        None => refused(),
    }
}

fn is_live(item: &HashMap<String, AttributeValue>, now: u64) -> bool {
    let later = |name| number(item, name).is_some_and(|limit| now <= limit);
    let active = item.get("status").and_then(|status| status.as_s().ok()).is_some_and(|status| status == "active");
    active && later("idle_limit") && later("absolute_limit")
}

fn number(item: &HashMap<String, AttributeValue>, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn refused() -> Result<Response<Body>, Error> {
    answer(401, &json!({ "code": "session_ended" }))
}

fn answer(status: u16, body: &Value) -> Result<Response<Body>, Error> {
    let builder = Response::builder().status(status).header("content-type", "application/json");
    Ok(builder.header("cache-control", "no-store").body(body.to_string().into())?)
}

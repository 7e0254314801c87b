//! From an HTTP request to the event of API Gateway (HTTP API, payload format 2.0), and from its answer to a response.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts},
};
use lambda_http::aws_lambda_events::{apigw::ApiGatewayV2httpResponse, encodings::Body as EventBody};
use serde_json::{Value, json, value::RawValue};
use session::unix_time::UnixMillis;

use crate::routes::Matched;

/// A request as it came.
pub struct Sent<'a> {
    /// Everything but the body.
    pub parts: &'a Parts,
    /// The body.
    pub body: &'a Bytes,
    /// Who sent it.
    pub client: SocketAddr,
    /// The id that the gateway gives it.
    pub id: &'a str,
    /// When it came.
    pub at: UnixMillis,
}

/// The event for a request that matched a route.
///
/// # Errors
/// Never, as far as is known: every member is text or a number.
pub fn from_request(sent: &Sent<'_>, matched: &Matched<'_>) -> serde_json::Result<Box<RawValue>> {
    let Sent { parts, body, client, id: request_id, at: now } = *sent;
    let Matched { route, parameters } = matched;
    let route_key = format!("{} {}", route.method, route.path);
    let (body, is_base64_encoded) = encoded(&parts.headers, body);
    let user_agent = parts.headers.get(header::USER_AGENT).map(text);
    let host = parts.headers.get(header::HOST).map(text).unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers(&parts.headers),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": parts.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": client.ip().to_string(),
                "userAgent": user_agent,
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": now.to_rfc3339(),
            "timeEpoch": now.as_millis(),
        },
        "isBase64Encoded": is_base64_encoded,
    });
    // Members that API Gateway leaves out when they would be empty.
    let cookies = cookies(&parts.headers);
    let optional = [
        ("cookies", (!cookies.is_empty()).then(|| json!(cookies))),
        ("pathParameters", (!parameters.is_empty()).then(|| json!(parameters))),
        ("body", body.map(Value::String)),
    ];
    if let Value::Object(members) = &mut event {
        members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    serde_json::value::to_raw_value(&event)
}

/// The response that an answer describes.
#[must_use]
pub fn to_response(answer: ApiGatewayV2httpResponse) -> Response<Body> {
    let body = match answer.body {
        Some(EventBody::Text(text)) => Body::from(text),
        Some(EventBody::Binary(bytes)) => Body::from(bytes),
        _ => Body::empty(),
    };
    let mut response = Response::new(body);
    let status = u16::try_from(answer.status_code).ok().and_then(|status| StatusCode::from_u16(status).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::BAD_GATEWAY);
    *response.headers_mut() = answer.headers;
    let cookies = answer.cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie).ok());
    response.headers_mut().extend(cookies.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

/// Headers by lower-case name, several of one name joined by commas, without cookies.
fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        if name != header::COOKIE {
            let value = text(value);
            joined
                .entry(name.as_str().to_owned())
                .and_modify(|values| *values = format!("{values},{value}"))
                .or_insert(value);
        }
    }
    joined.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    joined
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::COOKIE).iter().map(text).collect::<Vec<_>>();
    values.iter().flat_map(|value| value.split(';')).map(|cookie| cookie.trim().to_owned()).collect()
}

/// The body as API Gateway passes it: text of the types it takes for text, base64 of all others.
fn encoded(headers: &HeaderMap, body: &Bytes) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let content_type = headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default().to_ascii_lowercase();
    let is_text = ["text/", "application/json", "application/javascript", "application/xml"];
    match std::str::from_utf8(body) {
        Ok(body) if is_text.iter().any(|kind| content_type.starts_with(kind)) => (Some(body.to_owned()), false),
        _ => {
            // The encoder of the event library itself, so that both sides agree on the alphabet.
            let encoded = serde_json::to_value(EventBody::Binary(body.to_vec())).ok();
            (encoded.and_then(|value| value.as_str().map(str::to_owned)), true)
        }
    }
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

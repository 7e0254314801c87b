//! One event of API Gateway (HTTP API, payload format 2.0) to one answer, whatever the event contains.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
};

use futures_util::FutureExt;
use lambda_http::{
    Body, Request, Response, aws_lambda_events::apigw::ApiGatewayV2httpResponse, http::header::SET_COOKIE, request,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::{
    error::SessionError,
    http::{
        answer::{hardened, request_id},
        body,
        incoming::route,
        problem::{Presented, internal_error, problem},
    },
    invocation::Invocation,
};

/// What is looked at before the event is parsed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline<'a> {
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    request_context: Option<Context>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    request_id: Option<String>,
}

/// Characters of JSON text that the longest body can take: base64, or every byte escaped.
const LONGEST_ENCODED: usize = body::LONGEST * 6 + 2;

/// Answers one event. `invocation` names the request where the event itself does not, and its trace.
///
/// The library that parses events panics on bad base64, an odd `Host` or a raw space in the query; such an event, or
/// one of another kind, is a 400. A panic in the handler is a 500, and the process goes on.
pub async fn answer_event<F: Future<Output = Response<Body>>>(
    event: &RawValue,
    invocation: &Invocation<'_>,
    handle: impl FnOnce(Request) -> F,
) -> ApiGatewayV2httpResponse {
    let outline = serde_json::from_str::<Outline<'_>>(event.get()).ok();
    let named = outline.as_ref().and_then(|outline| outline.request_context.as_ref()?.request_id.clone());
    let id = named.unwrap_or_else(|| invocation.request_id.to_owned());
    let refuse = |error: &SessionError| render(hardened(problem(error, Presented::Nothing, &id)));
    if outline.and_then(|outline| outline.body).is_some_and(|body| body.get().len() > LONGEST_ENCODED) {
        return refuse(&SessionError::BodyTooLarge);
    }
    let parsed = catch_unwind(|| request::from_str(event.get())).ok().and_then(Result::ok);
    let Some(request) = parsed.filter(|request| !route(request).is_empty()) else {
        return refuse(&SessionError::invalid("", "is not a request of this API"));
    };
    let (request_id, route, trace_id) = (request_id(&request), route(&request), invocation.trace_id);
    let span = tracing::info_span!("request", request_id, route, trace_id);
    let handled = AssertUnwindSafe(handle(request)).catch_unwind().instrument(span).await;
    render(handled.unwrap_or_else(|_| hardened(internal_error(&id))))
}

/// The response in the form that API Gateway takes: cookies apart from the other headers.
fn render(response: Response<Body>) -> ApiGatewayV2httpResponse {
    let (mut parts, body) = response.into_parts();
    let cookies = parts.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let cookies = cookies.map(str::to_owned).collect();
    parts.headers.remove(SET_COOKIE);
    let mut rendered = ApiGatewayV2httpResponse::default();
    rendered.status_code = i64::from(parts.status.as_u16());
    rendered.is_base64_encoded = matches!(body, Body::Binary(_));
    rendered.body = Some(body).filter(|body| !matches!(body, Body::Empty));
    rendered.headers = parts.headers;
    rendered.cookies = cookies;
    rendered
}

#[cfg(test)]
mod tests;

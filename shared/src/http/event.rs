//! One event of API Gateway (HTTP API, payload format 2.0) to one answer, whatever the event contains.

use std::{borrow::Cow, collections::HashMap, fmt, future::Future, panic::AssertUnwindSafe};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::FutureExt;
use lambda_http::{
    Body, Request, RequestExt, Response,
    aws_lambda_events::apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{COOKIE, SET_COOKIE},
    },
    request::RequestContext,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
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

/// The members of an event that are read; the others cost nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow, default)]
    raw_query_string: Cow<'a, str>,
    #[serde(default)]
    headers: Headers,
    cookies: Option<Vec<String>>,
    #[serde(default)]
    path_parameters: Option<HashMap<String, String>>,
    request_context: Context,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    route_key: String,
    request_id: Option<String>,
    http: Description,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    method: String,
    source_ip: Option<String>,
}

/// What an event is known by that is not a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    request_context: Named,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    request_id: String,
}

#[derive(Default)]
struct Headers(HeaderMap);

/// The name of a header; borrowed, because copies would cost as much as all the rest of reading it.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Room for the headers that are read.
const USUAL_HEADERS: usize = 12;

/// How the names of headers begin that no function reads, and that most requests carry: what browsers say of their
/// abilities, and what proxies say of the way.
const UNREAD: [&str; 4] = ["accept", "sec-ch-", "x-amzn-", "x-forwarded-"];

/// Characters that the longest body can take: all of it in base64.
const LONGEST_ENCODED: usize = body::LONGEST.div_ceil(3) * 4;

/// Answers one event. `invocation` names the request where the event itself does not, and its trace.
///
/// An event that is not a request is a 400. A panic in the handler is a 500, and the process goes on.
pub async fn answer_event<F: Future<Output = Response<Body>>>(
    event: &RawValue,
    invocation: &Invocation<'_>,
    handle: impl FnOnce(Request) -> F,
) -> ApiGatewayV2httpResponse {
    let request = match request(event) {
        Ok(request) => request,
        Err(error) => {
            let outline = serde_json::from_str::<Outline>(event.get());
            let named = outline.map(|outline| outline.request_context.request_id);
            let id = named.as_deref().unwrap_or(invocation.request_id);
            return render(hardened(problem(&error, Presented::Nothing, id)));
        }
    };
    let id = Some(request_id(&request)).filter(|id| !id.is_empty()).unwrap_or(invocation.request_id).to_owned();
    let (route, trace_id) = (route(&request), invocation.trace_id);
    let span = tracing::info_span!("request", request_id = id, route, trace_id);
    let handled = AssertUnwindSafe(handle(request)).catch_unwind().instrument(span).await;
    render(handled.unwrap_or_else(|_| hardened(internal_error(&id))))
}

/// The request that an event describes, under a URI that holds its query alone: API Gateway has chosen the route.
///
/// The library's own conversion panics on bad base64 and on an odd `Host`, and makes one header of all cookies, in which
/// one of another application that is no ASCII text hides all others.
fn request(event: &RawValue) -> Result<Request, SessionError> {
    let unreadable = || SessionError::invalid("", "is not a request of this API");
    let event: Event<'_> = serde_json::from_str(event.get()).map_err(|_| unreadable())?;
    let body = match event.body {
        None => Body::Empty,
        Some(text) if text.len() > LONGEST_ENCODED => return Err(SessionError::BodyTooLarge),
        Some(text) if event.is_base64_encoded => Body::Binary(STANDARD.decode(text).map_err(|_| unreadable())?),
        Some(text) => Body::Text(text),
    };
    let mut request = Request::new(body);
    if !event.raw_query_string.is_empty() {
        *request.uri_mut() = format!("/?{}", event.raw_query_string).parse().map_err(|_| unreadable())?;
    }
    let Context { route_key, request_id, http: Description { method, source_ip } } = event.request_context;
    if route_key.is_empty() {
        return Err(unreadable());
    }
    let mut context = ApiGatewayV2httpRequestContext::default();
    context.http.method = method.parse().map_err(|_| unreadable())?;
    context.http.source_ip = source_ip;
    context.route_key = Some(route_key);
    context.request_id = request_id;
    *request.method_mut() = context.http.method.clone();
    *request.headers_mut() = event.headers.0;
    if let Some(cookies) = event.cookies {
        request.headers_mut().remove(COOKIE);
        for cookie in cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie).ok()) {
            request.headers_mut().append(COOKIE, cookie);
        }
    }
    let request = request.with_request_context(RequestContext::ApiGatewayV2(context));
    Ok(match event.path_parameters {
        Some(parameters) => request.with_path_parameters(parameters),
        None => request,
    })
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(HeaderMap::with_capacity(USUAL_HEADERS)))
    }
}

impl<'de> Visitor<'de> for Headers {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self, A::Error> {
        while let Some(Name(name)) = members.next_key()? {
            if UNREAD.iter().any(|prefix| name.starts_with(prefix)) {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            let name = HeaderName::try_from(&*name).map_err(A::Error::custom)?;
            self.0.append(name, HeaderValue::try_from(members.next_value::<String>()?).map_err(A::Error::custom)?);
        }
        Ok(self)
    }
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

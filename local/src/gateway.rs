//! The HTTP API: matches routes as API Gateway does, and hands the functions the events they are deployed for.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE},
};
use session::{random, unix_time::UnixMillis};

use crate::{
    event,
    functions::Functions,
    template::{Cors, Route},
};

/// Bytes that API Gateway takes (AWS quota for HTTP APIs: 10 MB).
const LONGEST_BODY: usize = 10_000_000;

pub(crate) struct Gateway {
    pub(crate) routes: Vec<Route>,
    pub(crate) cors: Cors,
    pub(crate) functions: Functions,
}

impl Gateway {
    /// Serves every route.
    pub(crate) fn into_router(self) -> Router {
        Router::new().fallback(serve).with_state(Arc::new(self))
    }

    /// The route of a request and what stands in place of its `{name}`s. Matches exactly: no other case, no slash more.
    fn find(&self, method: &str, path: &str) -> Option<(&Route, BTreeMap<String, String>)> {
        let mut candidates = self.routes.iter().filter(|route| route.method == method);
        candidates.find_map(|route| Some((route, parameters(&route.path, path)?)))
    }
}

async fn serve(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    if let Some(answer) = gateway.cors.preflight(&request) {
        return answer;
    }
    let (parts, body) = request.into_parts();
    let mut response = match gateway.find(parts.method.as_str(), parts.uri.path()) {
        None => message(StatusCode::NOT_FOUND, "Not Found"),
        Some(route) => match to_bytes(body, LONGEST_BODY).await {
            Err(_) => message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Ok(body) => {
                let id = request_id();
                let event = event::from_request((&parts, &body), (route.0, &route.1), client, &id, UnixMillis::now());
                let answer = match &event {
                    Ok(event) => gateway.functions.answer(&route.0.function, event, &id).await,
                    Err(_) => None,
                };
                answer.map_or_else(
                    || message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
                    event::to_response,
                )
            }
        },
    };
    gateway.cors.expose(&parts.headers, response.headers_mut());
    response
}

fn parameters(pattern: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (patterns, segments) = (pattern.split('/'), path.split('/'));
    if patterns.clone().count() != segments.clone().count() {
        return None;
    }
    let mut parameters = BTreeMap::new();
    for (pattern, segment) in patterns.zip(segments) {
        match pattern.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => drop(parameters.insert(name.to_owned(), segment.to_owned())),
            None if pattern == segment => {}
            Some(_) | None => return None,
        }
    }
    Some(parameters)
}

/// The gateway's own answers, in its own form.
fn message(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(serde_json::json!({ "message": text }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn request_id() -> String {
    format!("{:016x}", u64::from_be_bytes(random::bytes().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_a_route_exactly_or_not_at_all() {
        for (pattern, path, matches) in [
            ("/refresh", "/refresh", true),
            ("/refresh", "/refresh/", false),
            ("/refresh", "//refresh", false),
            ("/refresh", "/Refresh", false),
            ("/refresh", "/a/../refresh", false),
            ("/refresh", "/%72efresh", false),
            ("/sessions/{id}", "/sessions/7", true),
            ("/sessions/{id}", "/sessions/", false),
            ("/sessions/{id}", "/sessions/7/8", false),
        ] {
            assert_eq!(parameters(pattern, path).is_some(), matches, "{pattern} and {path}");
        }
        assert_eq!(parameters("/sessions/{id}", "/sessions/7").unwrap()["id"], "7");
    }
}

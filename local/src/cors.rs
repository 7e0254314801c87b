//! CORS as API Gateway does it: it answers preflights itself and adds its headers to what the functions answer.

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
        },
    },
};

use crate::template::Cors;

impl Cors {
    /// The answer to a preflight; nothing for any other request.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let asks = request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self.allow(request.headers(), response.headers_mut()) {
            let headers = response.headers_mut();
            insert(headers, ACCESS_CONTROL_ALLOW_METHODS, &self.methods.join(","));
            insert(headers, ACCESS_CONTROL_ALLOW_HEADERS, &self.headers.join(","));
            insert(headers, ACCESS_CONTROL_MAX_AGE, &self.max_age);
        }
        Some(response)
    }

    /// Lets the page that sent the request read the response, if it is on the list.
    pub(crate) fn expose(&self, request: &HeaderMap, response: &mut HeaderMap) {
        if self.allow(request, response) {
            insert(response, ACCESS_CONTROL_EXPOSE_HEADERS, &self.exposed.join(","));
        }
    }

    fn allow(&self, request: &HeaderMap, response: &mut HeaderMap) -> bool {
        let Some(origin) = request.get(ORIGIN) else { return false };
        let listed = self.origins.iter().any(|allowed| origin == allowed.as_str());
        if listed {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            insert(response, VARY, "origin");
            if self.credentials {
                insert(response, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
            }
        }
        listed
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
}

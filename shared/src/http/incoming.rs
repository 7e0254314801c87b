//! The parts of a request besides its body and its cookies.

use lambda_http::{
    Request, RequestExt,
    http::header::{AUTHORIZATION, ORIGIN},
    request::RequestContext,
};

use crate::{error::SessionError, identity::SessionId, rotating_token::Nonce};

/// Keys that one `Idempotency-Key` header may carry.
const MOST_NONCES: usize = 16;

/// The route that API Gateway chose, e.g. `POST /refresh`. Paths are not parsed again here, so there is nothing to disagree on.
#[must_use]
pub fn route(request: &Request) -> &str {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.route_key.as_deref().unwrap_or_default(),
        _ => "",
    }
}

/// The access token of `Authorization: Bearer`.
///
/// # Errors
/// [`SessionError::TokenMissing`] without the header, [`SessionError::TokenInvalid`] when it holds anything but one bearer
/// token (RFC 6750 2.1); a cookie never stands in for it.
pub fn bearer(request: &Request) -> Result<&str, SessionError> {
    let mut values = request.headers().get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(SessionError::TokenMissing),
        (Some(value), None) => value.to_str().map_err(|_| SessionError::TokenInvalid)?,
        (Some(_), Some(_)) => return Err(SessionError::TokenInvalid),
    };
    bearer_in(value)
}

/// The access token in the value of one `Authorization` header.
pub(super) fn bearer_in(value: &str) -> Result<&str, SessionError> {
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => Ok(token),
        _ => Err(SessionError::TokenInvalid),
    }
}

/// The page that the request comes from, if it says so (RFC 6454 7).
#[must_use]
pub fn origin(request: &Request) -> Option<&str> {
    request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok())
}

/// The keys of the header `Idempotency-Key`, in order.
///
/// # Errors
/// [`SessionError::Invalid`] when there are more than 16 or one of them is malformed.
pub fn nonces(request: &Request) -> Result<Vec<Nonce>, SessionError> {
    const HEADER: &str = "Idempotency-Key";
    let malformed = || SessionError::invalid(HEADER, "takes 1 to 16 keys of 16 to 128 visible ASCII characters");
    let mut nonces = Vec::new();
    for value in request.headers().get_all(HEADER) {
        for key in value.to_str().map_err(|_| malformed())?.split(',') {
            nonces.push(Nonce::parse(key.trim()).ok_or_else(malformed)?);
        }
    }
    if nonces.len() > MOST_NONCES { Err(malformed()) } else { Ok(nonces) }
}

/// The value of the one query parameter that a route takes.
///
/// # Errors
/// [`SessionError::Invalid`] for any other parameter, so that no token is ever sent in a URL (ASVS 14.2.1), and for one
/// that comes twice.
pub fn query<'a>(request: &'a Request, name: &str) -> Result<Option<&'a str>, SessionError> {
    let mut found = None;
    for part in request.uri().query().unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some((key, value)) if key == name && found.is_none() => found = Some(value),
            _ => return Err(SessionError::invalid("query", format!("takes nothing but {name}, once"))),
        }
    }
    Ok(found)
}

/// For routes that take no query parameter.
///
/// # Errors
/// [`SessionError::Invalid`] when there is one.
pub fn no_query(request: &Request) -> Result<(), SessionError> {
    match request.uri().query() {
        None | Some("") => Ok(()),
        Some(_) => Err(SessionError::invalid("query", "takes no parameter")),
    }
}

/// The session that the path names.
///
/// # Errors
/// [`SessionError::NotFound`] when it names none: what cannot be the id of a session is the id of no session.
pub fn path_session(request: &Request) -> Result<SessionId, SessionError> {
    let parameters = request.path_parameters_ref();
    let id = parameters.and_then(|parameters| parameters.first("id")).ok_or(SessionError::NotFound)?;
    SessionId::parse(id).map_err(|_| SessionError::NotFound)
}

#[cfg(test)]
mod tests {
    use lambda_http::{Body, http};

    use super::*;

    fn with(header: &str, values: &[&str]) -> Request {
        let builder = values.iter().fold(http::Request::builder(), |builder, value| builder.header(header, *value));
        builder.body(Body::Empty).unwrap()
    }

    #[test]
    fn a_bearer_is_one_token_and_nothing_else() {
        for (values, token) in [
            (vec!["Bearer abc"], Some("abc")),
            (vec!["bearer abc"], Some("abc")),
            (vec!["Bearer"], None),
            (vec!["Bearer "], None),
            (vec!["Bearer\tabc"], None),
            (vec!["Basic abc"], None),
            (vec!["abc"], None),
            (vec!["Bearer abc", "Bearer abc"], None),
        ] {
            let request = with("authorization", &values);
            assert_eq!(bearer(&request).ok(), token, "{values:?}");
            if token.is_none() {
                assert!(matches!(bearer(&request), Err(SessionError::TokenInvalid)), "{values:?}");
            }
        }
        assert!(matches!(bearer(&with("authorization", &[])), Err(SessionError::TokenMissing)));
    }

    #[test]
    fn idempotency_keys_are_read_in_order_and_at_most_16() {
        let keys = |count: usize| vec!["key-with-16-chars"; count].join(", ");
        for (value, count) in [
            ("key-with-16-chars".to_owned(), Some(1)),
            ("key-with-16-chars,another-16-chars".to_owned(), Some(2)),
            (keys(16), Some(16)),
            (keys(17), None),
            ("short".to_owned(), None),
            ("key-with-16-chars,".to_owned(), None),
        ] {
            assert_eq!(nonces(&with("idempotency-key", &[&value])).ok().map(|nonces| nonces.len()), count, "{value}");
        }
        assert_eq!(nonces(&with("idempotency-key", &[])).unwrap().len(), 0);
    }

    #[test]
    fn a_query_holds_nothing_but_what_the_route_takes() {
        for (uri, scope, none) in [
            ("/sessions", Some(None), true),
            ("/sessions?", Some(None), true),
            ("/sessions?scope=all", Some(Some("all")), false),
            ("/sessions?scope=all&scope=all", None, false),
            ("/sessions?access_token=t", None, false),
            ("/sessions?scope", None, false),
        ] {
            let request = http::Request::builder().uri(uri).body(Body::Empty).unwrap();
            assert_eq!(query(&request, "scope").ok(), scope, "{uri}");
            assert_eq!(no_query(&request).is_ok(), none, "{uri}");
        }
    }
}

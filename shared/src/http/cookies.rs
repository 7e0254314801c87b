//! The session's cookies (RFC 6265bis): out of reach of scripts, of other sites and of other hosts.

use cookie::{Cookie, SameSite, time::Duration};
use lambda_http::{
    Request,
    http::{HeaderValue, header::COOKIE},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{error::SessionError, lifecycle::Session, unix_time::UnixMillis};

const REFRESH: &str = "__Host-refresh";
const RECONNECT: &str = "__Host-reconnect";

/// How a client gets the tokens that it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// In cookies that scripts cannot read.
    #[default]
    Cookie,
    /// In the body, for clients that are not browsers.
    Body,
}

/// The session's cookies of one request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cookies<'a> {
    /// The value of the refresh cookie.
    pub refresh: Option<&'a str>,
    /// The value of the reconnect cookie.
    pub reconnect: Option<&'a str>,
}

impl<'a> Cookies<'a> {
    /// Finds them among the request's cookies.
    ///
    /// # Errors
    /// [`SessionError::Invalid`] when one of them comes twice: which one is meant cannot be told.
    pub fn read(request: &'a Request) -> Result<Self, SessionError> {
        let mut cookies = Self::default();
        let headers = request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        for cookie in headers.flat_map(|header| header.split(';')) {
            let Some((name, value)) = cookie.split_once('=') else { continue };
            let place = match name.trim() {
                REFRESH => &mut cookies.refresh,
                RECONNECT => &mut cookies.reconnect,
                _ => continue,
            };
            if place.replace(value.trim()).is_some() {
                return Err(SessionError::invalid("Cookie", "must not contain a session cookie twice"));
            }
        }
        Ok(cookies)
    }

    /// Whether none of them is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.refresh.is_none() && self.reconnect.is_none()
    }
}

/// Hands out a refresh token, kept until the session's last words are forgotten, so that they can still be asked for.
pub(super) fn refresh(token: &SecretString, session: &Session, now: UnixMillis) -> Option<HeaderValue> {
    let kept = session.forgotten_at().ceil_seconds().saturating_sub(now.floor_seconds());
    set(REFRESH, token.expose_secret(), kept)
}

/// Hands out the token of a stored credential, kept as long as it may be used.
pub(super) fn reconnect(token: &SecretString, expires_at: UnixMillis, now: UnixMillis) -> Option<HeaderValue> {
    set(RECONNECT, token.expose_secret(), expires_at.ceil_seconds().saturating_sub(now.floor_seconds()))
}

/// Takes the token of a stored credential away that is of no use any more.
pub(super) fn without_reconnect() -> Option<HeaderValue> {
    set(RECONNECT, "", 0)
}

/// Takes every cookie of the session away.
pub(super) fn cleared() -> impl Iterator<Item = HeaderValue> {
    [REFRESH, RECONNECT].into_iter().filter_map(|name| set(name, "", 0))
}

fn set(name: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
    let cookie = Cookie::build((name, value))
        .http_only(true)
        .secure(true)
        .path("/")
        .same_site(SameSite::Strict)
        .max_age(Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX)));
    let mut header = HeaderValue::from_str(&cookie.to_string()).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use lambda_http::{Body, http};

    use super::*;
    use crate::lifecycle::tests::session;

    fn request(cookie: &str) -> Request {
        http::Request::builder().header(COOKIE, cookie).body(Body::Empty).unwrap()
    }

    #[test]
    fn a_session_cookie_is_found_among_others_and_refused_when_it_comes_twice() {
        for (header, found) in [
            ("a=1; __Host-refresh=token; b=2", Some(Some("token"))),
            ("a=1; a=2", Some(None)),
            ("__Host-refresh", Some(None)),
            ("refresh=token", Some(None)),
            ("__Host-refresh=one; __Host-refresh=two", None),
            ("__Host-refresh=one;__Host-refresh=one", None),
            ("__Host-reconnect=one; __Host-reconnect=two", None),
        ] {
            let request = request(header);
            assert_eq!(Cookies::read(&request).ok().map(|cookies| cookies.refresh), found, "{header}");
        }
    }

    #[test]
    fn the_refresh_cookie_lives_as_long_as_the_last_words() {
        // Opened at second 1,000, over at 1,300, forgotten 48 hours later.
        let header = refresh(&"token".into(), &session(), UnixMillis::from_millis(1_000_000)).unwrap();
        let expected =
            format!("__Host-refresh=token; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age={}", 300 + 172_800);
        assert_eq!(header.to_str().unwrap(), expected);
    }

    #[test]
    fn logging_out_takes_every_cookie_away() {
        let cleared: Vec<_> = cleared().map(|header| header.to_str().unwrap().to_owned()).collect();
        let attributes = "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0";
        assert_eq!(cleared, [format!("__Host-refresh=; {attributes}"), format!("__Host-reconnect=; {attributes}")]);
    }
}

//! Which pages may use a session: protection against cross-site request forgery.
//!
//! A POST without a body is sent by any page without asking, so CORS alone protects nothing that cookies authorise
//! (OAuth 2.0 for Browser-Based Applications 6.1.3.3; ASVS 3.5.1, 3.5.2).

use lambda_http::{Request, http::Uri};

use crate::{
    error::SessionError,
    http::cookies::Cookies,
    settings::{SettingError, Variables},
};

/// The header that no page can send to another site without being allowed to; any value will do.
const CLIENT_HEADER: &str = "x-session-client";

/// A list with anything else in it does not start: an entry that matches nothing would be found by users.
const PROBLEM: &str = "takes origins such as https://app.example.com or capacitor://localhost, separated by commas: \
                       scheme, host and port in lower case, no path, every host written out in place of a wildcard";

/// The origins of the app, exactly as browsers write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// Reads `SESSION_ORIGINS`: full origins separated by commas, the same list as the API's CORS.
    ///
    /// # Errors
    /// [`SettingError`] when it is missing, or one of them is not an origin.
    pub fn from_settings(variables: &Variables) -> Result<Self, SettingError> {
        const NAME: &str = "SESSION_ORIGINS";
        let origins = variables.list(NAME).ok_or(SettingError::Missing(NAME))?;
        if origins.iter().all(|origin| is_origin(origin)) {
            Ok(Self(origins.into_iter().map(str::to_owned).collect()))
        } else {
            Err(SettingError::invalid(NAME, PROBLEM))
        }
    }

    /// Lets a request pass that changes something. With a session cookie it must prove that it comes from the app.
    ///
    /// # Errors
    /// [`SessionError::CsrfRejected`] when it does not.
    pub fn check(&self, request: &Request, cookies: &Cookies<'_>) -> Result<(), SessionError> {
        if cookies.is_empty() {
            return Ok(());
        }
        let headers = request.headers();
        let cross_site = headers.get_all("sec-fetch-site").iter().any(|site| site == "cross-site");
        let allowed = headers.contains_key(CLIENT_HEADER) && !cross_site && self.origin_is_allowed(request);
        if allowed { Ok(()) } else { Err(SessionError::CsrfRejected) }
    }

    /// Lets a request pass that opens a session, also without a cookie: a page must not sign its visitors in here.
    ///
    /// # Errors
    /// [`SessionError::CsrfRejected`] with a session cookie, [`SessionError::OriginNotAllowed`] without one.
    pub fn check_opening(&self, request: &Request, cookies: &Cookies<'_>) -> Result<(), SessionError> {
        self.check(request, cookies)?;
        if self.origin_is_allowed(request) { Ok(()) } else { Err(SessionError::OriginNotAllowed) }
    }

    /// A request without an origin does not come from a page of another site.
    fn origin_is_allowed(&self, request: &Request) -> bool {
        request.headers().get_all("origin").iter().all(|origin| self.0.iter().any(|allowed| origin == allowed.as_str()))
    }
}

/// Any scheme: apps in a web view and browser extensions have one of their own. The text is compared as it is.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let plain = !authority.as_str().contains(['@', '*']);
    plain && text == format!("{scheme}://{authority}") && text == text.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use lambda_http::{Body, http};

    use super::*;

    fn origins() -> AllowedOrigins {
        let variables = [("SESSION_ORIGINS", "https://app.example.com, http://localhost:5173")];
        AllowedOrigins::from_settings(&variables.into_iter().collect()).unwrap()
    }

    fn request(headers: &[(&str, &str)]) -> Request {
        let builder =
            headers.iter().fold(http::Request::builder(), |builder, (name, value)| builder.header(*name, *value));
        builder.body(Body::Empty).unwrap()
    }

    #[test]
    fn only_exact_origins_are_settings() {
        for (origin, taken) in [
            ("https://app.example.com", true),
            ("http://localhost:5173", true),
            ("https://app.example.com/", false),
            ("https://app.example.com/app", false),
            ("https://App.example.com", false),
            ("https://user@app.example.com", false),
            ("app.example.com", false),
            ("capacitor://localhost", true),
            ("tauri://localhost", true),
            ("app://my.app", true),
            ("chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai", true),
            ("https://*.example.com", false),
            ("https://*", false),
            ("*", false),
            ("null", false),
        ] {
            let variables = [("SESSION_ORIGINS", origin)];
            assert_eq!(AllowedOrigins::from_settings(&variables.into_iter().collect()).is_ok(), taken, "{origin}");
        }
    }

    #[test]
    fn a_request_with_a_session_cookie_must_prove_where_it_comes_from() {
        let good = [("cookie", "__Host-refresh=t"), ("x-session-client", "1"), ("origin", "https://app.example.com")];
        for (headers, passes) in [
            (good.to_vec(), true),
            (good[..2].to_vec(), true),
            ([good[0], good[2]].to_vec(), false),
            ([&good[..], &[("sec-fetch-site", "cross-site")]].concat(), false),
            ([&good[..], &[("sec-fetch-site", "same-site")]].concat(), true),
            ([&good[..], &[("origin", "https://evil.example")]].concat(), false),
            ([&good[..2], &[("origin", "https://app.example.com.evil.example")]].concat(), false),
            ([&good[..2], &[("origin", "https://evil-app.example.com")]].concat(), false),
            ([&good[..2], &[("origin", "http://app.example.com")]].concat(), false),
            ([&good[..2], &[("origin", "https://app.example.com:444")]].concat(), false),
            ([&good[..2], &[("origin", "null")]].concat(), false),
        ] {
            let request = request(&headers);
            let cookies = Cookies::read(&request).unwrap();
            assert_eq!(origins().check(&request, &cookies).is_ok(), passes, "{headers:?}");
        }
    }

    #[test]
    fn opening_a_session_without_a_cookie_checks_the_origin_too() {
        for (headers, passes) in
            [(vec![], true), (vec![("origin", "http://localhost:5173")], true), (vec![("origin", "null")], false)]
        {
            let request = request(&headers);
            let result = origins().check_opening(&request, &Cookies::read(&request).unwrap());
            assert_eq!(result.is_ok(), passes, "{headers:?}");
            if !passes {
                assert!(matches!(result, Err(SessionError::OriginNotAllowed)));
            }
        }
    }
}

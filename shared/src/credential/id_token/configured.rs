//! The issuers that the operator trusts, as the setting names them.

use jsonwebtoken::Algorithm;
use reqwest::Url;
use serde::Deserialize;

use crate::settings::{SettingError, Variables};

const NAME: &str = "OIDC_ISSUERS";

/// Asymmetric ones only: with any other, whoever can verify could sign.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// An issuer and what its tokens must look like. Nothing of this is ever taken from a token.
#[derive(Debug)]
pub(super) struct Configured {
    /// Compared with `iss` character by character (OpenID Connect Core 3.1.3.7).
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) keys_at: KeysAt,
}

/// Where an issuer's keys are found.
#[derive(Debug)]
pub(super) enum KeysAt {
    /// At this address.
    Known(Url),
    /// At the address that the document at this one names (OpenID Connect Discovery 4).
    Discovered(Url),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Entry {
    issuer: String,
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    jwks_uri: Option<String>,
}

/// The issuers in the setting; `None` when it is not set. Its value is quoted in no error.
pub(super) fn issuers(variables: &Variables) -> Result<Option<Vec<Configured>>, SettingError> {
    let Some(json) = variables.get(NAME) else { return Ok(None) };
    let entries: Vec<Entry> = serde_json::from_str(json).map_err(|_| {
        SettingError::invalid(
            NAME,
            r#"must be JSON such as [{"issuer": "https://…", "audiences": ["…"], "algorithms": ["RS256"]}]"#,
        )
    })?;
    let issuers = entries.into_iter().map(configured).collect::<Result<Vec<_>, _>>()?;
    let twice =
        issuers.iter().enumerate().any(|(at, one)| issuers.iter().skip(at + 1).any(|other| other.issuer == one.issuer));
    match (issuers.is_empty(), twice) {
        (true, _) => Err(SettingError::invalid(NAME, "must name at least one issuer")),
        (_, true) => Err(SettingError::invalid(NAME, "must not name an issuer twice")),
        (false, false) => Ok(Some(issuers)),
    }
}

fn configured(entry: Entry) -> Result<Configured, SettingError> {
    if entry.audiences.is_empty() || entry.audiences.iter().any(String::is_empty) {
        return Err(SettingError::invalid(NAME, "must give every issuer at least one audience, none of them empty"));
    }
    if entry.algorithms.is_empty() || !entry.algorithms.iter().all(|algorithm| ALGORITHMS.contains(algorithm)) {
        let problem = "must give every issuer at least one algorithm, each of them RS256, ES256 or EdDSA";
        return Err(SettingError::invalid(NAME, problem));
    }
    let insecure = SettingError::invalid(
        NAME,
        "must have https addresses (http only on localhost, 127.0.0.1 or ::1) without a user or a fragment; issuers have no query",
    );
    let address = |text: &str| Url::parse(text).ok().filter(|url| is_secure(url) || is_loopback(url));
    let Some(issuer) = address(&entry.issuer).filter(|url| url.query().is_none()) else { return Err(insecure) };
    let keys_at = match entry.jwks_uri.as_deref().map(address) {
        Some(Some(url)) => KeysAt::Known(url),
        Some(None) => return Err(insecure),
        None => KeysAt::Discovered(discovery(issuer)),
    };
    Ok(Configured { issuer: entry.issuer, audiences: entry.audiences, algorithms: entry.algorithms, keys_at })
}

/// The issuer's own path stays in front (Discovery 4.1), without the slash that may end it.
fn discovery(mut issuer: Url) -> Url {
    let path = format!("{}/.well-known/openid-configuration", issuer.path().trim_end_matches('/'));
    issuer.set_path(&path);
    issuer
}

/// An address whose server must prove its name.
pub(super) fn is_secure(url: &Url) -> bool {
    url.scheme() == "https" && is_plain(url)
}

/// An address on this machine, for development. On Lambda the runtime's own API is one of these: see where keys are fetched.
pub(super) fn is_loopback(url: &Url) -> bool {
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "http" && here && is_plain(url)
}

fn is_plain(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Option<Vec<Configured>>, SettingError> {
        issuers(&[(NAME, json)].into_iter().collect())
    }

    fn entry(issuer: &str, more: &str) -> String {
        format!(r#"{{"issuer":"{issuer}","audiences":["app"],"algorithms":["RS256"]{more}}}"#)
    }

    #[test]
    fn without_the_setting_there_are_no_issuers() {
        assert!(issuers(&Variables::default()).unwrap().is_none());
        assert!(read("").unwrap().is_none());
    }

    #[test]
    fn keys_are_where_the_setting_says_or_where_the_issuer_says() {
        for (issuer, discovered) in [
            ("https://a.example", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/realms/one", "https://a.example/realms/one/.well-known/openid-configuration"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/.well-known/openid-configuration"),
        ] {
            let issuers = read(&format!("[{}]", entry(issuer, ""))).unwrap().unwrap();
            assert_eq!(issuers[0].issuer, issuer, "as it is written");
            assert!(matches!(&issuers[0].keys_at, KeysAt::Discovered(url) if url.as_str() == discovered), "{issuer}");
        }
        let known = entry("https://a.example", r#","jwksUri":"https://keys.example/set?of=a""#);
        let issuers = read(&format!("[{known}]")).unwrap().unwrap();
        assert!(matches!(&issuers[0].keys_at, KeysAt::Known(url) if url.as_str() == "https://keys.example/set?of=a"));
    }

    #[test]
    fn addresses_are_https_except_on_this_machine() {
        for (address, taken) in [
            ("https://a.example", true),
            ("https://10.0.0.1", true),
            ("http://localhost:1", true),
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://a.example", false),
            ("http://localhost.example", false),
            ("http://127.0.0.2", false),
            ("http://127.0.0.1@a.example", false),
            ("https://user@a.example", false),
            ("https://:secret@a.example", false),
            ("https://a.example#part", false),
            ("ftp://a.example", false),
            ("file:///etc/passwd", false),
            ("//a.example", false),
            ("a.example", false),
            ("", false),
        ] {
            assert_eq!(read(&format!("[{}]", entry(address, ""))).is_ok(), taken, "issuer {address}");
            let keys = entry("https://a.example", &format!(r#","jwksUri":"{address}""#));
            assert_eq!(read(&format!("[{keys}]")).is_ok(), taken, "jwksUri {address}");
        }
        assert!(read(&format!("[{}]", entry("https://a.example?tenant=1", ""))).is_err());
    }

    #[test]
    fn a_setting_that_is_not_complete_stops_the_start_and_is_not_quoted() {
        let (one, two) = (entry("https://hunter2.example", ""), entry("https://hunter3.example", ""));
        assert_eq!(read(&format!("[{one},{two}]")).unwrap().unwrap().len(), 2);
        for json in [
            "hunter2".to_owned(),
            "[]".to_owned(),
            one.clone(),
            format!("[{one},{one}]"),
            format!("[{}]", one.replace("RS256", "HS256")),
            format!("[{}]", one.replace("RS256", "none")),
            format!("[{}]", one.replace(r#"["RS256"]"#, "[]")),
            format!("[{}]", one.replace(r#"["RS256"]"#, r#"["RS256","HS256"]"#)),
            format!("[{}]", one.replace(r#"["app"]"#, "[]")),
            format!("[{}]", one.replace(r#"["app"]"#, r#""app""#)),
            format!("[{}]", one.replace(r#"["app"]"#, r#"["app",""]"#)),
            format!("[{}]", one.replace(r#""audiences":["app"],"#, "")),
            format!("[{}]", one.replace(r#""issuer":"https://hunter2.example","#, "")),
            format!("[{}]", one.replace("issuer", "hunter2")),
            format!("[{}]", entry("https://hunter2.example", r#","jwks_uri":"https://a.example""#)),
        ] {
            let error = read(&json).map(|issuers| issuers.map(|issuers| issuers.len())).unwrap_err().to_string();
            assert!(error.starts_with("OIDC_ISSUERS must "), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        }
    }
}

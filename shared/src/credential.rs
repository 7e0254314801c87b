//! The kinds of credential: each module turns what a user presents into a subject.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    identity::SubjectId,
    unknown_name::{NotAName, UnknownName},
};

#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres")),
    expect(dead_code, unused_variables, reason = "without an engine there is nothing to log in to")
)]
pub mod connection_string;
pub mod foreign_token;
pub mod guest;
pub mod id_token;
pub mod legacy_token;
pub mod password;

use connection_string::{ConnectionString, Databases};
use password::{Password, Username};

/// A kind of credential. The names are those of the wire and of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CredentialKind {
    /// A username and a password that were registered here.
    Password,
    /// Nobody in particular: a new subject for every session.
    Guest,
    /// The address of a database and a login that its server takes.
    ConnectionString,
    /// An ID token of an OpenID Connect issuer.
    IdToken,
    /// An access token of the system that this one replaces.
    LegacyToken,
    /// A kind of a newer build. Its sessions live on under its name; nothing of that kind is verified or stored here.
    Other(UnknownName),
}

/// What a user presents.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A name and a password that were registered.
    Password(Username, Password),
    /// A name and a password to register.
    NewPassword(Username, Password),
    /// Nothing.
    Guest,
    /// The login of a database, and the text that it was read from.
    ConnectionString(Box<ConnectionString>, SecretString),
    /// An ID token, and the nonce of the request that it answers, if the client sent one.
    IdToken(SecretString, Option<String>),
    /// An access token of the system that this one replaces.
    LegacyToken(SecretString),
}

/// What is sealed for a reconnect, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Kept<'a> {
    Password { username: &'a str, password: &'a str },
    ConnectionString(&'a str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Found {
    Password { username: String, password: SecretString },
    ConnectionString(SecretString),
}

impl CredentialKind {
    const ALL: [Self; 5] = [Self::Password, Self::Guest, Self::ConnectionString, Self::IdToken, Self::LegacyToken];

    /// The name on the wire, in the table and in settings.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name.as_str(),
            known => known.closed_name(),
        }
    }

    /// The name from a closed set, for metrics: `other` stands for all that this build does not know.
    #[must_use]
    pub const fn closed_name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Guest => "guest",
            Self::ConnectionString => "connectionString",
            Self::IdToken => "idToken",
            Self::LegacyToken => "legacyToken",
            Self::Other(_) => "other",
        }
    }

    /// The kind of that name, if this build knows it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.closed_name() == name)
    }

    /// Whether it can be verified again later, and so be stored for a reconnect.
    #[must_use]
    pub const fn can_be_stored(self) -> bool {
        match self {
            Self::Password | Self::ConnectionString => true,
            Self::Guest | Self::IdToken | Self::LegacyToken | Self::Other(_) => false,
        }
    }
}

impl TryFrom<String> for CredentialKind {
    type Error = NotAName;

    /// The kind of that name in an item, whether or not this build knows it.
    fn try_from(name: String) -> Result<Self, NotAName> {
        Self::parse(&name).map_or_else(|| UnknownName::parse(&name).map(Self::Other), Ok)
    }
}

impl From<CredentialKind> for String {
    fn from(kind: CredentialKind) -> Self {
        kind.as_str().to_owned()
    }
}

impl Credential {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Password(..) | Self::NewPassword(..) => CredentialKind::Password,
            Self::Guest => CredentialKind::Guest,
            Self::ConnectionString(..) => CredentialKind::ConnectionString,
            Self::IdToken(..) => CredentialKind::IdToken,
            Self::LegacyToken(_) => CredentialKind::LegacyToken,
        }
    }

    /// Whom it names, if that is known before it is verified.
    #[must_use]
    pub fn names(&self) -> Option<SubjectId> {
        match self {
            Self::Password(username, _) | Self::NewPassword(username, _) => Some(username.subject()),
            Self::ConnectionString(string, _) => Some(string.subject()),
            Self::Guest | Self::IdToken(..) | Self::LegacyToken(_) => None,
        }
    }

    /// The text to seal for a reconnect, if it can be stored.
    #[must_use]
    pub fn to_sealable(&self) -> Option<SecretString> {
        let kept = match self {
            Self::Password(username, password) | Self::NewPassword(username, password) => {
                Kept::Password { username: username.as_str(), password: password.expose() }
            }
            Self::ConnectionString(_, text) => Kept::ConnectionString(text.expose_secret()),
            Self::Guest | Self::IdToken(..) | Self::LegacyToken(_) => return None,
        };
        serde_json::to_string(&kept).ok().map(SecretString::from)
    }

    /// The credential that a sealed text holds; nothing if it is not one that would be taken today.
    #[must_use]
    pub fn from_sealed(text: &SecretString, databases: Option<&Databases>) -> Option<Self> {
        match serde_json::from_str(text.expose_secret()).ok()? {
            Found::Password { username, password } => {
                Some(Self::Password(Username::parse(&username).ok()?, Password::parse(password).ok()?))
            }
            Found::ConnectionString(text) => {
                Some(Self::ConnectionString(Box::new(databases?.parse(&text).ok()?), text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_a_newer_build_is_read_from_items_and_taken_by_no_setting() {
        for (name, known) in [("password", true), ("legacyToken", true), ("ticket", false)] {
            let kind = CredentialKind::try_from(name.to_owned()).unwrap();
            assert_eq!((kind.as_str(), CredentialKind::parse(name)), (name, known.then_some(kind)));
            assert_eq!(kind.closed_name(), if known { name } else { "other" });
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{name}\""));
        }
        assert!(CredentialKind::try_from("a kind".to_owned()).is_err());
        assert!(!CredentialKind::try_from("ticket".to_owned()).unwrap().can_be_stored());
    }
}

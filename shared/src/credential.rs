//! The kinds of credential: each module turns what a user presents into a subject.

use serde::{Deserialize, Serialize};

pub mod connection_string;
pub mod guest;
pub mod password;

/// A kind of credential. The names are those of the wire and of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CredentialKind {
    /// A username and a password that were registered here.
    Password,
    /// Nobody in particular: a new subject for every session.
    Guest,
}

impl CredentialKind {
    /// The name on the wire, in the table and in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Guest => "guest",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Password, Self::Guest].into_iter().find(|kind| kind.as_str() == name)
    }
}

//! Who and which: the names of subjects and sessions.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{sha256::sha256, unix_time::UnixMillis};

/// A name that is not in the one form that is accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed identifier")]
pub struct MalformedIdentifier;

/// A user, as an opaque stable id: 22 characters of base64url, the same in the table and in the token's `sub`.
///
/// The first 16 bytes of SHA-256 over kind, issuer and name. Not keyed, so that a key rotation moves nobody; it confirms
/// a guess of the name, so it is personal data and belongs into no log but the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubjectId([u8; 16]);

impl SubjectId {
    /// The subject that `issuer` knows as `name` and that proves itself with this `kind` of credential.
    ///
    /// The kind is part of it: a password user and an ID token with the same name are two users.
    #[must_use]
    pub fn of(kind: &str, issuer: &str, name: &str) -> Self {
        let length = |text: &str| (text.len() as u64).to_be_bytes();
        let (kind_length, issuer_length, name_length) = (length(kind), length(issuer), length(name));
        let digest =
            sha256(&[&kind_length, kind.as_bytes(), &issuer_length, issuer.as_bytes(), &name_length, name.as_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(digest.split_at(16).0);
        Self(id)
    }

    /// Reads the form that `Display` writes.
    ///
    /// # Errors
    /// [`MalformedIdentifier`] for anything else, other base64 spellings of the same bytes included.
    pub fn parse(text: &str) -> Result<Self, MalformedIdentifier> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| MalformedIdentifier)?;
        bytes.try_into().map(Self).map_err(|_| MalformedIdentifier)
    }
}

impl std::fmt::Display for SubjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// A session, as users and support see it: a UUID version 7 (RFC 9562 5.7). It names, it does not authorise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(Uuid);

/// A stored credential: a UUID version 7, as a session has one. It names, it does not authorise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReconnectId(Uuid);

macro_rules! time_ordered {
    ($id:ident) => {
        impl $id {
            /// The id of what was made at `now`; `random` keeps those of one millisecond apart.
            #[must_use]
            pub fn new(now: UnixMillis, random: &[u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(now.as_millis(), random).into_uuid())
            }

            /// Reads the form that `Display` writes: lower-case, hyphenated.
            ///
            /// # Errors
            /// [`MalformedIdentifier`] for anything else, other spellings of the same UUID included.
            pub fn parse(text: &str) -> Result<Self, MalformedIdentifier> {
                let id = Uuid::try_parse(text).map_err(|_| MalformedIdentifier)?;
                if id.to_string() == text { Ok(Self(id)) } else { Err(MalformedIdentifier) }
            }

            /// The 16 bytes of the UUID.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl std::fmt::Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

time_ordered!(SessionId);
time_ordered!(ReconnectId);

macro_rules! text_form {
    ($id:ident) => {
        impl TryFrom<String> for $id {
            type Error = MalformedIdentifier;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.to_string()
            }
        }
    };
}

text_form!(SubjectId);
text_form!(SessionId);
text_form!(ReconnectId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_issuer_and_name_are_told_apart_even_when_they_run_together() {
        let names = [("password", "", "ada"), ("passwor", "d", "ada"), ("password", "a", "da"), ("guest", "", "ada")];
        for (at, one) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                assert_ne!(SubjectId::of(one.0, one.1, one.2), SubjectId::of(other.0, other.1, other.2));
            }
        }
    }

    #[test]
    fn a_subject_keeps_its_name_for_ever() {
        // Changing this value would turn every user into a new one.
        assert_eq!(SubjectId::of("password", "", "ada").to_string(), "plbiOkerIY_5uF3i0SIjjQ");
    }

    #[test]
    fn only_one_spelling_of_an_identifier_is_read() {
        let subject = "plbiOkerIY_5uF3i0SIjjQ";
        assert_eq!(SubjectId::parse(subject).unwrap().to_string(), subject);
        for spelling in ["plbiOkerIY_5uF3i0SIjjR", "plbiOkerIY/5uF3i0SIjjQ", "plbiOkerIY_5uF3i0SIjjQ==", ""] {
            assert_eq!(SubjectId::parse(spelling), Err(MalformedIdentifier), "{spelling}");
        }
        let session = SessionId::new(UnixMillis::from_millis(1_795_255_200_000), &[7; 10]).to_string();
        assert_eq!(SessionId::parse(&session).unwrap().to_string(), session);
        for spelling in [session.to_uppercase(), session.replace('-', ""), format!("{{{session}}}"), String::new()] {
            assert_eq!(SessionId::parse(&spelling), Err(MalformedIdentifier), "{spelling}");
        }
    }

    #[test]
    fn session_ids_sort_by_the_time_they_were_made() {
        let at = |millis| SessionId::new(UnixMillis::from_millis(millis), &[255; 10]);
        assert!(at(1_795_255_200_000) < at(1_795_255_200_001));
    }
}

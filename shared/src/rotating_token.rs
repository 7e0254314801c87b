//! Tokens that are used once and replaced: what the browser holds, and how the next one follows from it.
//!
//! `<version>.<kid>.<subject>.<id>.<generation>.<secret>.<tag>`, where the tag is an HMAC over all before it. A token
//! whose tag is wrong is refused before anything is asked of the table, so garbage costs nothing and ends nothing.

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    identity::{ReconnectId, SessionId, SubjectId},
    keys::{KeySet, Kid},
    sha256::sha256,
};

mod rotation;

pub use rotation::{Rotation, Verdict};

/// What a chain of rotating tokens belongs to. The id and the version keep one kind of token from passing as the other.
pub trait Rotates: Copy + std::fmt::Display {
    /// The first field of its tokens: their purpose and the version of their form.
    const VERSION: &'static str;

    /// Reads the id as it stands in a token.
    fn parse(text: &str) -> Option<Self>;

    /// The id's bytes, which every secret of the chain depends on.
    fn as_bytes(&self) -> &[u8; 16];
}

/// Rotates a session.
pub type RefreshToken = RotatingToken<SessionId>;

/// Opens a new session with a stored credential.
pub type ReconnectToken = RotatingToken<ReconnectId>;

/// The SHA-256 of a token's secret: what the table keeps. It can verify a secret and cannot be turned into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash([u8; 32]);

/// What the client made before it sent a request, so that the request can be repeated: half of the next secret.
#[derive(Clone, Debug)]
pub struct Nonce(SecretString);

/// A genuine token: its tag was verified, or it was made here.
#[derive(Debug)]
pub struct RotatingToken<Id> {
    kid: Kid,
    /// Whose it is.
    pub subject: SubjectId,
    /// What it belongs to.
    pub id: Id,
    /// Which rotation made it.
    pub generation: u64,
    secret: SecretBox<[u8; 32]>,
}

/// A token that has the right form; whether it is genuine is not known yet.
#[derive(Debug)]
pub struct Unverified<Id> {
    token: RotatingToken<Id>,
    signed: SecretString,
    tag: Vec<u8>,
}

/// The text is not a token of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed token")]
pub struct Malformed;

/// The tag does not belong to the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a genuine token")]
pub struct NotGenuine;

impl Nonce {
    /// Takes 16 to 128 visible ASCII characters without comma.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed =
            (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
        well_formed.then(|| Self(text.into()))
    }

    /// The nonce that a new rotation is bound to, which is the first that was sent, and those of earlier requests.
    ///
    /// # Errors
    /// What `random` reports; it is asked only if none was sent.
    pub fn first_of<E>(
        mut sent: Vec<Self>,
        random: impl FnOnce() -> Result<[u8; 32], E>,
    ) -> Result<(Self, Vec<Self>), E> {
        let first = if sent.is_empty() { Self::random(&random()?) } else { sent.remove(0) };
        Ok((first, sent))
    }

    /// A nonce for a client that sent none; the answer it leads to cannot be repeated.
    #[must_use]
    pub fn random(bytes: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }
}

impl<Id: Rotates> Unverified<Id> {
    /// Reads a token of this kind.
    ///
    /// # Errors
    /// [`Malformed`] when the text has another form, or is another kind of token.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        // Longer than any token that was ever made: not worth a look.
        if text.len() > 512 {
            return Err(Malformed);
        }
        let (signed, tag) = text.rsplit_once('.').ok_or(Malformed)?;
        let fields: Vec<&str> = signed.split('.').collect();
        let [version, kid, subject, id, generation, secret] = *fields.as_slice() else { return Err(Malformed) };
        if version != Id::VERSION {
            return Err(Malformed);
        }
        let secret = URL_SAFE_NO_PAD.decode(secret).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(Malformed)?;
        let token = RotatingToken {
            kid: Kid::from_text(kid),
            subject: SubjectId::parse(subject).map_err(|_| Malformed)?,
            id: Id::parse(id).ok_or(Malformed)?,
            generation: generation.parse().map_err(|_| Malformed)?,
            secret: SecretBox::new(Box::new(secret)),
        };
        Ok(Self { token, signed: signed.into(), tag: URL_SAFE_NO_PAD.decode(tag).map_err(|_| Malformed)? })
    }

    /// The name of the keys it claims to be made with.
    #[must_use]
    pub fn kid(&self) -> &Kid {
        &self.token.kid
    }

    /// What it claims to belong to.
    #[must_use]
    pub fn claimed_id(&self) -> Id {
        self.token.id
    }

    /// Checks the tag, in constant time.
    ///
    /// # Errors
    /// [`NotGenuine`] when the token was not made with these keys.
    pub fn verify(self, keys: &KeySet) -> Result<RotatingToken<Id>, NotGenuine> {
        hmac::verify(keys.mac(), self.signed.expose_secret().as_bytes(), &self.tag).map_err(|_| NotGenuine)?;
        Ok(self.token)
    }
}

impl<Id: Rotates> RotatingToken<Id> {
    /// The first token of a chain, with a random secret: the keys alone cannot make it.
    #[must_use]
    pub fn first(keys: &KeySet, subject: SubjectId, id: Id, secret: [u8; 32]) -> Self {
        Self { kid: keys.kid().clone(), subject, id, generation: 1, secret: SecretBox::new(Box::new(secret)) }
    }

    /// The name of the keys it was made with, which are the keys of all its successors.
    #[must_use]
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// The token that replaces this one when it is rotated with `nonce`: always the same for the same nonce.
    ///
    /// `keys` are those of this token's own kid, so that a key rotation changes nothing for a repeated request.
    #[must_use]
    pub fn successor(&self, keys: &KeySet, nonce: &Nonce) -> Self {
        let generation = self.generation.saturating_add(1);
        let nonce = nonce.0.expose_secret().as_bytes();
        let secret = ratcheted(keys, self.id.as_bytes(), generation, self.secret.expose_secret(), nonce);
        Self { generation, secret, kid: self.kid.clone(), ..*self }
    }

    /// What the table keeps of it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(sha256(&[self.secret.expose_secret()]))
    }

    /// The text that the client holds.
    #[must_use]
    pub fn encode(&self, keys: &KeySet) -> SecretString {
        let secret = URL_SAFE_NO_PAD.encode(self.secret.expose_secret());
        let Self { kid, subject, id, generation, .. } = self;
        let signed = format!("{}.{}.{subject}.{id}.{generation}.{secret}", Id::VERSION, kid.as_str());
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(keys.mac(), signed.as_bytes()));
        format!("{signed}.{tag}").into()
    }
}

impl RefreshToken {
    /// The first token of the session that `reconnect` opened, the same whenever the request is repeated.
    ///
    /// `keys` are those that were current when the session was opened.
    #[must_use]
    pub fn opened_by(reconnect: &ReconnectToken, keys: &KeySet, id: SessionId) -> Self {
        // No successor has the generation 1, so this secret is never one of those.
        let secret = ratcheted(keys, id.as_bytes(), 1, reconnect.secret.expose_secret(), &[]);
        Self { kid: keys.kid().clone(), subject: reconnect.subject, id, generation: 1, secret }
    }
}

impl ReconnectToken {
    /// The half of a seal's key that only the browser holds.
    pub(crate) fn sealing_secret(&self) -> &[u8; 32] {
        self.secret.expose_secret()
    }
}

/// One secret from another. Every part but the last has a fixed length, so no two inputs run together.
fn ratcheted(keys: &KeySet, id: &[u8; 16], generation: u64, secret: &[u8; 32], nonce: &[u8]) -> SecretBox<[u8; 32]> {
    let mut next = hmac::Context::with_key(keys.ratchet());
    next.update(id);
    next.update(&generation.to_be_bytes());
    next.update(secret);
    next.update(nonce);
    let tag = next.sign();
    SecretBox::init_with_mut(|secret: &mut [u8; 32]| secret.copy_from_slice(tag.as_ref()))
}

impl Rotates for SessionId {
    const VERSION: &'static str = "rt1";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn as_bytes(&self) -> &[u8; 16] {
        self.as_bytes()
    }
}

impl Rotates for ReconnectId {
    const VERSION: &'static str = "rc1";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn as_bytes(&self) -> &[u8; 16] {
        self.as_bytes()
    }
}

impl SecretHash {
    /// Whether this is the hash of that token's secret, in constant time.
    #[must_use]
    pub fn is_of<Id: Rotates>(&self, token: &RotatingToken<Id>) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &token.hash().0).is_ok()
    }
}

impl From<[u8; 32]> for SecretHash {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        URL_SAFE_NO_PAD.encode(hash.0)
    }
}

impl TryFrom<String> for SecretHash {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Malformed)?;
        bytes.try_into().map(Self).map_err(|_| Malformed)
    }
}

#[cfg(test)]
mod tests;

//! Sealing a credential so that neither the browser, nor a copy of the table, nor the server's keys read it alone.
//!
//! AES-256-GCM under HKDF-SHA-256 of the server's sealing key and the secret of the reconnect token that the browser
//! holds. Every rotation of that token seals anew, so a key is used once, or again for the same request repeated.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use crate::{
    credential::CredentialKind,
    identity::{ReconnectId, SubjectId},
    keys::KeySet,
    rotating_token::ReconnectToken,
    unix_time::UnixMillis,
};

/// What the key is for; another purpose or another form of the seal gets another label.
const PURPOSE: &[u8] = b"stored credential, form 1: AES-256-GCM";

/// A plaintext is filled up to a multiple of this, so that its length says little: most passwords and connection
/// strings take one.
const BUCKET: usize = 256;

/// A sealed credential: the nonce, the ciphertext and its tag of 16 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// What a seal is bound to; opened with anything else, it stays closed.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// Whose the credential is.
    pub subject: SubjectId,
    /// Which stored credential it is.
    pub id: ReconnectId,
    /// What kind of credential it is.
    pub kind: CredentialKind,
    /// The page that asked to store it, as its `Origin`; empty for a client without one.
    pub origin: &'a str,
    /// The last instant at which it may be used.
    pub expires_at: UnixMillis,
}

/// The seal cannot be made; the cryptography library refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential cannot be sealed")]
pub struct SealingFailed;

/// It was not sealed with this token, under these keys, and for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the seal cannot be opened")]
pub struct NotOpened;

impl Sealed {
    /// Takes the bytes that [`Self::as_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Seals `plain`, a JSON text, for whoever holds `token`, under the keys of the token's own kid.
    ///
    /// # Errors
    /// [`SealingFailed`] when the cryptography library refuses.
    pub fn seal(
        plain: &SecretString,
        bound: Bound<'_>,
        token: &ReconnectToken,
        keys: &KeySet,
        nonce: [u8; NONCE_LEN],
    ) -> Result<Self, SealingFailed> {
        let plain = plain.expose_secret().as_bytes();
        let padded = plain.len().next_multiple_of(BUCKET);
        let key = key(token, keys).ok_or(SealingFailed)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + padded + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        // Spaces after a JSON text change nothing.
        sealed.resize(NONCE_LEN + padded, b' ');
        let (_, text) = sealed.split_at_mut(NONCE_LEN);
        let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), bound.aad(), text);
        sealed.extend_from_slice(tag.map_err(|_| SealingFailed)?.as_ref());
        Ok(Self(sealed))
    }

    /// Opens the seal. There is no second form to try: what does not open is refused.
    ///
    /// # Errors
    /// [`NotOpened`] when token, keys or anything it is bound to are not those it was sealed with, or a bit differs.
    pub fn open(&self, bound: Bound<'_>, token: &ReconnectToken, keys: &KeySet) -> Result<SecretString, NotOpened> {
        let (nonce, sealed) = self.0.split_first_chunk::<NONCE_LEN>().ok_or(NotOpened)?;
        let key = key(token, keys).ok_or(NotOpened)?;
        let mut buffer = sealed.to_vec();
        let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), bound.aad(), &mut buffer);
        let length = opened.map_err(|_| NotOpened)?.len();
        buffer.truncate(length);
        let plain = SecretSlice::from(buffer);
        std::str::from_utf8(plain.expose_secret()).map(SecretString::from).map_err(|_| NotOpened)
    }
}

impl Bound<'_> {
    /// Everything it is bound to, each text after its length.
    fn aad(&self) -> Aad<Vec<u8>> {
        let (subject, id) = (self.subject.to_string(), self.id.to_string());
        let texts = [subject.as_str(), &id, self.kind.as_str(), self.origin];
        let mut aad = PURPOSE.to_vec();
        for text in texts {
            aad.extend_from_slice(&(text.len() as u64).to_be_bytes());
            aad.extend_from_slice(text.as_bytes());
        }
        aad.extend_from_slice(&self.expires_at.as_millis().to_be_bytes());
        Aad::from(aad)
    }
}

fn key(token: &ReconnectToken, keys: &KeySet) -> Option<LessSafeKey> {
    let root = keys.sealing().extract(token.sealing_secret());
    let info = [PURPOSE];
    let output = root.expand(&info, &AES_256_GCM).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(output)))
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! Guests: whoever asks gets a subject of their own.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::CredentialKind;
use crate::identity::SubjectId;

/// The subject of a new guest; nobody can name it before it exists, nor get it again.
#[must_use]
pub fn subject(random: &[u8; 16]) -> SubjectId {
    SubjectId::of(CredentialKind::Guest.as_str(), "", &URL_SAFE_NO_PAD.encode(random))
}

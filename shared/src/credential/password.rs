//! Passwords: usernames normalised, passwords hashed with argon2id.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use super::CredentialKind;
use crate::identity::SubjectId;

/// Characters of a username, after normalisation.
const USERNAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=128;

/// Bytes of a password. Not shorter than NIST SP 800-63B allows; longer ones would only make hashing dearer.
const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 8..=1024;

/// Memory in KiB, passes, lanes: the first choice of the OWASP Password Storage Cheat Sheet (19 MiB, t=2, p=1).
const ARGON2ID: (u32, u32, u32) = (19 * 1024, 2, 1);

/// The hash of a password nobody has, with the parameters above: an unknown user costs what a wrong password costs.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2Vzc2lvbi1rZWVwYWxpdmU$T40p2cDVWEwV6Sno1yrY9l2B4eiOyZ/FEZNyDlq6Ja4";

/// A name that two spellings of the same user share: NFKC, lower case (ASVS 6.2.8: normalise, then validate, then compare).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// A password as it was typed: never trimmed, cut or normalised.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

/// Why a username or a password cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// See [`Username::parse`].
    #[error("must have 1 to 128 characters, none of them a control character")]
    Username,
    /// See [`Password::parse`].
    #[error("must have 8 to 1024 bytes")]
    Password,
}

/// The hasher failed, for want of memory or because the stored hash is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct HashingFailed(argon2::password_hash::Error);

impl Username {
    /// Normalises `text` and checks what came out.
    ///
    /// # Errors
    /// [`Malformed::Username`] when it is empty, longer than 128 characters or has control characters.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let name: String = text.nfkc().collect::<String>().to_lowercase().nfkc().collect();
        let well_formed = USERNAME_CHARACTERS.contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if well_formed { Ok(Self(name)) } else { Err(Malformed::Username) }
    }

    /// The name, normalised.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The user of that name.
    #[must_use]
    pub fn subject(&self) -> SubjectId {
        SubjectId::of(CredentialKind::Password.as_str(), "", &self.0)
    }
}

impl Password {
    /// Takes a password of 8 to 1,024 bytes.
    ///
    /// # Errors
    /// [`Malformed::Password`] when it is shorter or longer.
    pub fn parse(text: SecretString) -> Result<Self, Malformed> {
        if PASSWORD_BYTES.contains(&text.expose_secret().len()) { Ok(Self(text)) } else { Err(Malformed::Password) }
    }

    /// The password itself, to be sealed.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The hash to store, as a PHC string.
    ///
    /// # Errors
    /// [`HashingFailed`] when there is not enough memory.
    pub fn hash(&self, salt: &[u8; 16]) -> Result<String, HashingFailed> {
        let hash = hasher()?.hash_password_with_salt(self.0.expose_secret().as_bytes(), salt).map_err(HashingFailed)?;
        Ok(hash.to_string())
    }

    /// Whether this is the password that was stored as `hash`; `None` is a user who does not exist, at the same cost.
    ///
    /// # Errors
    /// [`HashingFailed`] when there is not enough memory or the stored hash is damaged.
    pub fn matches(&self, hash: Option<&str>) -> Result<bool, HashingFailed> {
        let known = hash.is_some();
        let hash = PasswordHash::new(hash.unwrap_or(NOBODY))
            .map_err(|_| HashingFailed(argon2::password_hash::Error::EncodingInvalid))?;
        match hasher()?.verify_password(self.0.expose_secret().as_bytes(), &hash) {
            Ok(()) => Ok(known),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(HashingFailed(error)),
        }
    }
}

fn hasher() -> Result<Argon2<'static>, HashingFailed> {
    let (memory, passes, lanes) = ARGON2ID;
    let params = Params::new(memory, passes, lanes, None)
        .map_err(|_| HashingFailed(argon2::password_hash::Error::ParamsInvalid))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text.into()).unwrap()
    }

    #[test]
    fn two_spellings_of_a_name_are_one_user() {
        let subject = |name| Username::parse(name).unwrap().subject();
        for spelling in ["Ada", "ada", "ＡＤＡ", "aDa"] {
            assert_eq!(subject(spelling), subject("ada"), "{spelling}");
        }
        assert_ne!(subject("ada"), subject("adа"), "the last letter is Cyrillic");
    }

    #[test]
    fn a_username_has_1_to_128_characters_and_no_control_characters() {
        let long = "é".repeat(128);
        for (name, taken) in [
            ("a", true),
            ("", false),
            (long.as_str(), true),
            (&format!("{long}x"), false),
            ("a b", true),
            ("a\nb", false),
            ("a\0", false),
        ] {
            assert_eq!(Username::parse(name).is_ok(), taken, "{name:?}");
        }
    }

    #[test]
    fn a_password_has_8_to_1024_bytes() {
        for (length, taken) in [(7, false), (8, true), (1024, true), (1025, false)] {
            assert_eq!(Password::parse("x".repeat(length).into()).is_ok(), taken, "{length} bytes");
        }
    }

    #[test]
    fn only_the_exact_bytes_match() {
        let hash = password("correct horse").hash(&[3; 16]).unwrap();
        for (attempt, matches) in [("correct horse", true), ("correct horse ", false), ("Correct horse", false)] {
            assert_eq!(password(attempt).matches(Some(&hash)), Ok(matches), "{attempt:?}");
        }
    }

    #[test]
    fn an_unknown_user_costs_the_work_of_a_wrong_password_and_never_matches() {
        let parameters = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let stored = password("correct horse").hash(&[3; 16]).unwrap();
        assert_eq!(parameters(NOBODY), parameters(&stored));
        assert_eq!(parameters(NOBODY), ["", "argon2id", "v=19", "m=19456,t=2,p=1"]);
        let work = |hash: &str| hash.split('$').next_back().map(str::len);
        assert_eq!(work(NOBODY), work(&stored));
        assert_eq!(password("password of nobody").matches(None), Ok(false));
    }

    #[test]
    fn a_password_is_not_shown() {
        assert!(!format!("{:?}", password("correct horse")).contains("horse"));
    }
}

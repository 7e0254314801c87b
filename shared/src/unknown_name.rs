//! Names from sets that newer builds make larger: reasons of an end, kinds of credential.

use tinystr::TinyAsciiStr;

/// The longest name, in characters: twice the longest that is planned, and short beside an item of 1,024 bytes.
const LONGEST: usize = 32;

/// A name that means nothing to this build, as a newer one wrote it: 1 to 32 of `A-Z`, `a-z`, `0-9`, `_` and `-`, so that
/// it can stand in an answer and in a log as it is. Not in a metric: those are counted by names that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownName(TinyAsciiStr<LONGEST>);

/// The text is no name of any build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a name")]
pub struct NotAName;

impl UnknownName {
    /// Takes a text for a name.
    ///
    /// # Errors
    /// [`NotAName`] when it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let well_formed = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let name = TinyAsciiStr::try_from_str(text).ok().filter(|name| well_formed && !name.is_empty());
        name.map(Self).ok_or(NotAName)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_32_letters_digits_underscores_and_hyphens() {
        let longest = "x".repeat(32);
        for (text, taken) in [
            ("password_changed", true),
            ("idToken2", true),
            (&longest, true),
            (&format!("{longest}x"), false),
            ("", false),
            ("a b", false),
            ("a-b", true),
            ("a\"b", false),
            ("a\0", false),
            ("é", false),
        ] {
            let parsed = UnknownName::parse(text);
            assert_eq!(
                parsed.as_ref().map(UnknownName::as_str),
                if taken { Ok(text) } else { Err(&NotAName) },
                "{text:?}"
            );
        }
    }
}

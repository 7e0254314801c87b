//! Request bodies: JSON objects, read strictly.

use std::{collections::HashSet, fmt};

use lambda_http::{Body, Request, http::header::CONTENT_TYPE};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_path_to_error::{Path, Segment};

use crate::{
    error::{SessionError, Violation},
    lifecycle::Activity,
};

/// Bytes of a body. The longest valid one has about 6 KiB.
pub(super) const LONGEST: usize = 16 * 1024;

/// Objects inside objects.
const DEEPEST: usize = 16;

/// The member `lastActiveMsAgo`: milliseconds, `null`, or not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastActive {
    /// Not there.
    #[default]
    Absent,
    /// `null`: nobody was there.
    Nobody,
    /// Somebody was there this many milliseconds ago.
    MsAgo(u64),
}

impl LastActive {
    /// What it says about the user's presence; `absent` is what its absence says.
    #[must_use]
    pub fn or(self, absent: Activity) -> Activity {
        match self {
            Self::Absent => absent,
            Self::Nobody => Activity::None,
            Self::MsAgo(millis) => Activity::Ago(std::time::Duration::from_millis(millis)),
        }
    }
}

impl<'de> Deserialize<'de> for LastActive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map_or(Self::Nobody, Self::MsAgo))
    }
}

/// The body as a `T`; `None` when it is empty.
///
/// # Errors
/// [`SessionError::BodyTooLarge`] over 16 KiB, [`SessionError::UnsupportedMediaType`] when it is not declared as JSON, and
/// [`SessionError::Invalid`] for anything that is not exactly one such object: unknown or duplicate keys, arrays, trailing
/// bytes, or nesting deeper than 16.
pub fn json<T: DeserializeOwned>(request: &Request) -> Result<Option<T>, SessionError> {
    let bytes: &[u8] = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() > LONGEST {
        return Err(SessionError::BodyTooLarge);
    }
    if !declares_json(request) {
        return Err(SessionError::UnsupportedMediaType);
    }
    // First the shape, which `T` alone would not hold to: its deserializer takes an array for a struct.
    let mut shape = serde_json::Deserializer::from_slice(bytes);
    Objects { depth: 0 }.deserialize(&mut shape).and_then(|()| shape.end()).map_err(|error| malformed(&error))?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut deserializer);
    read.map(Some).map_err(|error| SessionError::Invalid(vec![violation(error.path(), error.inner())]))
}

fn declares_json(request: &Request) -> bool {
    let mut values = request.headers().get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let json = parts.next().is_some_and(|essence| essence == "application/json");
    json && parts.all(|parameter| matches!(parameter.as_str(), "charset=utf-8" | "charset=\"utf-8\""))
}

fn malformed(error: &serde_json::Error) -> SessionError {
    let text = error.to_string();
    let broken = [Objects::ARRAY, Objects::DEEP, Objects::DUPLICATE].into_iter().find(|broken| text.contains(broken));
    SessionError::invalid("", broken.unwrap_or("must be one JSON object in UTF-8"))
}

/// What is wrong and where, without the value: it may be a secret.
fn violation(path: &Path, error: &serde_json::Error) -> Violation {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let detail = match text.split_once(", ") {
        Some((what, expected)) if what.starts_with("unknown variant") => expected.replacen("expected", "must be", 1),
        Some((what, _)) if what.starts_with("unknown field") => what.to_owned(),
        None if text.starts_with("missing field") => text.to_owned(),
        _ => "has the wrong type or is out of range".to_owned(),
    };
    Violation { pointer: pointer(path), detail }
}

/// RFC 6901.
fn pointer(path: &Path) -> String {
    let token = |segment: &Segment| match segment {
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Seq { index } => format!("/{index}"),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(token).collect()
}

/// Accepts scalars and objects without duplicate keys, not too deep, and no arrays: no request of the contract has one.
struct Objects {
    depth: usize,
}

impl Objects {
    const ARRAY: &'static str = "must not contain an array";
    const DEEP: &'static str = "must not be nested deeper than 16";
    const DUPLICATE: &'static str = "must not contain a key twice";
}

impl<'de> DeserializeSeed<'de> for Objects {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Objects {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a scalar")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.depth == DEEPEST {
            return Err(A::Error::custom(Self::DEEP));
        }
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom(Self::DUPLICATE));
            }
            map.next_value_seed(Self { depth: self.depth + 1 })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom(Self::ARRAY))
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;

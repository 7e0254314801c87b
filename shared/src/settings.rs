//! Settings: the only reader of the environment. Everything else gets a map, so tests pass one.

use std::collections::BTreeMap;

/// Names and values of settings, as the environment of the process holds them.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

/// A setting that stops the start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// Required, and not there.
    #[error("{0} must be set")]
    Missing(&'static str),
    /// There, and not readable. The value is left out: it may be a secret in the wrong place.
    #[error("{name} {problem}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// What its value must be.
        problem: &'static str,
    },
    /// Two settings that cannot both be true.
    #[error("{first} must be {must_be} {second}")]
    Contradiction {
        /// The setting that is out of bounds.
        first: &'static str,
        /// How it must relate to the other.
        must_be: &'static str,
        /// The setting that bounds it.
        second: &'static str,
    },
}

impl SettingError {
    pub(crate) const fn invalid(name: &'static str, problem: &'static str) -> Self {
        Self::Invalid { name, problem }
    }
}

impl Variables {
    /// The environment of this process. Variables that are not UTF-8 count as unset.
    #[must_use]
    pub fn from_environment() -> Self {
        let texts =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(texts.collect())
    }

    /// The value of `name`; an empty one counts as unset, because templates cannot leave a variable out.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// [`SettingError::Missing`] when it is not set.
    pub fn required(&self, name: &'static str) -> Result<&str, SettingError> {
        self.get(name).ok_or(SettingError::Missing(name))
    }

    /// The value of `name` split at commas, each part trimmed.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.get(name).map(|value| value.split(',').map(str::trim).collect())
    }

    /// Every variable and its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets `name`, in place of any value it had.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Variables {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_counts_as_unset() {
        let variables = Variables::from_iter([("EMPTY", ""), ("SET", " a , b ")]);
        assert_eq!(variables.get("EMPTY"), None);
        assert_eq!(variables.required("EMPTY"), Err(SettingError::Missing("EMPTY")));
        assert_eq!(variables.list("SET"), Some(vec!["a", "b"]));
    }
}

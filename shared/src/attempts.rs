//! How many refused credentials are too many (ASVS 6.3.1): counted in windows, beyond the limit one try after ever
//! longer waits. Pure rules: no I/O, no clock.

use std::time::Duration;

use crate::{
    settings::{SettingError, Variables},
    unix_time::UnixMillis,
};

/// How long failures are counted together.
const WINDOW: Duration = Duration::from_mins(15);

/// The wait after the failure that reached the limit; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// Failures in one window after which the next try has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimits {
    /// Of one identity, or of one device that the identity is known to use.
    pub per_identity: u64,
    /// From one network.
    pub per_network: u64,
    /// Against one database server.
    pub per_host: u64,
}

/// The window that an instant lies in.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The instant.
    pub now: UnixMillis,
}

/// The failures that were counted in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// When the last of them was.
    pub last_at: Option<UnixMillis>,
}

impl AttemptLimits {
    /// Reads the three limits.
    ///
    /// # Errors
    /// [`SettingError`] when one of them is not a whole number from 1 on.
    pub fn from_settings(variables: &Variables) -> Result<Self, SettingError> {
        let limit = |name: &'static str, default: u64| match variables.get(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| *limit > 0)
                .ok_or(SettingError::invalid(name, "must be a whole number from 1 on")),
        };
        Ok(Self {
            per_identity: limit("CONNECT_ATTEMPTS_PER_IDENTITY", 10)?,
            per_network: limit("CONNECT_ATTEMPTS_PER_NETWORK", 100)?,
            per_host: limit("CONNECT_ATTEMPTS_PER_HOST", 30)?,
        })
    }
}

impl Window {
    /// Its first second since the epoch.
    #[must_use]
    pub fn start_seconds(self) -> u64 {
        self.now.floor_seconds() / WINDOW.as_secs() * WINDOW.as_secs()
    }

    /// The first instant of the next one.
    fn end(self) -> UnixMillis {
        UnixMillis::from_millis(self.start_seconds() * 1000).after(WINDOW)
    }

    /// When its counts may be forgotten.
    #[must_use]
    pub fn forgotten_at(self) -> UnixMillis {
        self.end().after(WINDOW)
    }
}

impl Failures {
    /// How long the next try has to wait, if it has to. The next window starts afresh.
    #[must_use]
    pub fn wait(self, limit: u64, window: Window) -> Option<Duration> {
        let beyond = u32::try_from(self.count.checked_sub(limit)?).unwrap_or(u32::MAX);
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(beyond)).min(WINDOW);
        let due = self.last_at.unwrap_or(window.now).after(wait).min(window.end());
        (due > window.now).then(|| due.since(window.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10:00:00 and this many seconds.
    fn at(seconds: u64) -> UnixMillis {
        UnixMillis::from_millis(1_795_255_200_000).after(Duration::from_secs(seconds))
    }

    #[test]
    fn beyond_the_limit_each_failure_doubles_the_wait() {
        for (count, now, wait) in [
            (9, 0, None),
            (10, 0, Some(30)),
            (10, 29, Some(1)),
            (10, 30, None),
            (11, 30, Some(30)),
            (11, 60, None),
            (12, 0, Some(120)),
            (14, 0, Some(480)),
            (200, 0, Some(900)),
        ] {
            let failures = Failures { count, last_at: Some(at(0)) };
            let waited = failures.wait(10, Window { now: at(now) }).map(|wait| wait.as_secs());
            assert_eq!(waited, wait, "{count} failures, {now} s after the last");
        }
    }

    #[test]
    fn no_wait_is_longer_than_the_window() {
        let failures = Failures { count: 14, last_at: Some(at(890)) };
        assert_eq!(failures.wait(10, Window { now: at(890) }), Some(Duration::from_secs(10)));
        assert_eq!(Window { now: at(899) }.start_seconds(), at(0).floor_seconds());
        assert_eq!(Window { now: at(900) }.start_seconds(), at(900).floor_seconds());
    }

    #[test]
    fn a_limit_is_a_whole_number_from_1_on() {
        let limits =
            |value| AttemptLimits::from_settings(&[("CONNECT_ATTEMPTS_PER_HOST", value)].into_iter().collect());
        let defaults = AttemptLimits { per_identity: 10, per_network: 100, per_host: 30 };
        assert_eq!(limits(""), Ok(defaults));
        assert_eq!(limits("1"), Ok(AttemptLimits { per_host: 1, ..defaults }));
        for odd in ["0", "-1", "ten", "1.5"] {
            let error = limits(odd).unwrap_err().to_string();
            assert_eq!(error, "CONNECT_ATTEMPTS_PER_HOST must be a whole number from 1 on", "{odd}");
        }
    }
}

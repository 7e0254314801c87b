//! Instants in milliseconds since the Unix epoch; the only reader of the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// An instant: whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(u64);

/// A text that is not an instant in the one form that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 instant in UTC")]
pub struct MalformedInstant;

impl UnixMillis {
    /// The instant of this call. Taken once per request, at its edge, and handed down.
    #[must_use]
    pub fn now() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since_epoch.map_or(0, millis))
    }

    /// The instant `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: for claims that say "from".
    #[must_use]
    pub const fn floor_seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Whole seconds since the epoch, rounded up: for claims and TTLs that say "until".
    #[must_use]
    pub const fn ceil_seconds(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// This instant moved `by` later; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// This instant moved `by` earlier; stops at the epoch.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }

    /// How long after `earlier` this instant is; zero when it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC with milliseconds, e.g. `2026-11-21T10:00:00.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        // humantime refuses years after 9999; no stored instant gets there.
        let instant = UNIX_EPOCH + Duration::from_millis(self.0.min(253_402_300_799_999));
        humantime::format_rfc3339_millis(instant).to_string()
    }

    /// Reads RFC 3339 in UTC, e.g. `2026-11-21T10:00:00Z`; anything below a millisecond is cut off.
    ///
    /// # Errors
    /// [`MalformedInstant`] for anything else, other time zones and years before 1970 included.
    pub fn parse_rfc3339(text: &str) -> Result<Self, MalformedInstant> {
        let instant = humantime::parse_rfc3339(text).map_err(|_| MalformedInstant)?;
        instant.duration_since(UNIX_EPOCH).map(|since_epoch| Self(millis(since_epoch))).map_err(|_| MalformedInstant)
    }
}

/// Whole milliseconds of a duration, as the wire and the table count.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_down_for_starts_and_up_for_ends() {
        for (at, down, up) in [(1_000, 1, 1), (1_001, 1, 2), (1_999, 1, 2)] {
            let at = UnixMillis::from_millis(at);
            assert_eq!((at.floor_seconds(), at.ceil_seconds()), (down, up), "{at:?}");
        }
    }

    #[test]
    fn a_clock_that_runs_backwards_gives_no_negative_age() {
        let (early, late) = (UnixMillis::from_millis(5), UnixMillis::from_millis(9));
        assert_eq!(late.since(early), Duration::from_millis(4));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn an_instant_is_written_as_rfc_3339_even_at_the_end_of_time() {
        for (at, text) in [(1_795_255_200_000, "2026-11-21T10:00:00.000Z"), (u64::MAX, "9999-12-31T23:59:59.999Z")] {
            assert_eq!(UnixMillis::from_millis(at).to_rfc3339(), text);
        }
    }

    #[test]
    fn an_instant_is_read_in_utc_only() {
        for (text, at) in [
            ("2026-11-21T10:00:00Z", Some(1_795_255_200_000)),
            ("2026-11-21T10:00:00+00:00", Some(1_795_255_200_000)),
            ("2026-11-21T10:00:00.0019Z", Some(1_795_255_200_001)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-11-21T10:00:00+02:00", None),
            ("2026-11-21 10:00:00Z", None),
            ("2026-11-31T10:00:00Z", None),
            ("2026-11-21", None),
            ("tomorrow", None),
        ] {
            assert_eq!(UnixMillis::parse_rfc3339(text).ok(), at.map(UnixMillis::from_millis), "{text}");
        }
    }
}

//! The wall clock of a process: as it is, moved, or faster. Monotonic clocks are left alone, because time-outs are
//! meant in our time.

use std::time::Duration;

use session::settings::Variables;
use tokio::process::Command;

/// Where Debian's package `faketime` puts what replaces the wall clock; the loader replaces `$LIB`.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";

/// What moves the clock of this process, and of those that are to have the same one.
const NAMES: [&str; 3] = ["LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"];

/// The wall clock of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Clock {
    /// The one that the starting process has, moved or not.
    #[default]
    Same,
    /// Ahead of that of the starting process, in seconds; negative: behind it.
    Moved(f64),
    /// Ahead of that of the starting process at the start, and so many times as fast from then on.
    Faster {
        /// Ahead at the start.
        ahead: Duration,
        /// How many times as fast.
        speed: u32,
    },
}

impl Clock {
    /// What a process needs in its environment to have this clock.
    #[must_use]
    pub fn environment(self) -> Variables {
        let moved = |specification: String| {
            let mut moved = Variables::default();
            for (name, value) in NAMES.into_iter().zip([FAKETIME.to_owned(), specification, "1".to_owned()]) {
                moved.set(name, value);
            }
            moved
        };
        let own = Variables::from_environment();
        // The only form in which the tests' own clock is moved.
        let moved_already = own.get("FAKETIME").and_then(|moved| moved.strip_suffix('s')?.parse().ok()).unwrap_or(0.0);
        match self {
            Self::Same => own.iter().filter(|(name, _)| NAMES.contains(name)).collect(),
            Self::Moved(seconds) => moved(format!("{:+.3}s", moved_already + seconds)),
            Self::Faster { ahead, speed } => moved(format!("{:+.3}s x{speed}", moved_already + ahead.as_secs_f64())),
        }
    }
}

/// Whether the wall clock of a process can be moved here; CI accepts no machine without it.
///
/// # Panics
/// In CI, where it cannot.
#[must_use]
#[expect(clippy::print_stdout, reason = "a test that leaves something out says so")]
pub fn can_be_moved() -> bool {
    let found = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .any(|folder| folder.path().join("faketime/libfaketimeMT.so.1").exists());
    assert!(found || Variables::from_environment().get("CI").is_none(), "the package faketime is not installed");
    if !found {
        println!("left out: clocks that differ, because the package faketime is not installed");
    }
    found
}

/// Gives a tool that is no part of what is tested (a compiler, a database, a browser) the machine's own clock.
pub fn of_this_machine(command: &mut Command) -> &mut Command {
    NAMES.into_iter().fold(command, Command::env_remove)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn seconds(clock: Clock) -> f64 {
        let mut date = Command::new("date");
        date.arg("+%s").env_clear().env("PATH", "/usr/bin:/bin").envs(clock.environment().iter());
        let told = date.output().await.unwrap();
        String::from_utf8(told.stdout).unwrap().trim().parse().unwrap()
    }

    #[tokio::test]
    async fn a_moved_clock_is_ahead_or_behind_by_what_was_asked_for() {
        if !can_be_moved() {
            return;
        }
        for (clock, ahead) in [
            (Clock::Moved(86_400.0), 86_400.0),
            (Clock::Moved(-3_600.0), -3_600.0),
            (Clock::Faster { ahead: Duration::from_secs(7_200), speed: 1 }, 7_200.0),
        ] {
            let difference = seconds(clock).await - seconds(Clock::Same).await;
            assert!((difference - ahead).abs() <= 60.0, "{clock:?}: {difference}");
        }
    }
}

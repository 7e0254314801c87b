//! What a genuine token means for the chain it belongs to.

use std::time::Duration;

use super::{Rotates, RotatingToken, SecretHash};
use crate::unix_time::UnixMillis;

/// Where a chain of rotating tokens stands, as the table keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Counts rotations; 1 at the beginning.
    pub generation: u64,
    /// The hash of the one secret that rotates it.
    pub current: SecretHash,
    /// When the current generation began.
    pub rotated_at: UnixMillis,
}

/// What a genuine token means.
#[derive(Debug)]
pub enum Verdict<'a, Id> {
    /// It is the one that rotates the chain.
    Current,
    /// The answer to an earlier request was lost: give this token again.
    Replay(&'a RotatingToken<Id>),
    /// Another request rotated the token a moment ago.
    Race,
    /// The token is newer than the record: the table was restored.
    Ahead,
    /// Somebody holds a token that was replaced long ago.
    Reuse,
}

impl Rotation {
    /// Judges a token and the successors that the request could have led to. The order matters: a replay is never taken
    /// for a race, nor a race for theft.
    #[must_use]
    pub fn judge<'a, Id: Rotates>(
        &self,
        token: &RotatingToken<Id>,
        mut successors: impl Iterator<Item = &'a RotatingToken<Id>>,
        race_window: Duration,
        now: UnixMillis,
    ) -> Verdict<'a, Id> {
        if let Some(successor) = successors.find(|successor| self.current.is_of(successor)) {
            return Verdict::Replay(successor);
        }
        if self.current.is_of(token) {
            return Verdict::Current;
        }
        if token.generation >= self.generation {
            return Verdict::Ahead;
        }
        let direct_predecessor = token.generation + 1 == self.generation;
        if direct_predecessor && now.since(self.rotated_at) <= race_window { Verdict::Race } else { Verdict::Reuse }
    }
}

#[cfg(test)]
mod tests;

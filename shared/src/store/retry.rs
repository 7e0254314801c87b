//! Conflicts between transactions: the SDK retries throttling and lost connections, but neither a cancelled transaction
//! nor an update that met one.

use std::{future::Future, time::Duration};

use crate::random;

/// How often a request that met another transaction is sent again.
const RETRIES: u32 = 3;

/// How often one request may lose against others that change the same user's sessions before it gives up.
pub(crate) const LOSSES: u32 = 8;

/// The longest first pause; doubled for each further one. A transaction holds its items for a few milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Sends a request until it met no other transaction, at most four times in all; the last answer is returned as it is.
pub(super) async fn past_conflicts<T, E, F: Future<Output = Result<T, E>>>(
    send: impl Fn() -> F,
    is_conflict: impl Fn(&E) -> bool,
) -> Result<T, E> {
    for attempt in 0..RETRIES {
        match send().await {
            Err(error) if is_conflict(&error) => pause(attempt).await,
            answer => return answer,
        }
    }
    send().await
}

/// Waits a random part of a time that doubles with every attempt (full jitter), so that those who met part ways.
pub(crate) async fn pause(attempt: u32) {
    // Without randomness everybody waits the full time: slower, not wrong.
    let share = random::bytes::<1>().map_or(1.0, |[byte]| f64::from(byte) / 255.0);
    tokio::time::sleep(FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt)).mul_f64(share)).await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_conflict_is_met_four_times_and_then_reported() {
        for (conflicts, sent, answer) in
            [(0, 1, Ok(())), (3, 4, Ok(())), (4, 4, Err("conflict")), (9, 4, Err("conflict"))]
        {
            let count = Cell::new(0);
            let send = || {
                count.set(count.get() + 1);
                let answer = if count.get() <= conflicts { Err("conflict") } else { Ok(()) };
                async move { answer }
            };
            assert_eq!(past_conflicts(send, |_| true).await, answer, "{conflicts} conflicts");
            assert_eq!(count.get(), sent, "{conflicts} conflicts");
        }
    }

    #[tokio::test]
    async fn any_other_error_is_not_retried() {
        let count = Cell::new(0);
        let send = || {
            count.set(count.get() + 1);
            async { Err::<(), _>("throttled") }
        };
        assert_eq!(past_conflicts(send, |_| false).await, Err("throttled"));
        assert_eq!(count.get(), 1);
    }
}

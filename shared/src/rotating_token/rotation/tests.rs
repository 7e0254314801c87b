use super::*;
use crate::{
    identity::{SessionId, SubjectId},
    keys::{KeyRing, tests::ring},
    rotating_token::{Nonce, RefreshToken},
};

const WINDOW: Duration = Duration::from_secs(60);

fn nonce(name: &str) -> Nonce {
    Nonce::parse(&format!("{name:-<16}")).unwrap()
}

/// The first `count` generations of a session, each rotated with the nonce "used".
fn generations(ring: &KeyRing, count: usize) -> Vec<RefreshToken> {
    let keys = ring.current();
    let id = SessionId::new(UnixMillis::from_millis(1_000_000), &[1; 10]);
    let first = RotatingToken::first(keys, SubjectId::of("password", "", "ada"), id, [5; 32]);
    std::iter::successors(Some(first), |token| Some(token.successor(keys, &nonce("used")))).take(count).collect()
}

fn judged(rotation: &Rotation, token: &RefreshToken, ring: &KeyRing, sent: &[&str], now: UnixMillis) -> String {
    let successors: Vec<_> = sent.iter().map(|name| token.successor(ring.current(), &nonce(name))).collect();
    match rotation.judge(token, successors.iter(), WINDOW, now) {
        Verdict::Replay(successor) => {
            assert!(rotation.current.is_of(successor));
            "replay".to_owned()
        }
        verdict => format!("{verdict:?}"),
    }
}

#[test]
fn a_genuine_token_is_judged_by_generation_nonce_and_age() {
    let ring = ring("one", &[]);
    let tokens = generations(&ring, 4);
    let rotated_at = UnixMillis::from_millis(1_000_000);
    let at_third = Rotation { generation: 3, current: tokens[2].hash(), rotated_at };
    let after = |seconds| rotated_at.after(Duration::from_secs(seconds));
    for (token, sent, now, verdict) in [
        // The answer was lost: the same nonce gives the same token, however late.
        (1, vec!["used"], after(0), "replay"),
        (1, vec!["used"], after(86_400), "replay"),
        (1, vec!["fresh", "older", "used"], after(86_400), "replay"),
        // Another nonce is a race inside the window, and theft after it.
        (1, vec!["fresh"], after(60), "Race"),
        (1, vec!["fresh"], rotated_at.after(Duration::from_millis(60_001)), "Reuse"),
        // The other machine's clock is ahead: an age below zero is zero.
        (1, vec!["fresh"], rotated_at.before(Duration::from_secs(90)), "Race"),
        // Two generations old is theft, whatever the nonce.
        (0, vec!["used"], after(0), "Reuse"),
        (0, vec!["fresh"], after(0), "Reuse"),
        (2, vec!["fresh"], after(0), "Current"),
        // Newer than the record: the table was restored.
        (3, vec!["fresh"], after(0), "Ahead"),
    ] {
        let judged = judged(&at_third, &tokens[token], &ring, &sent, now);
        assert_eq!(judged, verdict, "generation {} with {sent:?} at {now:?}", token + 1);
    }
}

#[test]
fn a_record_that_forked_from_the_token_is_not_taken_for_theft() {
    let ring = ring("one", &[]);
    let tokens = generations(&ring, 3);
    let fork = tokens[1].successor(ring.current(), &nonce("other"));
    let rotation = Rotation { generation: 3, current: fork.hash(), rotated_at: UnixMillis::from_millis(1_000_000) };
    assert_eq!(judged(&rotation, &tokens[2], &ring, &["fresh"], rotation.rotated_at), "Ahead");
}

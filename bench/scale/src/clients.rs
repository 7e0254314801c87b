//! The clients: a process of Node with the client as it is published, in time that runs faster.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use bench::Outcome;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{
    day::{ARRIVED, LAST},
    plot::{Series, Shade},
};

/// Minutes in which requests are counted together.
pub(crate) const BIN_MINUTES: f64 = 0.25;
const ANSWERED: &str = "answered";

/// Clients that live.
pub(crate) struct Clients {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What they told at the end.
#[derive(Deserialize)]
pub(crate) struct Lived {
    /// Requests sent in each bin, by route and outcome.
    tally: BTreeMap<String, Vec<u32>>,
    /// How many clients were in which state.
    pub(crate) states: BTreeMap<String, u64>,
    /// Sessions that clients took for ended. Nobody logged out, and nobody was away for long enough.
    pub(crate) endings: Vec<Value>,
    /// Clients that could not connect, and why.
    pub(crate) refused: Vec<String>,
}

impl Clients {
    /// Lets `number` of them arrive at `url`; returns when the first does.
    pub(crate) async fn start(url: &str, number: u64, speed: u32) -> Outcome<Self> {
        let minutes = |minutes: f64| minutes * 60_000.0;
        let options = json!({
            "baseUrl": url, "clients": number, "speed": speed,
            "arriveMs": minutes(ARRIVED), "lastMs": minutes(LAST), "binMs": minutes(BIN_MINUTES),
        });
        let mut child = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/main.mjs"))
            .arg(options.to_string())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        match lines.next_line().await?.as_deref() {
            Some("begun") => Ok(Self { child, lines }),
            _ => Err("the clients did not start".into()),
        }
    }

    /// Waits until their time is over.
    pub(crate) async fn lived(mut self) -> Outcome<Lived> {
        let told = self.lines.next_line().await?.ok_or("the clients are gone")?;
        self.child.wait().await?;
        Ok(serde_json::from_str(&told)?)
    }
}

impl Lived {
    /// Requests a second that were sent in each bin and satisfy a condition on the route and the outcome.
    pub(crate) fn rate(&self, which: impl Fn(&str, &str) -> bool) -> Vec<f64> {
        let mut sums = vec![0.0; bin(LAST)];
        for (name, counts) in &self.tally {
            let (route, outcome) = name.split_once(' ').unwrap_or_default();
            if which(route, outcome) {
                for (sum, count) in sums.iter_mut().zip(counts) {
                    *sum += f64::from(*count) / (BIN_MINUTES * 60.0);
                }
            }
        }
        sums
    }

    /// The mean rate of all requests between two minutes.
    pub(crate) fn mean(&self, from: f64, to: f64) -> f64 {
        let rate = self.rate(|_, _| true);
        let bins = rate.get(bin(from)..bin(to)).unwrap_or_default();
        bins.iter().sum::<f64>() / (to - from) * BIN_MINUTES
    }

    /// The highest mean rate of all requests in any minute between two.
    pub(crate) fn peak(&self, from: f64, to: f64) -> f64 {
        let rate = self.rate(|_, _| true);
        let minutes = rate.get(bin(from)..bin(to)).unwrap_or_default().windows(bin(1.0));
        minutes.map(|bins| bins.iter().sum::<f64>() * BIN_MINUTES).fold(0.0, f64::max)
    }

    /// How many requests of a kind were answered as they should.
    pub(crate) fn answered(&self, route: &str) -> u64 {
        let counts = self.tally.get(&format!("{route} {ANSWERED}"));
        counts.into_iter().flatten().copied().map(u64::from).sum()
    }

    /// Requests by their outcome, other than those that were answered as they should.
    pub(crate) fn failed(&self) -> BTreeMap<&str, u64> {
        let failed = self.tally.iter().filter(|(name, _)| !name.ends_with(ANSWERED));
        failed.map(|(name, counts)| (name.as_str(), counts.iter().copied().map(u64::from).sum())).collect()
    }

    /// What is plotted.
    pub(crate) fn series(&self) -> Vec<Series> {
        let series = |name, shade, rate| Series { name, shade, rate };
        vec![
            series("all that were sent", Shade::Dark, self.rate(|_, _| true)),
            series(
                "validate-session",
                Shade::Blue,
                self.rate(|route, how| route == "validate-session" && how == ANSWERED),
            ),
            series("refresh", Shade::Green, self.rate(|route, how| route == "refresh" && how == ANSWERED)),
            series("not answered", Shade::Red, self.rate(|_, how| how != ANSWERED)),
        ]
    }

    /// What should not have happened.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(first) = self.endings.first() {
            wrong.push(format!("{} sessions were taken for ended, the first: {first}", self.endings.len()));
        }
        if let Some(first) = self.refused.first() {
            wrong.push(format!("{} clients could not connect, the first: {first}", self.refused.len()));
        }
        wrong
    }
}

/// The bin that begins at a minute.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred, never below zero")]
fn bin(minute: f64) -> usize {
    (minute / BIN_MINUTES) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lived(endings: &Value) -> Lived {
        let told = json!({
            "tally": {
                "refresh answered": [15, 15, 15, 15, 0, 0, 0, 0],
                "refresh not reached": [0, 0, 0, 30, 30],
                "validate-session answered": [0, 30],
            },
            "states": { "active": 2 },
            "endings": endings,
            "refused": [],
        });
        serde_json::from_value(told).unwrap()
    }

    #[test]
    fn rates_are_requests_a_second_of_what_was_asked_for() {
        let lived = lived(&json!([]));
        let first = |which: &dyn Fn(&str, &str) -> bool| lived.rate(which).into_iter().take(5).collect::<Vec<_>>();
        assert_eq!(first(&|route, _| route == "refresh"), [1.0, 1.0, 1.0, 3.0, 2.0]);
        assert_eq!(first(&|_, how| how != ANSWERED), [0.0, 0.0, 0.0, 2.0, 2.0]);
        assert_eq!(lived.rate(|_, _| true).len(), 240);
        assert_eq!([lived.answered("refresh"), lived.answered("connect")], [60, 0]);
        assert_eq!(lived.failed(), BTreeMap::from([("refresh not reached", 60)]));
    }

    #[test]
    fn the_mean_is_that_of_a_time_and_the_peak_that_of_its_busiest_minute() {
        let lived = lived(&json!([]));
        let bits = |rate: f64| rate.to_bits();
        assert_eq!(bits(lived.mean(0.0, 1.0)), bits(2.0));
        assert_eq!(bits(lived.mean(1.0, 2.0)), bits(0.5));
        assert_eq!(bits(lived.peak(0.0, 2.0)), bits(2.25));
        assert_eq!(bits(lived.peak(0.0, 1.0)), bits(2.0));
    }

    #[test]
    fn a_session_that_a_client_takes_for_ended_is_wrong() {
        assert_eq!(lived(&json!([])).wrong(), Vec::<String>::new());
        let ended = lived(&json!([{ "reason": "unknown" }]));
        assert_eq!(ended.wrong(), [r#"1 sessions were taken for ended, the first: {"reason":"unknown"}"#]);
    }
}

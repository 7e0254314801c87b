//! The local stack in a process of its own whose wall clock runs faster.

use std::{net::SocketAddr, process::Stdio, time::Instant};

use bench::{Outcome, variant::target};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// Where Debian's package `faketime` puts what replaces the wall clock; the loader replaces `$LIB`.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";
const SECRET: &str = r#"{"current":"0123456789abcdef0123456789abcdef","previous":[]}"#;

/// A stack that can be taken away and come back at the same address, and what its clock says.
pub(crate) struct FastStack {
    /// Where the API is.
    pub(crate) url: String,
    dynamodb: SocketAddr,
    speed: u32,
    begun: Instant,
    running: Option<Child>,
}

impl FastStack {
    /// Starts one on the DynamoDB at `dynamodb`, with a clock that begins now and runs `speed` times as fast.
    pub(crate) async fn start(dynamodb: SocketAddr, speed: u32) -> Outcome<Self> {
        let mut stack = Self { url: String::new(), dynamodb, speed, begun: Instant::now(), running: None };
        stack.url = stack.run("0").await?;
        Ok(stack)
    }

    /// Kills it: connections to it are refused from now on.
    pub(crate) async fn take_away(&mut self) -> Outcome {
        if let Some(mut running) = self.running.take() {
            running.kill().await?;
        }
        Ok(())
    }

    /// Starts it again, at the time that its clock would show by now.
    pub(crate) async fn bring_back(&mut self) -> Outcome {
        let port = self.url.rsplit(':').next().unwrap_or_default().to_owned();
        self.run(&port).await.map(drop)
    }

    /// Where the API is, once it is ready.
    async fn run(&mut self, port: &str) -> Outcome<String> {
        let ahead = self.begun.elapsed() * (self.speed - 1);
        let mut child = Command::new(target().join("harness/local"))
            .args(["--port", port, "--dynamodb-endpoint", &format!("http://{}", self.dynamodb), "--memory"])
            .env("LD_PRELOAD", FAKETIME)
            .env("FAKETIME", format!("+{}s x{}", ahead.as_secs_f64(), self.speed))
            // Time-outs are meant in our time.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("SESSION_SECRET", SECRET)
            .envs([("AWS_REGION", "local"), ("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let url = loop {
            let line = lines.next_line().await?.ok_or("the local stack did not start")?;
            if line.starts_with("ready:") {
                break line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned);
            }
        };
        // Whatever it still says must go somewhere.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.running = Some(child);
        Ok(url.ok_or("no address")?)
    }
}

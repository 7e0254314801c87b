//! Drivers are run apart from the rest, because what they do is up to a server that may be hostile.

use std::io;

use tokio::{runtime::Builder, task::spawn_blocking, time::timeout};

use super::{IN_ALL, LoginFailed};

/// Runs a driver on a thread and a runtime of its own. Its panics, its busy loops and the tasks that it starts, also
/// when it is dropped, end here.
pub(super) async fn run(
    login: impl Future<Output = Result<(), LoginFailed>> + Send + 'static,
) -> Result<(), LoginFailed> {
    let apart = spawn_blocking(move || {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|error| LoginFailed::unreachable(format!("no runtime: {}", error.kind())))?;
        let late = || LoginFailed::unreachable("no answer in time");
        let ended = runtime.block_on(async { timeout(IN_ALL, login).await }).unwrap_or_else(|_| Err(late()));
        runtime.shutdown_background();
        ended
    });
    apart.await.unwrap_or_else(|_| Err(LoginFailed::untrusted("the driver gave up on what the server sent")))
}

/// What a failure to read or write says about the login. A connection that breaks says nothing; what was sent on one
/// that did not break cannot be trusted, a certificate among it.
pub(super) fn of_io(error: &io::Error) -> LoginFailed {
    use io::ErrorKind::{
        AddrNotAvailable, BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable,
        NetworkDown, NetworkUnreachable, NotConnected, TimedOut, UnexpectedEof,
    };
    let kind = error.kind();
    match kind {
        AddrNotAvailable | BrokenPipe | ConnectionAborted | ConnectionRefused | ConnectionReset | HostUnreachable
        | NetworkDown | NetworkUnreachable | NotConnected | TimedOut | UnexpectedEof => {
            LoginFailed::unreachable(kind.to_string())
        }
        kind => LoginFailed::untrusted(format!("TLS or the protocol failed: {kind}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_driver_is_a_refusal() {
        let ended = run(async { panic!("what a driver says") }).await;
        assert_eq!(ended, Err(LoginFailed::untrusted("the driver gave up on what the server sent")));
    }
}

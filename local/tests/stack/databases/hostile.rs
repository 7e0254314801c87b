//! Servers that do what no database does. A login ends in time, shows no password and sends no file.

use futures_util::future::join_all;
use session::{credential::connection_string::LoginFailed, settings::Variables};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::log_in;
use crate::{FOR_EVER, Outcome};

mod mysql;
mod postgres;

/// The password that must never be seen. Its parts are in no message of either protocol.
const PASSWORD: &str = "hunter2-hunter2";

/// What a server says next, knowing what it has heard.
type Step = fn(&[u8]) -> Vec<u8>;

/// A server that is up to no good.
struct Hostile {
    name: &'static str,
    /// Each is said, and then it listens once.
    steps: &'static [Step],
    /// Says the last step again and again.
    floods: bool,
    /// Whether the list gives leave to do without TLS.
    plaintext: bool,
    expected: Expected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Untrusted,
    Unreachable,
    /// It lets anybody in; what counts is what it has heard.
    Anything,
}

/// Everything that it hears. A client that has had enough resets the connection.
async fn converse(mut stream: TcpStream, steps: &[Step], floods: bool) -> Vec<u8> {
    let mut heard = Vec::new();
    for step in steps {
        let said = stream.write_all(&step(&heard)).await;
        if said.is_err() || stream.read_buf(&mut heard).await.is_ok_and(|read| read == 0) {
            return heard;
        }
    }
    if let Some(step) = steps.last().filter(|_| floods) {
        while stream.write_all(&step(&heard)).await.is_ok() {}
    }
    let _ = stream.read_to_end(&mut heard).await;
    heard
}

/// Starts it; what it hears until the connection is closed comes with the task.
async fn listen(steps: &'static [Step], floods: bool) -> Outcome<(u16, JoinHandle<std::io::Result<Vec<u8>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    Ok((port, tokio::spawn(async move { Ok(converse(listener.accept().await?.0, steps, floods).await) })))
}

async fn check(scheme: &str, server: &Hostile) -> Outcome {
    let (port, conversation) = listen(server.steps, server.floods).await?;
    let entry = format!("127.0.0.1:{port}{}", if server.plaintext { ";plaintext" } else { "" });
    let settings: Variables = [("CONNECT_ALLOWED_HOSTS", entry.as_str())].into_iter().collect();
    let ended = log_in(&settings, &format!("{scheme}://lovelace:{PASSWORD}@127.0.0.1:{port}/app")).await?;
    let name = format!("{scheme}: {}", server.name);
    let as_expected = match server.expected {
        Expected::Untrusted => matches!(ended, Err(LoginFailed::Untrusted { .. })),
        Expected::Unreachable => matches!(ended, Err(LoginFailed::Unreachable { .. })),
        Expected::Anything => true,
    };
    assert!(as_expected, "{name}: {ended:?}");
    // The connection is closed as soon as the login has ended: nothing lingers.
    let heard = tokio::time::timeout(FOR_EVER, conversation).await???;
    assert!(!String::from_utf8_lossy(&heard).contains("hunter2"), "{name} heard the password");
    assert!(!String::from_utf8_lossy(&heard).contains("root:"), "{name} heard a file");
    if !server.plaintext {
        assert!(!String::from_utf8_lossy(&heard).contains("lovelace"), "{name} heard the user's name");
    }
    assert!(!format!("{ended:?}").contains("hunter2"), "{name}: {ended:?}");
    Ok(())
}

async fn check_all(scheme: &str, servers: &[Hostile]) -> Outcome {
    join_all(servers.iter().map(|server| check(scheme, server))).await.into_iter().collect()
}

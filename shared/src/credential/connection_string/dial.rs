//! Connections to the one address that was checked; drivers get nothing else to dial.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, time::timeout};

use super::{LoginFailed, apart::of_io};

/// How long a server may take to accept a connection.
const TO_CONNECT: Duration = Duration::from_secs(2);

/// Connects to a server.
pub(super) async fn dial(address: SocketAddr) -> Result<TcpStream, LoginFailed> {
    let connected = timeout(TO_CONNECT, TcpStream::connect(address)).await;
    connected.map_err(io::Error::from).flatten().map_err(|error| of_io(&error))
}

/// Makes a connection reachable, once, at an address of this machine: for a driver that takes no connection, only an
/// address. What passes through is what it would have sent itself, TLS included.
#[cfg(feature = "mysql")]
pub(super) async fn relayed(mut server: TcpStream) -> Result<SocketAddr, LoginFailed> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| of_io(&error))?;
    let address = listener.local_addr().map_err(|error| of_io(&error))?;
    tokio::spawn(async move {
        let (mut driver, _) = listener.accept().await?;
        drop(listener);
        tokio::io::copy_bidirectional(&mut driver, &mut server).await
    });
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_has_two_seconds_to_accept() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let deaf = socket.listen(1).unwrap();
        let address = deaf.local_addr().unwrap();
        // Once its queue is full, it no longer answers at all.
        let mut queued = Vec::new();
        while let Ok(Ok(connection)) = timeout(Duration::from_millis(50), TcpStream::connect(address)).await {
            queued.push(connection);
        }
        let began = tokio::time::Instant::now();
        let ended = dial(address).await;
        assert_eq!(ended.unwrap_err(), LoginFailed::unreachable("timed out"));
        assert_eq!(began.elapsed(), TO_CONNECT);
    }
}

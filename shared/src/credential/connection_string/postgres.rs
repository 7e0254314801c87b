//! Logins to PostgreSQL.

use std::{error::Error as _, pin::Pin};

use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_postgres::{
    Client, Config, Connection, Error, NoTls,
    config::{self, SslMode},
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::guarded::Guarded;
use super::{ChannelBinding, ConnectionString, LoginFailed, admission::Admitted, apart::of_io, dial::dial};
use crate::{
    settings::{SettingError, Variables},
    tls,
};

mod guarded;

/// Classes of SQLSTATE that say how the server is, not who the user is: insufficient resources, operator intervention,
/// system error, internal error.
const SAYS_NOTHING: [&str; 4] = ["53", "57", "58", "XX"];

/// Beginnings of SQLSTATEs that refuse the user: invalid authorization, an unknown database, no privilege to connect.
const REFUSES: [&str; 3] = ["28", "3D", "42501"];

/// TLS that verifies the name: what other clients call verify-full.
#[derive(Clone)]
pub(super) struct Tls(MakeRustlsConnect);

/// A way to TLS whose inside is guarded.
struct GuardedTls<T>(T);

impl Tls {
    pub(super) fn from_settings(variables: &Variables) -> Result<Self, SettingError> {
        tls::client_config(variables).map(MakeRustlsConnect::new).map(Self)
    }
}

impl<S, T: TlsConnect<S>> TlsConnect<S> for GuardedTls<T>
where
    T::Future: Send + 'static,
{
    type Stream = Guarded<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = self.0.connect(stream);
        Box::pin(async move { Ok(Guarded::encrypted(connecting.await?)) })
    }
}

/// Logs in, runs one query and logs out.
pub(super) async fn log_in(Tls(mut tls): Tls, string: ConnectionString, to: Admitted) -> Result<(), LoginFailed> {
    let stream = dial(to.address).await?;
    let mut config = Config::new();
    config.user(&string.user).password(string.password.expose_secret()).dbname(&string.database);
    config.channel_binding(match string.channel_binding {
        ChannelBinding::Disable => config::ChannelBinding::Disable,
        ChannelBinding::Prefer => config::ChannelBinding::Prefer,
        ChannelBinding::Require => config::ChannelBinding::Require,
    });
    if to.plaintext {
        let stream = Guarded::plaintext(stream);
        let connected = config.ssl_mode(SslMode::Disable).connect_raw(stream, NoTls).await;
        return query(connected.map_err(|error| failed(&error))?).await;
    }
    let name = string.host.in_certificates();
    let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &name)
        .map_err(|_| LoginFailed::untrusted("the name cannot be verified"))?;
    // Over TLS the driver binds SCRAM to the certificate as far as the string asks for it.
    let connected = config.ssl_mode(SslMode::Require).connect_raw(stream, GuardedTls(tls)).await;
    query(connected.map_err(|error| failed(&error))?).await
}

async fn query<S, T>((client, connection): (Client, Connection<S, T>)) -> Result<(), LoginFailed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let driven = tokio::spawn(connection);
    let answered = client.simple_query("SELECT 1").await;
    drop(client);
    let ended = driven.await;
    let Err(error) = answered else { return Ok(()) };
    // What broke a connection is told by the task that held it.
    match ended {
        Ok(Err(cause)) if error.is_closed() => Err(failed(&cause)),
        _ => Err(failed(&error)),
    }
}

fn failed(error: &Error) -> LoginFailed {
    if let Some(code) = error.code() {
        let code = code.code();
        // It is the server's text until it has the form of a code.
        let well_formed = code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let cause = if well_formed { format!("SQLSTATE {code}") } else { "an error without a SQLSTATE".to_owned() };
        let is_of = |classes: &[&str]| classes.iter().any(|class| code.starts_with(class));
        return if is_of(&REFUSES) {
            LoginFailed::rejected(cause)
        } else if is_of(&SAYS_NOTHING) {
            LoginFailed::unreachable(cause)
        } else {
            LoginFailed::untrusted(cause)
        };
    }
    if error.is_closed() {
        return LoginFailed::unreachable("the server closed the connection");
    }
    match error.source().and_then(|cause| cause.downcast_ref()) {
        Some(cause) => of_io(cause),
        None => LoginFailed::untrusted("the server has no TLS or did not follow the protocol"),
    }
}

//! Logins to MySQL and MariaDB.

use std::net::SocketAddr;

use mysql_async::{Conn, DriverError, Error, IoError, Opts, OptsBuilder, SslOpts, prelude::Queryable};
use secrecy::ExposeSecret;

use super::{
    ConnectionString, LoginFailed,
    admission::Admitted,
    apart::of_io,
    dial::{dial, relayed},
};
use crate::{
    settings::{SettingError, Variables},
    tls,
};

/// Bytes of a packet that is read: those of a login have a few hundred.
const MOST_BYTES: usize = 64 * 1024;

/// Errors that say how the server is, not who the user is: connections exhausted, out of memory, shutting down, host
/// blocked, connection lost, user's limit reached, offline mode.
const SAYS_NOTHING: [u16; 18] =
    [1037, 1038, 1040, 1041, 1043, 1053, 1077, 1079, 1129, 1152, 1158, 1159, 1160, 1161, 1203, 1226, 1927, 3032];

/// Errors that refuse the user: no access to the database or at all, an unknown database, an unknown account, a password
/// that must be changed first or has expired, a locked account.
const REFUSES: [u16; 7] = [1044, 1045, 1049, 1698, 1820, 1862, 3118];

/// What certificates are verified by: Mozilla's roots and those of `CONNECT_CA_FILE`. The driver verifies the name, too.
#[derive(Clone)]
pub(super) struct Tls(SslOpts);

impl Tls {
    pub(super) fn from_settings(variables: &Variables) -> Result<Self, SettingError> {
        let roots = tls::own_roots(variables)?.map(|pem| vec![pem.into()]);
        Ok(Self(SslOpts::default().with_root_certs(roots.unwrap_or_default())))
    }
}

/// Logs in, asks whether the server is there, and logs out. Not a query: the driver allocates what a result's header
/// tells it to, and a result may be a request for a file.
pub(super) async fn log_in(tls: Tls, string: ConnectionString, to: Admitted) -> Result<(), LoginFailed> {
    let server = relayed(dial(to.address).await?).await?;
    let mut connection =
        Conn::new(options((!to.plaintext).then_some(tls.0), &string, server)).await.map_err(|error| failed(&error))?;
    connection.ping().await.map_err(|error| failed(&error))?;
    // The user was let in, however the farewell goes.
    let _ = connection.disconnect().await;
    Ok(())
}

/// Everything the driver would otherwise choose by itself.
fn options(tls: Option<SslOpts>, string: &ConnectionString, server: SocketAddr) -> Opts {
    OptsBuilder::default()
        .ip_or_hostname(string.host.in_certificates())
        .tcp_port(server.port())
        .resolved_ips(Some(vec![server.ip()]))
        .ssl_opts(tls)
        .user(Some(string.user.as_str()))
        .pass(Some(string.password.expose_secret()))
        .db_name(Some(string.database.as_str()))
        .prefer_socket(false)
        .secure_auth(true)
        .enable_cleartext_plugin(false)
        .stmt_cache_size(0)
        .max_allowed_packet(Some(MOST_BYTES))
        // Set, so that it is not asked for.
        .wait_timeout(Some(10))
        .into()
}

fn failed(error: &Error) -> LoginFailed {
    match error {
        Error::Server(said) if SAYS_NOTHING.contains(&said.code) => {
            LoginFailed::unreachable(format!("MySQL error {}", said.code))
        }
        Error::Server(said) if REFUSES.contains(&said.code) => {
            LoginFailed::rejected(format!("MySQL error {}", said.code))
        }
        Error::Server(said) => LoginFailed::untrusted(format!("MySQL error {}", said.code)),
        Error::Io(IoError::Io(error)) => of_io(error),
        Error::Io(IoError::Tls(_)) => LoginFailed::untrusted("TLS failed"),
        Error::Driver(DriverError::ConnectionClosed) => LoginFailed::unreachable("the server closed the connection"),
        Error::Driver(DriverError::NoClientSslFlagFromServer) => LoginFailed::untrusted("the server has no TLS"),
        Error::Driver(DriverError::CleartextPluginDisabled) => {
            LoginFailed::untrusted("the server asked for the password itself")
        }
        Error::Driver(_) | Error::Other(_) | Error::Url(_) => {
            LoginFailed::untrusted("the server did not follow the protocol")
        }
    }
}

//! Connection strings: a user is who a database lets in.
//!
//! The text is read by a grammar of our own and never handed to a driver. The host must be on the operator's list; its
//! name is looked up once, every address is checked, and the one that was checked is the one that is dialled, over TLS
//! that verifies the name (OWASP SSRF Prevention, case 2).

use std::{fmt, net::SocketAddr, time::Duration};

use secrecy::SecretString;
use tokio::time::{sleep, timeout};

use super::CredentialKind;
use crate::{
    identity::SubjectId,
    settings::{SettingError, Variables},
};

mod addresses;
mod admission;
mod allow_list;
mod apart;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod dial;
mod grammar;
mod host;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;

pub use self::grammar::Malformed;
use self::{admission::Admitted, allow_list::AllowedHosts, host::Host};

/// The name of this kind of credential, as subjects are made of it.
const KIND: CredentialKind = CredentialKind::ConnectionString;

/// A login takes at most this long, whatever the server does.
const IN_ALL: Duration = Duration::from_secs(5);

/// A refusal takes at least this long, so that a wrong password, a host that is not allowed and a port that is closed to
/// us cannot be told apart by the time they take. Must exceed what a refusing server needs.
const REFUSED_AFTER: Duration = Duration::from_secs(1);

/// The databases whose logins are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    #[cfg(feature = "mysql")]
    Mysql,
    #[cfg(feature = "postgres")]
    Postgres,
}

/// One user of one database, with the password.
#[derive(Clone)]
pub struct ConnectionString {
    engine: Engine,
    host: Host,
    port: u16,
    database: String,
    user: String,
    password: SecretString,
    /// The string itself asks for TLS, even where a server may do without.
    demands_tls: bool,
    channel_binding: ChannelBinding,
}

/// Whether a login to PostgreSQL is bound to the server's certificate (RFC 5929 4.1), as libpq's `channel_binding` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ChannelBinding {
    /// Not even if the server can.
    Disable,
    /// If the server can.
    #[default]
    Prefer,
    /// A server that cannot is not to be trusted.
    Require,
}

impl ChannelBinding {
    /// The value of the parameter, as libpq spells it.
    fn parse(value: &str) -> Option<Self> {
        match value {
            "disable" => Some(Self::Disable),
            "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            _ => None,
        }
    }
}

/// The databases that users may log in to. Built once; holds what TLS to them needs.
pub struct Databases {
    allowed: AllowedHosts,
    #[cfg(feature = "mysql")]
    mysql: mysql::Tls,
    #[cfg(feature = "postgres")]
    postgres: postgres::Tls,
}

/// Why a login did not succeed. The causes are for the log: they hold no name, no password and no text of the server's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginFailed {
    /// The server did not take the login.
    #[error("the login was refused: {cause}")]
    Rejected {
        /// What the server said.
        cause: String,
    },
    /// The operator does not allow this server.
    #[error("the server is not allowed: {cause}")]
    NotAllowed {
        /// What is not on the list.
        cause: String,
    },
    /// Whoever answered is not to be trusted with a password, or made no sense; nothing is known about the login.
    #[error("the server is not to be trusted: {cause}")]
    Untrusted {
        /// What was wrong with it.
        cause: String,
    },
    /// The server is allowed but could not be asked; nothing is known about the password.
    #[error("the database cannot be reached: {cause}")]
    Unreachable {
        /// What stood in the way.
        cause: String,
    },
}

impl LoginFailed {
    fn rejected(cause: impl Into<String>) -> Self {
        Self::Rejected { cause: cause.into() }
    }

    fn not_allowed(cause: impl Into<String>) -> Self {
        Self::NotAllowed { cause: cause.into() }
    }

    fn untrusted(cause: impl Into<String>) -> Self {
        Self::Untrusted { cause: cause.into() }
    }

    fn unreachable(cause: impl Into<String>) -> Self {
        Self::Unreachable { cause: cause.into() }
    }
}

impl Engine {
    fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            #[cfg(feature = "mysql")]
            "mysql" => Some(Self::Mysql),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => Some(Self::Postgres),
            _ => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => "mysql",
            #[cfg(feature = "postgres")]
            Self::Postgres => "postgres",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => 3306,
            #[cfg(feature = "postgres")]
            Self::Postgres => 5432,
        }
    }
}

impl ConnectionString {
    /// The user: whoever that database knows by that name, whatever the password and the parameters.
    #[must_use]
    pub fn subject(&self) -> SubjectId {
        SubjectId::of(KIND.as_str(), &format!("{}/{}", self.host(), self.database), &self.user)
    }

    /// The server, as `postgres://db.example.com:5432`: what attempts are counted by.
    #[must_use]
    pub fn host(&self) -> String {
        format!("{}://{}:{}", self.engine.as_str(), self.host, self.port)
    }
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionString").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl fmt::Debug for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Databases").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Databases {
    /// The databases on the list `CONNECT_ALLOWED_HOSTS`; none when it is not set, and then nothing is ever dialled.
    ///
    /// # Errors
    /// [`SettingError`] when the list, or the file that `CONNECT_CA_FILE` names, cannot be used.
    pub fn from_settings(variables: &Variables) -> Result<Option<Self>, SettingError> {
        let Some(allowed) = AllowedHosts::from_settings(variables)? else { return Ok(None) };
        Ok(Some(Self {
            allowed,
            #[cfg(feature = "mysql")]
            mysql: mysql::Tls::from_settings(variables)?,
            #[cfg(feature = "postgres")]
            postgres: postgres::Tls::from_settings(variables)?,
        }))
    }

    /// Reads a connection string. Nothing is looked up.
    ///
    /// # Errors
    /// [`Malformed`] when it is not of the one form that is taken, or names a port that no entry of the list allows.
    pub fn parse(&self, text: &SecretString) -> Result<ConnectionString, Malformed> {
        let string = grammar::parse(text)?;
        if self.allowed.has_port(&string) { Ok(string) } else { Err(Malformed::PortNotAllowed) }
    }

    /// Logs in and out again: `Ok` when the server let the user in.
    ///
    /// # Errors
    /// [`LoginFailed`]; a refusal comes no sooner than a second after the call, whatever refused.
    pub async fn log_in(&self, string: &ConnectionString) -> Result<(), LoginFailed> {
        self.log_in_with(string, admission::look_up, async |admitted| self.dial(string, admitted).await).await
    }

    /// [`Self::log_in`] with the way names are looked up and servers are dialled.
    async fn log_in_with<L: Future<Output = std::io::Result<Vec<SocketAddr>>>>(
        &self,
        string: &ConnectionString,
        look_up: impl FnOnce(String, u16) -> L,
        dial: impl AsyncFnOnce(Admitted) -> Result<(), LoginFailed>,
    ) -> Result<(), LoginFailed> {
        let not_before = sleep(REFUSED_AFTER);
        let login = async { dial(admission::admit(&self.allowed, string, look_up).await?).await };
        let late = || LoginFailed::unreachable("no answer in time");
        let ended = timeout(IN_ALL, login).await.unwrap_or_else(|_| Err(late()));
        if !matches!(ended, Ok(()) | Err(LoginFailed::Unreachable { .. })) {
            not_before.await;
        }
        ended
    }

    async fn dial(&self, string: &ConnectionString, admitted: Admitted) -> Result<(), LoginFailed> {
        match string.engine {
            #[cfg(feature = "mysql")]
            Engine::Mysql => apart::run(mysql::log_in(self.mysql.clone(), string.clone(), admitted)).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres => apart::run(postgres::log_in(self.postgres.clone(), string.clone(), admitted)).await,
        }
    }
}

#[cfg(test)]
mod spellings;
#[cfg(test)]
mod tests;

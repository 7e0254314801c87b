//! Requests of either route, read and checked.

use lambda_http::Request;
use secrecy::SecretString;
use serde::Deserialize;
use session::{
    connect::Connect,
    credential::{Credential, CredentialKind},
    error::{SessionError, Violation},
    http::{Cookies, Transport, json, no_query, route},
};

use crate::{App, violations::Violations};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectBody {
    credential: CredentialBody,
    #[serde(default)]
    remember: bool,
    #[serde(default)]
    transport: Transport,
    label: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum CredentialBody {
    Password { username: String, password: SecretString },
    Guest {},
    ConnectionString { connection_string: SecretString },
    IdToken { id_token: SecretString, nonce: Option<String> },
    LegacyToken { token: SecretString },
    Reconnect { reconnect_token: Option<SecretString> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterBody {
    username: String,
    password: SecretString,
    #[serde(default)]
    remember: bool,
    #[serde(default)]
    transport: Transport,
    label: Option<String>,
}

/// A request of either route.
pub(crate) struct Input {
    pub(crate) wanted: Wanted,
    /// What the user will see in the list of sessions.
    pub(crate) label: Option<String>,
}

/// What it asks for, and how it wants its tokens.
pub(crate) enum Wanted {
    /// A session for whoever proves who they are.
    Connect(Connect, Transport),
    /// A session with a stored credential, answered in the transport that its token came in.
    Reconnect(Option<SecretString>, Transport),
}

impl CredentialBody {
    /// The kind that has to be switched on; a stored credential is of the kind that was stored.
    fn kind(&self) -> Option<CredentialKind> {
        match self {
            Self::Password { .. } => Some(CredentialKind::Password),
            Self::Guest {} => Some(CredentialKind::Guest),
            Self::ConnectionString { .. } => Some(CredentialKind::ConnectionString),
            Self::IdToken { .. } => Some(CredentialKind::IdToken),
            Self::LegacyToken { .. } => Some(CredentialKind::LegacyToken),
            Self::Reconnect { .. } => None,
        }
    }
}

impl Input {
    /// Reads a request that may open a session.
    pub(crate) fn read(app: &App, request: &Request) -> Result<Self, SessionError> {
        no_query(request)?;
        let cookies = Cookies::read(request)?;
        app.origins.check_opening(request, &cookies)?;
        match route(request) {
            "POST /connect" => Self::connect(app, required(json(request)?)?, &cookies),
            "POST /register" => Self::register(app, required(json(request)?)?),
            _ => Err(SessionError::NotFound),
        }
    }

    fn connect(app: &App, body: ConnectBody, cookies: &Cookies<'_>) -> Result<Self, SessionError> {
        let ConnectBody { credential, remember, transport, label } = body;
        let mut violations = Violations::default();
        if let Some(kind) = credential.kind() {
            violations.check_kind(app, kind, "/credential/kind");
        }
        let credential = match credential {
            CredentialBody::Reconnect { reconnect_token } => {
                let label = violations.label(label);
                violations.check_absent(remember, "/remember", "a stored credential stays stored");
                let twice = reconnect_token.is_some() && cookies.reconnect.is_some();
                violations.check_absent(twice, "/credential/reconnectToken", "must not come beside a reconnect cookie");
                let transport = if reconnect_token.is_some() { Transport::Body } else { Transport::Cookie };
                let token = reconnect_token.or_else(|| cookies.reconnect.map(SecretString::from));
                return Ok(Self { wanted: violations.unless_any(Some(Wanted::Reconnect(token, transport)))?, label });
            }
            CredentialBody::Guest {} => Some(Credential::Guest),
            CredentialBody::ConnectionString { connection_string } => {
                violations.connection_string(app, "/credential/connectionString", connection_string)
            }
            CredentialBody::IdToken { id_token, nonce } => Some(Credential::IdToken(id_token, nonce)),
            CredentialBody::LegacyToken { token } => Some(Credential::LegacyToken(token)),
            CredentialBody::Password { username, password } => {
                let proof = violations.password("/credential", &username, password);
                proof.map(|(name, password)| Credential::Password(name, password))
            }
        };
        Self::checked(violations, credential, (remember, transport), label)
    }

    fn register(app: &App, body: RegisterBody) -> Result<Self, SessionError> {
        let RegisterBody { username, password, remember, transport, label } = body;
        let mut violations = Violations::default();
        violations.check_kind(app, CredentialKind::Password, "");
        let proof = violations.password("", &username, password);
        let credential = proof.map(|(name, password)| Credential::NewPassword(name, password));
        Self::checked(violations, credential, (remember, transport), label)
    }

    fn checked(
        mut violations: Violations,
        credential: Option<Credential>,
        (remember, transport): (bool, Transport),
        label: Option<String>,
    ) -> Result<Self, SessionError> {
        let cannot = remember && credential.as_ref().is_some_and(|credential| !credential.kind().can_be_stored());
        violations.check_absent(cannot, "/remember", "credentials of this kind are not stored");
        let label = violations.label(label);
        let wanted = credential.map(|credential| Wanted::Connect(Connect { credential, remember }, transport));
        Ok(Self { wanted: violations.unless_any(wanted)?, label })
    }
}

fn required<T>(body: Option<T>) -> Result<T, SessionError> {
    let missing = || Violation { pointer: String::new(), detail: "a body is needed".to_owned() };
    body.ok_or_else(|| SessionError::Invalid(vec![missing()]))
}

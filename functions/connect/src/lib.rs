//! POST /connect and POST /register: open a session.

use lambda_http::{Body, Request, Response, http::StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use session::{
    connect::{Credential, Fresh, Request as Opening, connect},
    credential::{
        CredentialKind,
        password::{Malformed, Password, Username},
    },
    error::{SessionError, Violation},
    http::{
        AllowedOrigins, Answer, Cookies, Device, Presenting, Transport, answer, bearer, issued, json, no_query, route,
    },
    issuer::{Issuer, StartError},
    random,
    settings::Variables,
    unix_time::UnixMillis,
};

/// Bytes of a label, which every listing repeats.
const LABEL_BYTES: usize = 128;

/// What the function needs for its whole life.
#[derive(Debug)]
pub struct App {
    issuer: Issuer,
    origins: AllowedOrigins,
}

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
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
enum CredentialBody {
    Password { username: String, password: SecretString },
    Guest {},
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

/// A request of either route, read and checked.
struct Input {
    credential: Credential,
    transport: Transport,
    label: Option<String>,
}

impl App {
    /// Reads settings and the master secret.
    ///
    /// # Errors
    /// [`StartError`] when anything is missing.
    pub async fn start(variables: &Variables, now: UnixMillis) -> Result<Self, StartError> {
        let origins = AllowedOrigins::from_settings(variables)?;
        Ok(Self { issuer: Issuer::start(variables, now).await?, origins })
    }
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    answer(&request, Presenting::Nothing, opened(app, &request, UnixMillis::now()).await)
}

async fn opened(app: &App, request: &Request, now: UnixMillis) -> Result<Answer, SessionError> {
    no_query(request)?;
    let cookies = Cookies::read(request)?;
    app.origins.check_opening(request, &cookies)?;
    let input = match route(request) {
        "POST /connect" => Input::connect(app, required(json(request)?)?)?,
        "POST /register" => Input::register(app, required(json(request)?)?)?,
        _ => return Err(SessionError::NotFound),
    };
    let device = Device::of(request);
    let opening = Opening {
        label: input.label.or_else(|| device.label()),
        user_agent: device.user_agent,
        network: device.network,
        refresh_tokens: cookies.refresh.into_iter().collect(),
        bearer: bearer(request).ok(),
    };
    let fresh = Fresh::draw()?;
    let opened = connect(&app.issuer, &input.credential, &opening, &fresh, now).await?;
    let [chance] = random::bytes()?;
    Ok(issued(StatusCode::CREATED, &opened, input.transport, &app.issuer.policy, now, chance))
}

impl Input {
    fn connect(app: &App, body: ConnectBody) -> Result<Self, SessionError> {
        let ConnectBody { credential, remember, transport, label } = body;
        let mut violations = Violations::default();
        violations.check_remember(remember);
        let (kind, credential) = match credential {
            CredentialBody::Guest {} => (CredentialKind::Guest, Some(Credential::Guest)),
            CredentialBody::Password { username, password } => {
                let proof = violations.password("/credential", &username, password);
                (CredentialKind::Password, proof.map(|(name, password)| Credential::Password(name, password)))
            }
        };
        violations.check_kind(app, kind, "/credential/kind");
        let label = violations.label(label);
        Ok(Self { credential: violations.unless_any(credential)?, transport, label })
    }

    fn register(app: &App, body: RegisterBody) -> Result<Self, SessionError> {
        let RegisterBody { username, password, remember, transport, label } = body;
        let mut violations = Violations::default();
        violations.check_remember(remember);
        violations.check_kind(app, CredentialKind::Password, "");
        let proof = violations.password("", &username, password);
        let label = violations.label(label);
        let credential = proof.map(|(name, password)| Credential::NewPassword(name, password));
        Ok(Self { credential: violations.unless_any(credential)?, transport, label })
    }
}

/// Everything that is wrong with one request, told at once.
#[derive(Default)]
struct Violations(Vec<Violation>);

impl Violations {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Violation { pointer: pointer.into(), detail: detail.into() });
    }

    fn check_remember(&mut self, remember: bool) {
        if remember {
            self.add("/remember", "credentials are not stored by this service");
        }
    }

    fn check_kind(&mut self, app: &App, kind: CredentialKind, pointer: &str) {
        if !app.issuer.policy.credentials.contains(&kind) {
            self.add(pointer, format!("credentials of the kind {} are not taken", kind.as_str()));
        }
    }

    fn password(&mut self, parent: &str, username: &str, password: SecretString) -> Option<(Username, Password)> {
        let mut checked =
            |field: &str, malformed: Malformed| self.add(format!("{parent}/{field}"), malformed.to_string());
        let username = Username::parse(username).map_err(|malformed| checked("username", malformed));
        let password = Password::parse(password).map_err(|malformed| checked("password", malformed));
        username.ok().zip(password.ok())
    }

    fn label(&mut self, label: Option<String>) -> Option<String> {
        if label.as_ref().is_some_and(|label| label.len() > LABEL_BYTES) {
            self.add("/label", "must have at most 128 bytes");
        }
        label
    }

    fn unless_any<T>(self, value: Option<T>) -> Result<T, SessionError> {
        value.filter(|_| self.0.is_empty()).ok_or(SessionError::Invalid(self.0))
    }
}

fn required<T>(body: Option<T>) -> Result<T, SessionError> {
    let missing = || Violation { pointer: String::new(), detail: "a body is needed".to_owned() };
    body.ok_or_else(|| SessionError::Invalid(vec![missing()]))
}

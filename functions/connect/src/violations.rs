//! Everything that is wrong with one request, told at once.

use secrecy::SecretString;
use session::{
    credential::{
        Credential, CredentialKind,
        password::{Malformed, Password, Username},
    },
    error::{SessionError, Violation},
};

use crate::App;

/// Bytes of a label, which every listing repeats.
const LABEL_BYTES: usize = 128;

/// What was found so far.
#[derive(Default)]
pub(crate) struct Violations(Vec<Violation>);

impl Violations {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Violation { pointer: pointer.into(), detail: detail.into() });
    }

    /// Notes something that must not be there.
    pub(crate) fn check_absent(&mut self, present: bool, pointer: &str, detail: &str) {
        if present {
            self.add(pointer, detail);
        }
    }

    /// Checks that this kind of credential is taken.
    pub(crate) fn check_kind(&mut self, app: &App, kind: CredentialKind, pointer: &str) {
        if !app.issuer.policy.credentials.contains(&kind) {
            self.add(pointer, format!("credentials of the kind {} are not taken", kind.as_str()));
        }
    }

    /// A username and a password, if both are well-formed.
    pub(crate) fn password(
        &mut self,
        parent: &str,
        username: &str,
        password: SecretString,
    ) -> Option<(Username, Password)> {
        let mut checked =
            |field: &str, malformed: Malformed| self.add(format!("{parent}/{field}"), malformed.to_string());
        let username = Username::parse(username).map_err(|malformed| checked("username", malformed));
        let password = Password::parse(password).map_err(|malformed| checked("password", malformed));
        username.ok().zip(password.ok())
    }

    /// The login that a connection string names, if it is well-formed.
    pub(crate) fn connection_string(&mut self, app: &App, pointer: &str, text: SecretString) -> Option<Credential> {
        if !app.issuer.policy.credentials.contains(&CredentialKind::ConnectionString) {
            return None;
        }
        let credential = app.authenticator.connection_string(text);
        credential.map_err(|malformed| self.add(pointer, malformed.to_string())).ok()
    }

    /// The label, if it is not too long.
    pub(crate) fn label(&mut self, label: Option<String>) -> Option<String> {
        if label.as_ref().is_some_and(|label| label.len() > LABEL_BYTES) {
            self.add("/label", "must have at most 128 bytes");
        }
        label
    }

    /// The value, if nothing was wrong.
    pub(crate) fn unless_any<T>(self, value: Option<T>) -> Result<T, SessionError> {
        value.filter(|_| self.0.is_empty()).ok_or(SessionError::Invalid(self.0))
    }
}

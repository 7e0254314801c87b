//! Use case: may the bearer of this access token call an API of the adopter's own?

use crate::{
    access_token::Claims,
    error::{Ended, SessionError},
    identity::{SessionId, SubjectId},
    lifecycle::Session,
    settings::{SettingError, Variables},
    unix_time::UnixMillis,
    verifier::Verifier,
};

/// How much is asked before a call is let through: `SESSION_AUTHORIZE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The token alone: no request to the table, and an ended session passes until its last token expires.
    Stateless,
    /// The token and then its session, read consistently: one request, and an ended session passes no more.
    Stateful,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose session it is: the claim `key` of a token that has one, else its `sub`.
    pub subject: SubjectId,
    /// Which session it is: the token's `sid`.
    pub session_id: SessionId,
}

/// A call that is let through.
#[derive(Debug)]
pub struct Authorized {
    /// Who calls.
    pub caller: Caller,
    /// The session as it was read; [`Mode::Stateless`] reads none.
    pub session: Option<Session>,
}

impl Mode {
    /// Reads the setting; it is `stateful` unless set.
    ///
    /// # Errors
    /// [`SettingError`] for anything but its two values.
    pub fn from_settings(variables: &Variables) -> Result<Self, SettingError> {
        const NAME: &str = "SESSION_AUTHORIZE";
        match variables.get(NAME) {
            None | Some("stateful") => Ok(Self::Stateful),
            Some("stateless") => Ok(Self::Stateless),
            Some(_) => Err(SettingError::invalid(NAME, "must be stateless or stateful")),
        }
    }
}

/// Who calls, if the token is accepted and, when that is asked, its session is live. A call is no activity: it moves no
/// limit.
///
/// # Errors
/// [`SessionError::Ended`] when the session is over, and what [`Verifier::claims`] and the table report.
pub async fn authorize(
    verifier: &Verifier,
    mode: Mode,
    bearer: &str,
    now: UnixMillis,
) -> Result<Authorized, SessionError> {
    let Claims { subject, sid, .. } = verifier.claims(bearer, now).await?;
    let session = match mode {
        Mode::Stateless => None,
        Mode::Stateful => {
            let found = verifier.table.session(subject, sid).await?;
            Some(Ended::unless_live(found, &verifier.policy, now)?)
        }
    };
    Ok(Authorized { caller: Caller { subject, session_id: sid }, session })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_asked_for_unless_the_setting_says_otherwise() {
        let mode = |value| Mode::from_settings(&[("SESSION_AUTHORIZE", value)].into_iter().collect());
        assert_eq!(mode(""), Ok(Mode::Stateful));
        assert_eq!(mode("stateful"), Ok(Mode::Stateful));
        assert_eq!(mode("stateless"), Ok(Mode::Stateless));
        let error = mode("Stateless").unwrap_err();
        assert_eq!(error.to_string(), "SESSION_AUTHORIZE must be stateless or stateful");
    }
}

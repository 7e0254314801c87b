//! What a function without the master secret works with.

use crate::{
    access_token::{AccessTokens, Claims, Unverified},
    error::SessionError,
    issuer::StartError,
    policy::SessionPolicy,
    public_keys::PublicKeys,
    settings::Variables,
    store::SessionTable,
    unix_time::UnixMillis,
};

/// Policy, table and public keys of the functions that take an access token.
#[derive(Debug)]
pub struct Verifier {
    /// How long sessions live.
    pub policy: SessionPolicy,
    /// Where they are kept.
    pub table: SessionTable,
    keys: PublicKeys,
    access: AccessTokens,
}

impl Verifier {
    /// Reads settings and published keys.
    ///
    /// # Errors
    /// [`StartError`] when a setting is missing or the table does not answer.
    pub async fn start(variables: &Variables, now: UnixMillis) -> Result<Self, StartError> {
        let policy = SessionPolicy::parse(variables)?;
        let access = AccessTokens::from_settings(variables, policy.access_ttl)?;
        let table = SessionTable::from_settings(variables)?;
        let keys = PublicKeys::start(table.clone(), now).await?;
        Ok(Self { policy, table, keys, access })
    }

    /// The claims of an access token that is accepted at `now`. Whether its session is live, only the table knows.
    ///
    /// # Errors
    /// [`SessionError::TokenInvalid`], [`SessionError::TokenExpired`], or [`SessionError::Unavailable`] when the keys
    /// cannot be had.
    pub async fn claims(&self, bearer: &str, now: UnixMillis) -> Result<Claims, SessionError> {
        let token = Unverified::parse(bearer)?;
        let key = self.keys.get(token.kid(), now).await?;
        Ok(self.access.verify(&token, &key, now)?)
    }
}

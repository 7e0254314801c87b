//! How long sessions live and how clients are paced: parsed once, the same for every layer.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    credential::CredentialKind,
    lifecycle::EndReason,
    settings::{SettingError, Variables},
    sha256::sha256,
};

/// The longest length a setting takes. Browsers cap a cookie's Max-Age at 400 days (RFC 6265bis 5.5).
const LONGEST: Duration = days(400);

/// The shortest lifetime. Tokens carry whole seconds, so anything shorter could not be told from nothing.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);

/// The most sessions one subject may be allowed: all of them, the user marker and a password must fit
/// into one DynamoDB transaction of 100 actions.
const MOST_PER_SUBJECT: usize = 90;

/// What a deployment promises about its sessions. Plain configuration; nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Life of an access token.
    pub access_ttl: Duration,
    /// Remaining life of an access token below which a client refreshes.
    pub refresh_threshold: Duration,
    /// Time without activity after which a session ends.
    pub idle_timeout: Duration,
    /// Time after which a session ends whatever happens.
    pub absolute_timeout: Duration,
    /// The absolute limit of a guest.
    pub guest_timeout: Duration,
    /// How often a client polls.
    pub heartbeat_interval: Duration,
    /// How long past the idle limit a client that cannot reach the server keeps hoping.
    pub timeout_buffer: Duration,
    /// How long before its end a session is reported as about to end.
    pub warning_lead: Duration,
    /// How long a stored credential may be used.
    pub reconnect_ttl: Duration,
    /// How long a superseded token is answered with "look again" instead of being taken for theft.
    /// Must exceed the client's request time-out (10 s) plus flight time; nothing is handed out inside it (RFC 9700 4.14).
    pub race_window: Duration,
    /// Live sessions a subject may have; one more ends the oldest.
    pub max_per_subject: usize,
    /// The ends after which a stored credential may be used.
    pub reconnect_after: Vec<EndReason>,
    /// The kinds of credential that connect takes.
    pub credentials: Vec<CredentialKind>,
    version: String,
}

impl SessionPolicy {
    /// Reads the policy from its settings and checks that it does not contradict itself.
    ///
    /// # Errors
    /// [`SettingError`] that names the setting that cannot be read, or both settings that contradict each other.
    pub fn parse(variables: &Variables) -> Result<Self, SettingError> {
        let access_ttl = lifetime(variables, "SESSION_ACCESS_TTL", minutes(15))?;
        let absolute_timeout = lifetime(variables, "SESSION_ABSOLUTE_TIMEOUT", days(7))?;
        let cut = |limit: Duration| limit.min(absolute_timeout);
        let mut policy = Self {
            access_ttl,
            refresh_threshold: margin(variables, "SESSION_REFRESH_THRESHOLD", access_ttl / 2)?,
            idle_timeout: lifetime(variables, "SESSION_IDLE_TIMEOUT", days(1))?,
            absolute_timeout,
            guest_timeout: lifetime(variables, "SESSION_GUEST_TIMEOUT", cut(minutes(120)))?,
            heartbeat_interval: lifetime(variables, "SESSION_HEARTBEAT_INTERVAL", minutes(5))?,
            timeout_buffer: margin(variables, "SESSION_TIMEOUT_BUFFER", minutes(5))?,
            warning_lead: margin(variables, "SESSION_WARNING_LEAD", minutes(5))?,
            reconnect_ttl: lifetime(variables, "SESSION_RECONNECT_TTL", cut(days(7)))?,
            race_window: margin(variables, "SESSION_RACE_WINDOW", minutes(1))?,
            max_per_subject: max_per_subject(variables)?,
            reconnect_after: reconnect_after(variables)?,
            credentials: credentials(variables)?,
            version: String::new(),
        };
        policy.check()?;
        // Computed once: every answer carries it.
        let lines = policy.settings().map(|(name, value)| format!("{name}={value}"));
        let digest = sha256(&[lines.join("\n").as_bytes()]);
        policy.version = URL_SAFE_NO_PAD.encode(digest.split_at(8).0);
        Ok(policy)
    }

    /// Refuses values that cannot all be true.
    fn check(&self) -> Result<(), SettingError> {
        const ACCESS: &str = "SESSION_ACCESS_TTL";
        const IDLE: &str = "SESSION_IDLE_TIMEOUT";
        const ABSOLUTE: &str = "SESSION_ABSOLUTE_TIMEOUT";
        const GUEST: &str = "SESSION_GUEST_TIMEOUT";
        const WARNING: &str = "SESSION_WARNING_LEAD";
        let contradictions = [
            (self.heartbeat_interval >= self.access_ttl, "SESSION_HEARTBEAT_INTERVAL", "shorter than", ACCESS),
            (self.refresh_threshold >= self.access_ttl, "SESSION_REFRESH_THRESHOLD", "shorter than", ACCESS),
            (self.access_ttl > self.idle_timeout, ACCESS, "at most", IDLE),
            (self.idle_timeout > self.absolute_timeout, IDLE, "at most", ABSOLUTE),
            (self.warning_lead >= self.idle_timeout, WARNING, "shorter than", IDLE),
            (self.warning_lead >= self.guest_timeout, WARNING, "shorter than", GUEST),
            (self.guest_timeout > self.absolute_timeout, GUEST, "at most", ABSOLUTE),
        ];
        contradictions
            .into_iter()
            .find(|(holds, ..)| *holds)
            .map_or(Ok(()), |(_, first, must_be, second)| Err(SettingError::Contradiction { first, must_be, second }))
    }

    /// Every setting of the policy with the value in force, lengths as in `1day`, in a fixed order.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, String); 13] {
        let length = |duration| humantime::format_duration(duration).to_string();
        let list = |names: Vec<&str>| names.join(",");
        [
            ("SESSION_ACCESS_TTL", length(self.access_ttl)),
            ("SESSION_REFRESH_THRESHOLD", length(self.refresh_threshold)),
            ("SESSION_IDLE_TIMEOUT", length(self.idle_timeout)),
            ("SESSION_ABSOLUTE_TIMEOUT", length(self.absolute_timeout)),
            ("SESSION_GUEST_TIMEOUT", length(self.guest_timeout)),
            ("SESSION_HEARTBEAT_INTERVAL", length(self.heartbeat_interval)),
            ("SESSION_TIMEOUT_BUFFER", length(self.timeout_buffer)),
            ("SESSION_WARNING_LEAD", length(self.warning_lead)),
            ("SESSION_RECONNECT_TTL", length(self.reconnect_ttl)),
            ("SESSION_RACE_WINDOW", length(self.race_window)),
            ("SESSION_MAX_PER_SUBJECT", self.max_per_subject.to_string()),
            ("SESSION_RECONNECT_AFTER", list(self.reconnect_after.iter().map(EndReason::as_str).collect())),
            ("SESSION_CREDENTIALS", list(self.credentials.iter().map(CredentialKind::as_str).collect())),
        ]
    }

    /// Changes exactly when a value changes: 8 bytes of SHA-256 over [`Self::settings`], base64url.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The absolute limit for sessions opened with this kind of credential.
    #[must_use]
    pub fn absolute_timeout_for(&self, kind: CredentialKind) -> Duration {
        match kind {
            CredentialKind::Guest => self.guest_timeout,
            CredentialKind::Password
            | CredentialKind::ConnectionString
            | CredentialKind::IdToken
            | CredentialKind::LegacyToken
            | CredentialKind::Other(_) => self.absolute_timeout,
        }
    }

    /// Whether any kind of credential that is taken can be stored.
    #[must_use]
    pub fn stores_credentials(&self) -> bool {
        self.credentials.iter().any(|kind| kind.can_be_stored())
    }

    /// Whether a stored credential may open a new session after one that ended for `reason`.
    #[must_use]
    pub fn allows_reconnect_after(&self, reason: EndReason) -> bool {
        self.reconnect_after.contains(&reason)
    }
}

const fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

const fn days(count: u64) -> Duration {
    Duration::from_hours(count * 24)
}

/// The length that a setting gives to something that needs at least a second.
pub(crate) fn lifetime(variables: &Variables, name: &'static str, default: Duration) -> Result<Duration, SettingError> {
    length(variables, name, default, SHORTEST_LIFETIME)
}

fn margin(variables: &Variables, name: &'static str, default: Duration) -> Result<Duration, SettingError> {
    length(variables, name, default, Duration::ZERO)
}

fn length(
    variables: &Variables,
    name: &'static str,
    default: Duration,
    shortest: Duration,
) -> Result<Duration, SettingError> {
    let Some(text) = variables.get(name) else { return Ok(default) };
    let length = humantime::parse_duration(text)
        .map_err(|_| SettingError::invalid(name, "must be a length such as 7d, 2h, 15m, 30s or 500ms"))?;
    if length < shortest {
        return Err(SettingError::invalid(name, "must be at least 1s"));
    }
    if length > LONGEST {
        return Err(SettingError::invalid(name, "must be at most 400d"));
    }
    Ok(length)
}

fn max_per_subject(variables: &Variables) -> Result<usize, SettingError> {
    const NAME: &str = "SESSION_MAX_PER_SUBJECT";
    let Some(text) = variables.get(NAME) else { return Ok(20) };
    text.parse()
        .ok()
        .filter(|count| (1..=MOST_PER_SUBJECT).contains(count))
        .ok_or(SettingError::invalid(NAME, "must be a whole number from 1 to 90"))
}

fn reconnect_after(variables: &Variables) -> Result<Vec<EndReason>, SettingError> {
    const NAME: &str = "SESSION_RECONNECT_AFTER";
    let Some(reasons) = variables.list(NAME) else { return Ok(vec![EndReason::Unknown]) };
    reasons
        .into_iter()
        .map(|reason| match reason {
            "unknown" => Ok(EndReason::Unknown),
            "idle_timeout" => Ok(EndReason::IdleTimeout),
            "absolute_timeout" => Ok(EndReason::AbsoluteTimeout),
            _ => Err(SettingError::invalid(NAME, "takes unknown, idle_timeout and absolute_timeout")),
        })
        .collect()
}

/// The kinds that are named and whose own setting is there: an empty one switches its kind off.
fn credentials(variables: &Variables) -> Result<Vec<CredentialKind>, SettingError> {
    const NAME: &str = "SESSION_CREDENTIALS";
    let Some(names) = variables.list(NAME) else {
        return Ok(vec![CredentialKind::Password, CredentialKind::Guest]);
    };
    let unknown = SettingError::invalid(NAME, "takes password, guest, connectionString, idToken and legacyToken");
    let kinds: Option<Vec<_>> = names.into_iter().map(CredentialKind::parse).collect();
    let is_on = |kind: &CredentialKind| match kind {
        CredentialKind::Password | CredentialKind::Guest | CredentialKind::Other(_) => true,
        CredentialKind::ConnectionString => variables.get("CONNECT_ALLOWED_HOSTS").is_some(),
        CredentialKind::IdToken => variables.get("OIDC_ISSUERS").is_some(),
        CredentialKind::LegacyToken => variables.get("LEGACY_JWT_UNTIL").is_some(),
    };
    Ok(kinds.ok_or(unknown)?.into_iter().filter(is_on).collect())
}

#[cfg(test)]
mod tests;

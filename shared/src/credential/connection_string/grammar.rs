//! The one form of a connection string: `scheme://user:password@host:port/database?parameters`.

use secrecy::{ExposeSecret, SecretString};

use super::{ChannelBinding, ConnectionString, Engine, host::Host};

/// Bytes of a connection string: it must fit, sealed and encoded, into what a request may carry.
const MOST_BYTES: usize = 2048;

/// Why a text is no connection string. It is told to whoever sent the text, and repeats nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too long.
    #[error("must have at most 2048 bytes")]
    Length,
    /// The scheme of no database, or of one that is not taken here.
    #[error("must begin with the scheme of a database that is taken here, such as postgres://")]
    Scheme,
    /// A part is missing, or a delimiter stands where none may.
    #[error(
        "must have the form scheme://user:password@host:port/database, with any of : / ? # [ ] @ percent-encoded in \
         user, password and database"
    )]
    Form,
    /// A character that is not taken, written out or encoded.
    #[error("must have no control characters and no blanks, and percent-encode nothing but UTF-8")]
    Encoding,
    /// No host, more than one, or a spelling of one that is not taken.
    #[error(
        "must name one host: a DNS name of ASCII letters, digits and hyphens, or an IP address in its usual spelling"
    )]
    Host,
    /// No port number.
    #[error("must give a port from 1 to 65535 in plain digits, or none")]
    Port,
    /// A port that no allowed host has.
    #[error("must name a port that is allowed here")]
    PortNotAllowed,
    /// A parameter that is not taken, twice, or with a value that is not taken.
    #[error(
        "must have no parameters but sslmode=require, verify-ca or verify-full (ssl-mode=REQUIRED, VERIFY_CA or \
         VERIFY_IDENTITY for mysql), channel_binding=disable, prefer or require (not for mysql), application_name and \
         connect_timeout, each at most once"
    )]
    Parameter,
}

/// Reads `text`. Nothing in it has an effect that is not a field of the result.
pub(super) fn parse(text: &SecretString) -> Result<ConnectionString, Malformed> {
    let text = text.expose_secret();
    if text.len() > MOST_BYTES {
        return Err(Malformed::Length);
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Malformed::Encoding);
    }
    let (scheme, rest) = text.split_once("://").ok_or(Malformed::Scheme)?;
    let engine = Engine::of_scheme(scheme).ok_or(Malformed::Scheme)?;
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let (authority, database) = rest.split_once('/').ok_or(Malformed::Form)?;
    let (user, endpoint) = authority.split_once('@').ok_or(Malformed::Form)?;
    let (user, password) = user.split_once(':').ok_or(Malformed::Form)?;
    // A password with an @ in it that is not encoded: to speak of the host would lead nobody to it.
    if endpoint.contains('@') {
        return Err(Malformed::Form);
    }
    let (host, port) = endpoint_of(endpoint)?;
    let parameters = query.map_or(Ok(Parameters::default()), |query| parameters(engine, query))?;
    Ok(ConnectionString {
        engine,
        host: Host::parse(host).ok_or(Malformed::Host)?,
        port: port.map_or(Ok(engine.default_port()), port_of)?,
        database: decoded(database)?,
        user: decoded(user)?,
        password: decoded(password)?.into(),
        demands_tls: parameters.demands_tls,
        channel_binding: parameters.channel_binding,
    })
}

/// Host, brackets included, and port as they are written.
fn endpoint_of(text: &str) -> Result<(&str, Option<&str>), Malformed> {
    let end = if text.starts_with('[') { text.find(']').ok_or(Malformed::Host)? } else { 0 };
    let (host, port) = text.split_at(text.get(end..).and_then(|rest| rest.find(':')).map_or(text.len(), |at| end + at));
    Ok((host, port.strip_prefix(':')))
}

fn port_of(digits: &str) -> Result<u16, Malformed> {
    let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).ok_or(Malformed::Port)
}

/// A part with its percent-encoding undone, once.
fn decoded(part: &str) -> Result<String, Malformed> {
    if part.is_empty() || part.contains([':', '/', '?', '#', '[', ']', '@']) {
        return Err(Malformed::Form);
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        (bytes, rest) = match (first, after) {
            (b'%', [high, low, after @ ..]) => (pushed(bytes, byte_of(*high, *low)?), after),
            (b'%', _) => return Err(Malformed::Encoding),
            (byte, after) => (pushed(bytes, *byte), after),
        };
    }
    let text = String::from_utf8(bytes).map_err(|_| Malformed::Encoding)?;
    if text.chars().any(char::is_control) { Err(Malformed::Encoding) } else { Ok(text) }
}

fn pushed(mut bytes: Vec<u8>, byte: u8) -> Vec<u8> {
    bytes.push(byte);
    bytes
}

fn byte_of(high: u8, low: u8) -> Result<u8, Malformed> {
    let digit = |byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digit(high).zip(digit(low)).map(|(high, low)| high * 16 + low).ok_or(Malformed::Encoding)
}

/// What the parameters ask for.
#[derive(Default)]
struct Parameters {
    demands_tls: bool,
    channel_binding: ChannelBinding,
}

/// Reads the parameters. TLS is used in any case where the operator has not given leave to do without; then, too, if the
/// string asks for it.
fn parameters(engine: Engine, query: &str) -> Result<Parameters, Malformed> {
    let mut names = Vec::new();
    let mut parameters = Parameters::default();
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=').ok_or(Malformed::Parameter)?;
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%+".contains(&byte);
        let taken = match name {
            "sslmode" => ["require", "verify-ca", "verify-full"].contains(&value),
            "ssl-mode" => engine.as_str() == "mysql" && ["REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"].contains(&value),
            "channel_binding" if engine.as_str() == "postgres" => {
                let asked = ChannelBinding::parse(value);
                parameters.channel_binding = asked.unwrap_or_default();
                asked.is_some()
            }
            "application_name" => value.bytes().all(harmless),
            "connect_timeout" => (1..=5).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        if !taken || names.contains(&name) {
            return Err(Malformed::Parameter);
        }
        parameters.demands_tls |= ["sslmode", "ssl-mode"].contains(&name);
        names.push(name);
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests;

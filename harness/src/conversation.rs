//! A client of the service, over HTTP, that holds its tokens itself: what tests and benchmarks say to a service.

pub use reqwest::Method;
use reqwest::{Client, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};

use crate::Outcome;

/// A password that the service takes.
pub const PASSWORD: &str = "correct horse";

/// A client of the service at one URL.
#[derive(Clone)]
pub struct Conversation {
    /// The URL of the service.
    pub url: String,
    client: Client,
}

/// A proof of who somebody is, as `POST /connect` takes it.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// Nobody in particular.
    Guest,
    /// A user name and its password.
    Password(&'a str, &'a str),
    /// The token of a stored credential.
    Reconnect(&'a str),
}

/// The user's presence, as a request reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nobody was there.
    Nobody,
    /// Somebody was there just now.
    Now,
}

/// An answer of the service.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null if there is none.
    pub body: Value,
}

/// Everything that an answer hands out. A token that is not in it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The session's id.
    pub id: String,
    /// Whose it is.
    pub subject: String,
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The token of the stored credential.
    pub reconnect: String,
}

impl Proof<'_> {
    fn body(self) -> Value {
        match self {
            Self::Guest => json!({ "kind": "guest" }),
            Self::Password(name, password) => json!({ "kind": "password", "username": name, "password": password }),
            Self::Reconnect(token) => json!({ "kind": "reconnect", "reconnectToken": token }),
        }
    }
}

impl Answer {
    /// What a request for a session or its state was answered with.
    pub fn session(&self) -> Outcome<Session> {
        let Self { status, body, .. } = self;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = body["session"]["id"].as_str().ok_or_else(|| format!("{status} without a session: {body}"))?;
        Ok(Session {
            id: id.to_owned(),
            subject: text(&body["session"]["subject"]),
            access: text(&body["accessToken"]),
            refresh: text(&body["refreshToken"]),
            reconnect: text(&body["reconnectToken"]),
        })
    }

    /// The problem's code, and its reason where it has one; empty for an answer that is none.
    #[must_use]
    pub fn refusal(&self) -> String {
        let text = |name: &str| self.body[name].as_str().map(str::to_owned);
        [text("code"), text("reason")].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The answer, if it has this status.
    pub fn expect(self, status: u16) -> Outcome<Self> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("{} in place of {status}: {}", self.status, self.body).into())
    }
}

impl Conversation {
    /// A client of the service at `url`.
    #[must_use]
    pub fn with(url: &str) -> Self {
        Self { url: url.to_owned(), client: Client::new() }
    }

    /// Any request.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Connects, with tokens in the body.
    pub async fn connect(&self, proof: Proof<'_>, remember: bool) -> Outcome<Answer> {
        let body = json!({ "credential": proof.body(), "remember": remember, "transport": "body" });
        self.post("/connect", &body, &[]).await
    }

    /// Registers a user with [`PASSWORD`], with tokens in the body.
    pub async fn register(&self, name: &str, remember: bool) -> Outcome<Answer> {
        let body = json!({ "username": name, "password": PASSWORD, "remember": remember, "transport": "body" });
        self.post("/register", &body, &[]).await
    }

    /// Reconnects with these idempotency keys, the one for a new rotation first.
    pub async fn reconnect(&self, token: &str, keys: &[&str]) -> Outcome<Answer> {
        self.post("/connect", &json!({ "credential": Proof::Reconnect(token).body() }), keys).await
    }

    /// Refreshes with these idempotency keys, the one for a new rotation first.
    pub async fn refresh(&self, token: &str, keys: &[&str]) -> Outcome<Answer> {
        self.post("/refresh", &json!({ "refreshToken": token }), keys).await
    }

    /// Logs out with a refresh token.
    pub async fn logout(&self, token: &str) -> Outcome<Answer> {
        self.post("/logout", &json!({ "refreshToken": token }), &[]).await
    }

    /// Polls with an access token.
    pub async fn poll(&self, access: &str, presence: Presence) -> Outcome<Answer> {
        let ago = match presence {
            Presence::Nobody => Value::Null,
            Presence::Now => json!(0),
        };
        let body = json!({ "lastActiveMsAgo": ago });
        self.send(self.request(Method::POST, "/validate-session").bearer_auth(access).json(&body)).await
    }

    /// Asks anything with an access token.
    pub async fn with_bearer(&self, method: Method, path: &str, access: &str) -> Outcome<Answer> {
        self.send(self.request(method, path).bearer_auth(access)).await
    }

    /// Reads a public document.
    pub async fn get(&self, path: &str) -> Outcome<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends JSON with idempotency keys, if any.
    pub async fn post(&self, path: &str, body: &Value, keys: &[&str]) -> Outcome<Answer> {
        let request = self.request(Method::POST, path).json(body);
        let request = if keys.is_empty() { request } else { request.header("idempotency-key", keys.join(",")) };
        self.send(request).await
    }

    /// Sends a request; its answer.
    pub async fn send(&self, request: RequestBuilder) -> Outcome<Answer> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        let body =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
        Ok(Answer { status, headers, body })
    }
}

//! The running stack over HTTP.

use std::path::PathBuf;

use harness::{conversation::Conversation, emulator::Emulator};
use local::{options::Options, stack::Stack};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{HeaderMap, SET_COOKIE},
};
use serde_json::{Value, json};
use session::settings::Variables;

use crate::Outcome;

/// A stack in this process, in memory.
pub(crate) struct Api {
    /// The URL of the API.
    pub(crate) url: String,
    /// A client that holds its tokens itself.
    pub(crate) client: Conversation,
    _stack: Stack,
}

impl Api {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Outcome<Self> {
        Self::serving(PathBuf::new(), settings).await
    }

    /// Starts with a folder of pages.
    pub(crate) async fn serving(page: PathBuf, settings: &[(&str, &str)]) -> Outcome<Self> {
        let options = Options { page, ..options(None) };
        Ok(Self::of(Stack::start(&options, &settings.iter().copied().collect()).await?))
    }

    /// Starts on the table of `emulator`, through its proxy.
    pub(crate) async fn on(emulator: &Emulator) -> Outcome<Self> {
        Self::with(emulator, &Variables::default()).await
    }

    /// Starts on the table of `emulator` with more settings.
    pub(crate) async fn with(emulator: &Emulator, more: &Variables) -> Outcome<Self> {
        let options = options(Some(emulator.proxy.url.clone()));
        let mut settings = emulator.settings();
        for (name, value) in more.iter() {
            settings.set(name, value);
        }
        Ok(Self::of(Stack::start(&options, &settings).await?))
    }

    fn of(stack: Stack) -> Self {
        let url = format!("http://{}", stack.address);
        Self { client: Conversation::with(&url), url, _stack: stack }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// Connects a guest; headers and body of the answer.
    pub(crate) async fn guest(&self, transport: &str) -> Outcome<(HeaderMap, Value)> {
        let body = json!({ "credential": { "kind": "guest" }, "transport": transport });
        let answer = self.post("/connect").json(&body).send().await?;
        assert_eq!(answer.status(), StatusCode::CREATED);
        Ok((answer.headers().clone(), answer.json().await?))
    }
}

/// A stack in memory, on any ports that are free.
fn options(dynamodb_endpoint: Option<String>) -> Options {
    let (data, page) = (PathBuf::new(), PathBuf::new());
    let dynamodb_host = std::net::Ipv4Addr::LOCALHOST.into();
    Options { port: 0, dynamodb_host, dynamodb_port: 0, data, memory: true, page, dynamodb_endpoint }
}

/// The refresh cookie that an answer sets, as a browser sends it back.
pub(crate) fn cookie(headers: &HeaderMap) -> Outcome<String> {
    let cookie = headers.get(SET_COOKIE).ok_or("no cookie")?.to_str()?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// Status and body of a refusal.
pub(crate) async fn problem(answer: Response) -> Outcome<(u16, Value)> {
    let status = answer.status().as_u16();
    let content_type = answer.headers().get("content-type").ok_or("no type")?.to_str()?.to_owned();
    let body: Value = answer.json().await?;
    assert_eq!((content_type.as_str(), &body["status"]), ("application/problem+json", &json!(status)));
    Ok((status, body))
}

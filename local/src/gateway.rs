//! The HTTP API: matches routes as API Gateway does, and hands the functions the events they are deployed for.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use aws_sdk_dynamodb::Client;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE, request::Parts},
};
use session::{issuer::StartError, random, settings::Variables, unix_time::UnixMillis};

use crate::{
    demo::{self, Misfortune, Misfortunes},
    event,
    functions::Functions,
    routes::{self, Matched},
    template::{Cors, Route, Template},
};

/// Bytes that API Gateway takes (AWS quota for HTTP APIs: 10 MB).
const LONGEST_BODY: usize = 10_000_000;

pub(crate) struct Gateway {
    routes: Vec<Route>,
    cors: Cors,
    functions: RwLock<Arc<Functions>>,
    /// What the functions are started with.
    settings: Variables,
    dynamodb: Client,
    page: PathBuf,
    /// What the demo page has asked for.
    pub(crate) misfortunes: Misfortunes,
}

impl Gateway {
    /// Starts the functions behind the routes of the template. `page` is the folder of the demo page.
    pub(crate) async fn start(
        template: Template,
        settings: Variables,
        dynamodb: Client,
        page: PathBuf,
    ) -> Result<Self, StartError> {
        let Template { routes, cors, .. } = template;
        let functions = RwLock::new(Arc::new(Box::pin(Functions::start(&settings)).await?));
        Ok(Self { routes, cors, functions, settings, dynamodb, page, misfortunes: Misfortunes::default() })
    }

    /// Starts every function anew.
    pub(crate) async fn restart(&self) -> Result<(), StartError> {
        let functions = Arc::new(Box::pin(Functions::start(&self.settings)).await?);
        *self.functions.write().unwrap_or_else(PoisonError::into_inner) = functions;
        Ok(())
    }

    /// The table that the functions use, past them.
    pub(crate) fn table(&self) -> (&Client, &str) {
        (&self.dynamodb, self.settings.get("SESSION_TABLE").unwrap_or_default())
    }

    /// Serves every route, and the demo page beside them.
    pub(crate) fn into_router(self) -> Router {
        demo::routes().fallback(serve).with_state(Arc::new(self))
    }

    fn functions(&self) -> Arc<Functions> {
        Arc::clone(&self.functions.read().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn serve(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    if let Some(answer) = gateway.cors.preflight(&request) {
        return answer;
    }
    let headers = request.headers().clone();
    let mut response = match routes::find(&gateway.routes, request.method().as_str(), request.uri().path()) {
        Some(matched) => struck(&gateway, request, &matched, client).await,
        None => demo::file(&gateway.page, request).await.unwrap_or_else(|| message(StatusCode::NOT_FOUND, "Not Found")),
    };
    gateway.cors.expose(&headers, response.headers_mut());
    response
}

/// The answer of a function, if no misfortune strikes.
async fn struck(gateway: &Gateway, request: Request, matched: &Matched<'_>, client: SocketAddr) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match gateway.misfortunes.strike() {
        None => answered(gateway, &parts, body, matched, client).await,
        Some(Misfortune::Silence) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        Some(Misfortune::LostAnswer) => {
            answered(gateway, &parts, body, matched, client).await;
            message(StatusCode::GATEWAY_TIMEOUT, "Gateway Timeout")
        }
    }
}

async fn answered(
    gateway: &Gateway,
    parts: &Parts,
    body: Body,
    matched: &Matched<'_>,
    client: SocketAddr,
) -> Response<Body> {
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let id = request_id();
    let sent = event::Sent { parts, body: &body, client, id: &id, at: UnixMillis::now() };
    let event = event::from_request(&sent, matched);
    let answer = match &event {
        Ok(event) => gateway.functions().answer(&matched.route.function, event, &id).await,
        Err(_) => None,
    };
    answer.map_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"), event::to_response)
}

/// The gateway's own answers, in its own form.
fn message(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(serde_json::json!({ "message": text }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn request_id() -> String {
    format!("{:016x}", u64::from_be_bytes(random::bytes().unwrap_or_default()))
}

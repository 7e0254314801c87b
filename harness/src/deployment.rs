//! The functions of one build in processes of their own, as deployed, behind an HTTP API in front of one table.
//!
//! Each function reaches the table through a proxy of its own, so that its requests can be told from the others'.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{Response, StatusCode},
};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use local::{
    event::{self, Sent},
    routes,
    template::{Route, Template},
};
use serde_json::Value;
use session::{settings::Variables, unix_time::UnixMillis};
use tokio::{net::TcpListener, sync::Mutex};

use crate::{
    Outcome, binaries,
    clock::Clock,
    function::{Function, Program},
    proxy::{Plan, Proxy},
    recorded,
};

/// The id that the API gives every request.
pub const REQUEST_ID: &str = "request-1";

/// The JSON lines that each function has written.
pub type Lines = BTreeMap<String, Vec<Value>>;

/// What the functions of a deployment are started with.
#[derive(Clone)]
pub struct Build {
    /// The folder of the binaries.
    pub folder: PathBuf,
    /// All that they find in their environment.
    pub environment: Variables,
    /// Their wall clock.
    pub clock: Clock,
}

impl Build {
    /// Today's functions as tests use them.
    pub async fn tested(environment: &Variables) -> Outcome<Self> {
        let folder = binaries::tested("").await?;
        Ok(Self { folder, environment: environment.clone(), clock: Clock::Same })
    }
}

/// Running functions; each starts with its first event.
pub struct Deployment {
    /// The URL of the API.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    build: Build,
    /// The URL of the DynamoDB behind all proxies.
    behind: String,
    routes: Vec<Route>,
    functions: Mutex<BTreeMap<String, Arc<Mutex<Running>>>>,
    plan: std::sync::Mutex<Option<Plan>>,
}

struct Running {
    function: Function,
    proxy: Proxy,
}

impl Deployment {
    /// Takes a build into service, in front of the DynamoDB at `behind`.
    pub async fn start(build: Build, behind: &str) -> Outcome<Self> {
        let (routes, behind, functions) = (Template::read()?.routes, behind.to_owned(), Mutex::default());
        let shared = Arc::new(Shared { build, behind, routes, functions, plan: std::sync::Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let api = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let service = api.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Ok(Self { url, shared })
    }

    /// Hands a function an event that is no request to the API; its answer.
    pub async fn invoke(&self, function: &str, event: &str) -> Outcome<Value> {
        self.shared.invoke(function, event).await
    }

    /// Hands the function a recorded event, changed; its answer.
    pub async fn invoke_recorded(&self, name: &str, change: impl FnOnce(&mut Value)) -> Outcome<Value> {
        let function = name.split('/').next().unwrap_or_default();
        self.shared.invoke(function, &recorded::event(name, change)?).await
    }

    /// Breaks the requests of every running function to the table from now on, or none any more.
    pub async fn plan(&self, plan: Option<Plan>) {
        *self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        for running in self.shared.functions.lock().await.values() {
            running.lock().await.proxy.plan(plan);
        }
    }

    /// Each function's requests to the table since its start, with their bodies.
    pub async fn requests(&self) -> BTreeMap<String, Vec<(String, Bytes)>> {
        let mut requests = BTreeMap::new();
        for (name, running) in &*self.shared.functions.lock().await {
            requests.insert(name.clone(), running.lock().await.proxy.take_requests());
        }
        requests
    }

    /// Ends every process, as when Lambda takes back what is idle: the next event starts it anew. Returns what they
    /// wrote.
    pub async fn stop(&self) -> Outcome<Lines> {
        let mut lines = Lines::new();
        for (name, running) in std::mem::take(&mut *self.shared.functions.lock().await) {
            let running = Arc::into_inner(running).ok_or("an event is under way")?.into_inner();
            lines.insert(name, running.function.stop().await?);
        }
        Ok(lines)
    }
}

impl Shared {
    async fn invoke(&self, function: &str, event: &str) -> Outcome<Value> {
        let running = self.running(function).await?;
        running.lock().await.function.invoke(event).await
    }

    /// The process of a function, started now if there is none.
    async fn running(&self, name: &str) -> Outcome<Arc<Mutex<Running>>> {
        let mut functions = self.functions.lock().await;
        if let Some(running) = functions.get(name) {
            return Ok(Arc::clone(running));
        }
        let proxy = Proxy::start(&self.behind).await?;
        let Build { folder, environment, clock } = &self.build;
        let mut environment = environment.clone();
        environment.set("AWS_ENDPOINT_URL_DYNAMODB", proxy.url.as_str());
        let program = Program::of(name, &folder.join(name).to_string_lossy(), &environment);
        let mut function = Function::run(&Program { clock: *clock, ..program }).await?;
        function.ready().await?;
        proxy.plan(*self.plan.lock().unwrap_or_else(PoisonError::into_inner));
        let running = Arc::new(Mutex::new(Running { function, proxy }));
        functions.insert(name.to_owned(), Arc::clone(&running));
        Ok(running)
    }

    async fn answered(&self, client: SocketAddr, request: Request) -> Outcome<Response<Body>> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await?;
        let Some(matched) = routes::find(&self.routes, parts.method.as_str(), parts.uri.path()) else {
            return Ok(status(StatusCode::NOT_FOUND, String::new()));
        };
        let sent = Sent { parts: &parts, body: &body, client, id: REQUEST_ID, at: UnixMillis::now() };
        let event = event::from_request(&sent, &matched)?;
        let answer = self.invoke(&matched.route.function, event.get()).await?;
        let answer: ApiGatewayV2httpResponse = serde_json::from_value(answer)?;
        Ok(event::to_response(answer))
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let answered = shared.answered(client, request).await;
    answered.unwrap_or_else(|error| status(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn status(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

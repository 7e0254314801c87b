//! A layer that guards an adopter's own Rust function: no request passes without a session.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use lambda_http::{
    Body, IntoResponse, Request, Response,
    tower::{Layer, Service},
};

use crate::{
    authorize::{Authorized, Mode, authorize},
    error::SessionError,
    http::{
        answer::{Presenting, answer},
        incoming::bearer,
        session_body::warning_headers,
    },
    issuer::StartError,
    settings::Variables,
    unix_time::UnixMillis,
    verifier::Verifier,
};

/// Lets a request of an HTTP API through to the service it is laid over if its access token is accepted, with the
/// [`Caller`](crate::authorize::Caller) among its extensions; answers any other with the problem details of the API of
/// sessions.
///
/// `SESSION_AUTHORIZE` says whether the session is read too. If so, an answer within the warning lead carries
/// `X-Session-Expires-In` (seconds) and `X-Session-Warning` (what will end the session).
#[derive(Clone, Debug)]
pub struct Guard(Arc<Watch>);

/// A service behind a [`Guard`].
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    guard: Guard,
    service: S,
}

#[derive(Debug)]
struct Watch {
    verifier: Verifier,
    mode: Mode,
}

impl Guard {
    /// Reads settings and published keys.
    ///
    /// # Errors
    /// [`StartError`] when a setting is missing or the table does not answer.
    pub async fn start(variables: &Variables, now: UnixMillis) -> Result<Self, StartError> {
        let mode = Mode::from_settings(variables)?;
        Ok(Self(Arc::new(Watch { verifier: Verifier::start(variables, now).await?, mode })))
    }

    async fn authorized(&self, request: &Request, now: UnixMillis) -> Result<Authorized, SessionError> {
        authorize(&self.0.verifier, self.0.mode, bearer(request)?, now).await
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, service: S) -> Guarded<S> {
        Guarded { guard: self.clone(), service }
    }
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Response: IntoResponse + Send,
    S::Error: Send,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let guard = self.guard.clone();
        // The one that was found ready is called, and its clone waits for the next request.
        let next = self.service.clone();
        let mut service = mem::replace(&mut self.service, next);
        Box::pin(async move {
            let now = UnixMillis::now();
            let Authorized { caller, session } = match Box::pin(guard.authorized(&request, now)).await {
                Ok(authorized) => authorized,
                Err(error) => return Ok(answer(&request, Presenting::Bearer, Err(error))),
            };
            request.extensions_mut().insert(caller);
            let mut response = service.call(request).await?.into_response().await;
            let lead = guard.0.verifier.policy.warning_lead;
            response.headers_mut().extend(session.iter().flat_map(|session| warning_headers(session, lead, now)));
            Ok(response)
        })
    }
}

//! The functions, each started with the same settings, in one process.

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use serde_json::value::RawValue;
use session::{
    http::answer_event, invocation::Invocation, issuer::StartError, settings::Variables, unix_time::UnixMillis,
};

/// Everything that the API's routes lead to.
pub(crate) struct Functions {
    connect: connect::App,
    refresh: refresh::App,
    logout: logout::App,
    validate_session: validate_session::App,
    sessions: sessions::App,
    session_policy: session_policy::App,
}

impl Functions {
    /// Starts every function. Connect comes first: it publishes the keys that others read.
    pub(crate) async fn start(variables: &Variables) -> Result<Self, StartError> {
        let now = UnixMillis::now();
        Ok(Self {
            connect: connect::App::start(variables, now).await?,
            refresh: refresh::App::start(variables, now).await?,
            logout: logout::App::start(variables, now).await?,
            validate_session: validate_session::App::start(variables, now).await?,
            sessions: sessions::App::start(variables, now).await?,
            session_policy: session_policy::App::start(variables, now).await?,
        })
    }

    /// The answer of one function; nothing if there is no such function.
    pub(crate) async fn answer(&self, function: &str, event: &RawValue, id: &str) -> Option<ApiGatewayV2httpResponse> {
        let id = &Invocation { request_id: id, trace_id: None };
        Some(match function {
            "connect" => answer_event(event, id, |request| connect::handle(&self.connect, request)).await,
            "refresh" => answer_event(event, id, |request| refresh::handle(&self.refresh, request)).await,
            "logout" => answer_event(event, id, |request| logout::handle(&self.logout, request)).await,
            "validate-session" => {
                answer_event(event, id, |request| validate_session::handle(&self.validate_session, request)).await
            }
            "sessions" => answer_event(event, id, |request| sessions::handle(&self.sessions, request)).await,
            "session-policy" => {
                answer_event(event, id, |request| session_policy::handle(&self.session_policy, request)).await
            }
            _ => return None,
        })
    }
}

//! The edge: from an API Gateway event to a use case's input, and from its outcome to an answer.
//!
//! The only module that names `lambda_http`, and the only one that knows status codes. Runs the same under the Lambda
//! runtime and in the local stack, because both hand [`answer_event`] the same event.

mod answer;
mod authorizer;
mod body;
mod cookies;
mod device;
mod embedded_metrics;
mod event;
mod guard;
mod incoming;
mod origins;
mod policy_body;
mod problem;
mod runtime;
mod session_body;

pub use answer::{Answer, Presenting, answer};
pub use authorizer::{AuthorizerRequest, NoVerdict, Verdict, verdict};
pub use body::{LastActive, json};
pub use cookies::{Cookies, Transport};
pub use device::Device;
pub use event::answer_event;
pub use guard::{Guard, Guarded};
pub use incoming::{bearer, no_query, nonces, origin, path_session, query, route};
pub use origins::AllowedOrigins;
pub use policy_body::policy;
pub use runtime::{run, run_authorizer, serve, start_logging};
pub use session_body::{ended, issued, listed, session};

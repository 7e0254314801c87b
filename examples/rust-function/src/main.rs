//! A function of your own that lets nobody through without a session.

use lambda_http::{Body, Error, Request, Response, service_fn, tower::Layer};
use serde_json::json;
use session::{
    authorize::Caller,
    http::{Guard, start_logging},
    settings::Variables,
    unix_time::UnixMillis,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let variables = Variables::from_environment();
    start_logging(&variables, &[]);
    let guard = Guard::start(&variables, UnixMillis::now()).await?;
    lambda_http::run(guard.layer(service_fn(orders))).await
}

/// The orders of whoever calls.
async fn orders(request: Request) -> Result<Response<Body>, Error> {
    let Caller { subject, session_id } =
        request.extensions().get::<Caller>().ok_or("the function does not stand behind the guard")?;
    let body = json!({ "subject": subject, "sessionId": session_id, "orders": [] });
    Ok(Response::builder().header("content-type", "application/json").body(body.to_string().into())?)
}

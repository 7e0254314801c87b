//! The function as Lambda runs it.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    session::http::run_authorizer(authorize::App::start, authorize::handle).await
}

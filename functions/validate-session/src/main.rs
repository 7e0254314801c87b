//! The function as Lambda runs it.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    session::http::run(validate_session::App::start, validate_session::handle).await
}

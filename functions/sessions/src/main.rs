//! The function as Lambda runs it.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    session::http::run(sessions::App::start, sessions::handle).await
}

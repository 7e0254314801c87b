//! The function as Lambda runs it.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    session::http::run(logout::App::start, logout::handle).await
}

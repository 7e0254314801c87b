//! The function as Lambda runs it.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    session::http::serve(rotate_secret::App::start, rotate_secret::handle).await
}

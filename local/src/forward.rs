//! Passes requests on, for what stands in front of the embedded DynamoDB.

use std::error::Error;

use axum::{
    body::Bytes,
    http::{HeaderMap, Response, header},
};

/// Posts to `url` what came for it, changed or not, and takes the whole answer.
///
/// # Errors
/// When nobody answers there.
pub async fn post(
    client: &reqwest::Client,
    url: &str,
    mut headers: HeaderMap,
    body: impl Into<reqwest::Body>,
) -> Result<Response<Bytes>, Box<dyn Error + Send + Sync>> {
    for stale in [header::CONTENT_LENGTH, header::HOST] {
        headers.remove(stale);
    }
    let answer = client.post(url).headers(headers).body(body).send().await?;
    let builder = Response::builder().status(answer.status());
    let builder = answer.headers().iter().fold(builder, |builder, (name, value)| builder.header(name, value));
    Ok(builder.body(answer.bytes().await?)?)
}

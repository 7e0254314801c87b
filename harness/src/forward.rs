//! Requests on their way to the embedded DynamoDB.

use axum::{
    body::Bytes,
    http::{HeaderMap, Response, header},
};

use crate::Outcome;

/// Posts to `url` what came for it, changed or not, and takes the whole answer.
pub(crate) async fn post(
    client: &reqwest::Client,
    url: &str,
    mut headers: HeaderMap,
    body: impl Into<reqwest::Body>,
) -> Outcome<Response<Bytes>> {
    for stale in [header::CONTENT_LENGTH, header::HOST] {
        headers.remove(stale);
    }
    let answer = client.post(url).headers(headers).body(body).send().await?;
    let builder = Response::builder().status(answer.status());
    let builder = answer.headers().iter().fold(builder, |builder, (name, value)| builder.header(name, value));
    Ok(builder.body(answer.bytes().await?)?)
}

//! The demo page's own routes: what goes wrong on request, and what survives it.

use reqwest::{Method, Response, StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Outcome,
    api::{Api, problem},
};

async fn bring_about(api: &Api, misfortune: &str, body: Value) -> Outcome {
    let answer = api.post(&format!("/demo/{misfortune}")).json(&body).send().await?;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{misfortune}");
    Ok(())
}

async fn refresh(api: &Api, token: &Value) -> Outcome<Response> {
    let request = api.post("/refresh").json(&json!({ "refreshToken": token }));
    Ok(request.header("idempotency-key", "key-of-16-characters").send().await?)
}

#[tokio::test]
async fn a_session_survives_a_cold_start_and_a_lost_answer() -> Outcome {
    let api = Api::start(&[]).await?;
    let (_, opened) = api.guest("body").await?;
    bring_about(&api, "cold-start", json!({})).await?;
    bring_about(&api, "lose-answer", json!({})).await?;
    let lost = refresh(&api, &opened["refreshToken"]).await?;
    assert_eq!((lost.status(), lost.headers().get(SET_COOKIE)), (StatusCode::GATEWAY_TIMEOUT, None));
    assert_eq!(lost.json::<Value>().await?, json!({ "message": "Gateway Timeout" }));
    let repeated = refresh(&api, &opened["refreshToken"]).await?;
    assert_eq!(repeated.status(), StatusCode::OK);
    let next: Value = repeated.json().await?;
    // It had been done: the next token is the one that was lost.
    let after = refresh(&api, &next["refreshToken"]).await?;
    assert_eq!(after.status(), StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn silence_ends_by_itself() -> Outcome {
    let api = Api::start(&[]).await?;
    let (_, opened) = api.guest("body").await?;
    bring_about(&api, "silence", json!({ "ms": 600_000 })).await?;
    assert_eq!(refresh(&api, &opened["refreshToken"]).await?.status(), StatusCode::SERVICE_UNAVAILABLE);
    bring_about(&api, "silence", json!({ "ms": 0 })).await?;
    assert_eq!(refresh(&api, &opened["refreshToken"]).await?.status(), StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_dropped_is_unknown() -> Outcome {
    let api = Api::start(&[]).await?;
    let (_, opened) = api.guest("body").await?;
    let session = &opened["session"];
    bring_about(&api, "drop-session", json!({ "subject": session["subject"], "id": session["id"] })).await?;
    let (status, ended) = problem(refresh(&api, &opened["refreshToken"]).await?).await?;
    assert_eq!((status, &ended["reason"], &ended["reconnect"]), (401, &json!("unknown"), &json!("allowed")));
    Ok(())
}

#[tokio::test]
async fn a_page_of_another_site_brings_nothing_about() -> Outcome {
    let api = Api::start(&[]).await?;
    for route in ["cold-start", "drop-session", "lose-answer", "silence"] {
        // What a page can send without being asked first is not JSON.
        let plain = api.post(&format!("/demo/{route}")).header("content-type", "text/plain").body("{}").send().await?;
        assert_eq!(plain.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{route}");
        let asked = api.request(Method::OPTIONS, &format!("/demo/{route}"));
        let asked = asked.header("origin", "https://evil.example").header("access-control-request-method", "POST");
        assert!(!asked.send().await?.headers().contains_key("access-control-allow-origin"), "{route}");
    }
    Ok(())
}

#[tokio::test]
async fn the_page_is_served_beside_the_api_and_nothing_above_it() -> Outcome {
    let folder = TempDir::new()?;
    let page = folder.path().join("page");
    std::fs::create_dir(&page)?;
    std::fs::write(page.join("index.html"), "<title>demo</title>")?;
    std::fs::write(page.join("session-policy"), "not the API")?;
    std::fs::write(folder.path().join("private"), "private")?;
    let api = Api::serving(page, &[]).await?;
    let index = api.get("/").send().await?;
    assert_eq!((index.status(), &index.headers()["content-type"]), (StatusCode::OK, &"text/html".parse()?));
    let index_again = api.get("/").send().await?;
    assert_eq!(index.text().await?, "<title>demo</title>");
    let changed = index_again.headers()["last-modified"].clone();
    let unchanged = api.get("/").header("if-modified-since", changed).send().await?;
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED, "a second tab");
    let policy: Value = api.get("/session-policy").send().await?.json().await?;
    assert!(policy["version"].is_string());
    for path in ["/private", "/%2e%2e/private", "/..%2fprivate", "/nothing"] {
        assert_eq!(api.get(path).send().await?.status(), StatusCode::NOT_FOUND, "{path}");
    }
    Ok(())
}

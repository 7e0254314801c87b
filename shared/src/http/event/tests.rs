use serde_json::{Value, json};

use super::*;
use crate::http::Cookies;

const INVOCATION: Invocation<'_> = Invocation { request_id: "invocation-1", trace_id: None };

fn event(change: impl FnOnce(&mut Value)) -> Box<RawValue> {
    let mut event = json!({
        "version": "2.0", "routeKey": "POST /refresh", "rawPath": "/refresh", "rawQueryString": "",
        "headers": { "host": "api.example.com", "x-forwarded-proto": "https" }, "isBase64Encoded": false,
        "requestContext": { "accountId": "1", "apiId": "a", "domainName": "api.example.com", "domainPrefix": "api",
            "requestId": "request-1", "routeKey": "POST /refresh", "stage": "$default", "time": "t", "timeEpoch": 1,
            "http": { "method": "POST", "path": "/refresh", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.1", "userAgent": "u" } }
    });
    change(&mut event);
    RawValue::from_string(event.to_string()).unwrap()
}

async fn answered(event: &RawValue) -> (i64, Value) {
    let answer = answer_event(event, &INVOCATION, async |_| Response::new(Body::Text("{}".to_owned()))).await;
    let body = match answer.body {
        Some(Body::Text(text)) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    };
    (answer.status_code, body)
}

#[tokio::test]
async fn an_event_that_cannot_be_a_request_is_a_400_that_names_it() {
    for (name, change) in [
        (
            "bad base64",
            (|event| {
                event["body"] = json!("%%%");
                event["isBase64Encoded"] = json!(true);
            }) as fn(&mut Value),
        ),
        ("raw space in the query", |event| event["rawQueryString"] = json!("a b")),
        ("line break in a header", |event| event["headers"]["host"] = json!("api.example.com\n")),
        ("no method", |event| {
            event["requestContext"]["http"].as_object_mut().unwrap().remove("method");
        }),
        ("no route", |event| {
            event["requestContext"].as_object_mut().unwrap().remove("routeKey");
        }),
    ] {
        let (status, body) = answered(&event(change)).await;
        assert_eq!(
            (status, &body["code"], &body["requestId"]),
            (400, &json!("invalid_request"), &json!("request-1")),
            "{name}"
        );
    }
}

#[test]
fn a_request_is_what_the_event_says() {
    let described = event(|event| {
        event["rawQueryString"] = json!("scope=all");
        event["cookies"] = json!(["name=caf\u{e9}", "__Host-refresh=token"]);
        event["headers"]["host"] = json!("api example:99999");
        event["pathParameters"] = json!({ "id": "one" });
        event["body"] = json!("e30=");
        event["isBase64Encoded"] = json!(true);
    });
    let request = request(&described).unwrap();
    assert_eq!((request.method().as_str(), request.uri().query()), ("POST", Some("scope=all")));
    let refresh = Cookies::read(&request).unwrap().refresh;
    assert_eq!(refresh, Some("token"), "a cookie that is no ASCII text hides no other");
    assert_eq!(request.headers()["host"], "api example:99999");
    assert_eq!(request.path_parameters_ref().and_then(|parameters| parameters.first("id")), Some("one"));
    assert_eq!(request.body(), &Body::Binary(b"{}".to_vec()));
    assert_eq!((route(&request), request_id(&request)), ("POST /refresh", "request-1"));
}

#[tokio::test]
async fn another_kind_of_event_is_a_400_that_names_the_invocation() {
    for event in [json!({}), json!([]), json!("x"), json!({ "Records": [{ "eventSource": "aws:sqs" }] })] {
        let (status, body) = answered(&RawValue::from_string(event.to_string()).unwrap()).await;
        assert_eq!((status, &body["requestId"]), (400, &json!("invocation-1")), "{event}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_valid_is_refused_before_it_is_decoded() {
    for (length, status) in [(LONGEST_ENCODED, 200), (LONGEST_ENCODED + 1, 413)] {
        let event = event(|event| event["body"] = json!("x".repeat(length)));
        assert_eq!(answered(&event).await.0, status, "{length} characters");
    }
}

#[tokio::test]
async fn a_panic_in_a_handler_is_a_500_and_the_next_request_works() {
    let broken = answer_event(&event(|_| {}), &INVOCATION, async |_| panic!("hunter2")).await;
    assert_eq!(broken.status_code, 500);
    let Some(Body::Text(body)) = broken.body else { panic!("no body") };
    assert!(body.contains("internal_error") && !body.contains("hunter2"), "{body}");
    assert_eq!(answered(&event(|_| {})).await.0, 200);
}

#[tokio::test]
async fn cookies_are_kept_apart_from_headers() {
    let event = event(|_| {});
    let answer = answer_event(&event, &INVOCATION, async |_| {
        Response::builder().header(SET_COOKIE, "a=1").header(SET_COOKIE, "b=2").body(Body::Empty).unwrap()
    });
    let answer = answer.await;
    assert_eq!(answer.cookies, ["a=1", "b=2"]);
    assert!(!answer.headers.contains_key(SET_COOKIE));
}

#[test]
fn headers_about_the_way_and_about_abilities_are_left_out_and_all_others_read() {
    let described = event(|event| {
        event["headers"] = json!({
            "accept": "*/*", "accept-language": "de", "sec-ch-ua": "x", "x-amzn-trace-id": "Root=1", "x-forwarded-for": "192.0.2.1",
            "X-Session-Client": "1", "sec-fetch-site": "cross-site", "origin": "https://app.example.com", "x-own": "\u{e9}",
        });
    });
    let escaped = described.get().replace("\"origin\"", r#""\u006frigin""#);
    let request = request(&RawValue::from_string(escaped).unwrap()).unwrap();
    let mut names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["origin", "sec-fetch-site", "x-own", "x-session-client"]);
}

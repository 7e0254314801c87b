use lambda_http::http;

use super::*;

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Example {
    name: String,
    #[serde(default)]
    last_active_ms_ago: LastActive,
    inner: Option<Inner>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "camelCase")]
enum Inner {
    Leaf { secret: String },
    Bare {},
}

fn request(content_type: &str, body: impl Into<Body>) -> Request {
    http::Request::builder().header(CONTENT_TYPE, content_type).body(body.into()).unwrap()
}

fn read(body: &str) -> Result<Option<Example>, SessionError> {
    json(&request("application/json", body))
}

fn refused(body: &str) -> (String, String) {
    match read(body) {
        Err(SessionError::Invalid(violations)) => (violations[0].pointer.clone(), violations[0].detail.clone()),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn a_valid_object_is_read_and_an_empty_body_is_none() {
    let example = Example { name: "a".to_owned(), last_active_ms_ago: LastActive::Absent, inner: None };
    assert_eq!(read(r#" {"name": "a"} "#).unwrap(), Some(example));
    assert_eq!(read("").unwrap(), None);
    let leaf = read(r#"{"name":"a","inner":{"kind":"leaf","secret":"s"}}"#).unwrap().unwrap();
    assert_eq!(leaf.inner, Some(Inner::Leaf { secret: "s".to_owned() }));
    let bare = read(r#"{"name":"a","inner":{"kind":"bare"}}"#).unwrap().unwrap();
    assert_eq!(bare.inner, Some(Inner::Bare {}));
}

#[test]
fn what_is_not_exactly_one_such_object_is_refused_with_its_place_and_without_its_value() {
    for (body, pointer, detail) in [
        (r#"["hunter2"]"#, "", "must not contain an array"),
        (r#"{"name":["hunter2"]}"#, "", "must not contain an array"),
        (r#"{"name":"a","inner":["leaf","hunter2"]}"#, "", "must not contain an array"),
        (r#"{"name":"a","name":"hunter2"}"#, "", "must not contain a key twice"),
        (r#"{"name":"a","n\u0061me":"hunter2"}"#, "", "must not contain a key twice"),
        (r#"{"name":"a","inner":{"kind":"bare","kind":"bare"}}"#, "", "must not contain a key twice"),
        (r#"{"name":"a"} x"#, "", "must be one JSON object in UTF-8"),
        ("{\"name\":\"\u{1}\"}", "", "must be one JSON object in UTF-8"),
        ("\u{feff}{\"name\":\"a\"}", "", "must be one JSON object in UTF-8"),
        (r#"{"name":"\ud800"}"#, "", "must be one JSON object in UTF-8"),
        (r#""hunter2""#, "", "has the wrong type or is out of range"),
        (r#"{"name":5}"#, "/name", "has the wrong type or is out of range"),
        (r#"{"name":"a","lastActiveMsAgo":"hunter2"}"#, "/lastActiveMsAgo", "has the wrong type or is out of range"),
        ("{}", "", "missing field `name`"),
        (r#"{"name":"a","extra":1}"#, "/extra", "unknown field `extra`"),
        (r#"{"name":"a","inner":{"kind":"hunter2"}}"#, "/inner/kind", "must be `leaf` or `bare`"),
        (r#"{"name":"a","inner":{"kind":"leaf"}}"#, "/inner", "missing field `secret`"),
        (r#"{"name":"a","inner":{"kind":"bare","more":1}}"#, "/inner", "unknown field `more`"),
    ] {
        assert_eq!(refused(body), (pointer.to_owned(), detail.to_owned()), "{body}");
    }
}

#[test]
fn objects_nest_16_deep_and_no_deeper() {
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert_eq!(refused(&nested(16)), ("/a".to_owned(), "unknown field `a`".to_owned()));
    assert_eq!(refused(&nested(17)).1, "must not be nested deeper than 16");
}

#[test]
fn last_active_is_a_whole_number_null_or_absent() {
    for (value, expected) in
        [("0", Some(LastActive::MsAgo(0))), ("null", Some(LastActive::Nobody)), ("-1", None), ("1.5", None)]
    {
        let body = format!(r#"{{"name":"a","lastActiveMsAgo":{value}}}"#);
        assert_eq!(read(&body).ok().flatten().map(|example| example.last_active_ms_ago), expected, "{value}");
    }
}

#[test]
fn a_body_has_at_most_16_kib() {
    let body = |length: usize| format!(r#"{{"name":"{}"}}"#, "x".repeat(length - r#"{"name":""}"#.len()));
    assert!(read(&body(16 * 1024)).unwrap().is_some());
    assert!(matches!(read(&body(16 * 1024 + 1)), Err(SessionError::BodyTooLarge)));
}

#[test]
fn only_json_in_utf_8_is_taken() {
    for (content_type, taken) in [
        ("application/json", true),
        ("Application/JSON; charset=UTF-8", true),
        ("application/json; charset=latin1", false),
        ("application/jsonp", false),
        ("text/plain", false),
        ("application/x-www-form-urlencoded", false),
        ("", false),
    ] {
        let result = json::<Example>(&request(content_type, r#"{"name":"a"}"#));
        assert_eq!(result.is_ok(), taken, "{content_type:?}");
        if !taken {
            assert!(matches!(result, Err(SessionError::UnsupportedMediaType)), "{content_type:?}");
        }
    }
    let invalid = request("application/json", vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']);
    assert!(matches!(json::<Example>(&invalid), Err(SessionError::Invalid(_))));
}

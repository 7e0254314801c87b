//! Cross-site request forgery: every route that changes something, in every row of the contract's table.

use harness::{
    conversation::{Answer, Conversation, Method, PASSWORD, Proof, Session},
    emulator::Emulator,
};
use local::template::{Route, Template};
use reqwest::{RequestBuilder, header::SET_COOKIE};
use serde_json::json;
use session::settings::Variables;

use crate::{Outcome, api::Api};

const APP: &str = "https://app.example.com";

/// What is said, the headers beside the cookies, and whether the request may be one of the app's own.
type Row = (&'static str, &'static [(&'static str, &'static str)], bool);

const ROWS: [Row; 9] = [
    ("nothing else", &[], false),
    ("an origin of the app", &[("origin", APP)], false),
    ("the client's header", &[CLIENT], true),
    ("the header and the app's origin", &[CLIENT, ("origin", APP)], true),
    ("the header and the same site", &[CLIENT, ("origin", APP), ("sec-fetch-site", "same-site")], true),
    ("another origin", &[CLIENT, ("origin", "https://evil.example")], false),
    ("no origin that has a name", &[CLIENT, ("origin", "null")], false),
    ("a look-alike origin", &[CLIENT, ("origin", "https://app.example.com.evil.example")], false),
    ("another site", &[CLIENT, ("origin", APP), ("sec-fetch-site", "cross-site")], false),
];

const CLIENT: (&str, &str) = ("x-session-client", "1");

/// A session with a stored credential, and another of the same user.
struct Held {
    own: Session,
    other: Session,
}

impl Held {
    /// The cookies that a browser may hold: either, or both.
    fn cookies(&self) -> [String; 3] {
        let refresh = format!("__Host-refresh={}", self.own.refresh);
        let reconnect = format!("__Host-reconnect={}", self.own.reconnect);
        [format!("{refresh}; {reconnect}"), refresh, reconnect]
    }

    /// A request that is right in everything but where it comes from.
    fn request(&self, client: &Conversation, route: &Route) -> Outcome<RequestBuilder> {
        let path = route.path.replace("{id}", &self.other.id);
        let request = client.request(Method::from_bytes(route.method.as_bytes())?, &path);
        Ok(match route.path.as_str() {
            "/connect" => request.json(&json!({ "credential": { "kind": "guest" } })),
            "/register" => request.json(&json!({ "username": "eve", "password": PASSWORD })),
            "/refresh" | "/logout" => request,
            _ => request.bearer_auth(&self.own.access),
        })
    }
}

async fn connected(client: &Conversation) -> Outcome<Held> {
    let proof = Proof::Password("ada", PASSWORD);
    let own = client.connect(proof, true).await?.expect(201)?.session()?;
    Ok(Held { own, other: client.connect(proof, false).await?.expect(201)?.session()? })
}

fn changing() -> Outcome<Vec<Route>> {
    let routes = Template::read()?.routes.into_iter().filter(|route| route.method != "GET");
    let routes: Vec<_> = routes.collect();
    assert_eq!(routes.len(), 7, "{routes:?}");
    Ok(routes)
}

async fn api(emulator: &Emulator) -> Outcome<Api> {
    let settings: Variables = [("SESSION_ORIGINS", APP)].into_iter().collect();
    Api::with(emulator, &settings).await
}

fn passed(answer: &Answer) -> bool {
    !["csrf_rejected", "origin_not_allowed"].contains(&answer.refusal().as_str())
}

#[tokio::test]
async fn a_request_with_a_session_cookie_changes_nothing_unless_it_proves_where_it_comes_from() -> Outcome {
    let emulator = Emulator::start().await?;
    let client = &api(&emulator).await?.client;
    client.register("ada", false).await?.expect(201)?;
    for route in changing()? {
        for (row, headers, allowed) in ROWS {
            let held = connected(client).await?;
            for cookies in held.cookies() {
                let before = emulator.dump().await?;
                let request = held.request(client, &route)?.header("cookie", &cookies);
                let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
                let answer = client.send(request).await?;
                let case = format!("{} {}: {row}", route.method, route.path);
                assert_eq!(passed(&answer), allowed, "{case}: {answer:?}");
                if !allowed {
                    assert_eq!((answer.status, answer.refusal().as_str()), (403, "csrf_rejected"), "{case}");
                    assert!(!answer.headers.contains_key(SET_COOKIE), "{case}: cookies stay as they are");
                    assert_eq!(emulator.dump().await?, before, "{case}: something changed");
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_session_is_opened_for_no_page_of_another_origin_even_without_a_cookie() -> Outcome {
    let emulator = Emulator::start().await?;
    let client = &api(&emulator).await?.client;
    client.register("ada", false).await?.expect(201)?;
    let held = connected(client).await?;
    for route in changing()?.iter().filter(|route| ["/connect", "/register"].contains(&route.path.as_str())) {
        for (origin, allowed) in [("https://evil.example", false), ("null", false), (APP, true)] {
            let before = emulator.dump().await?.len();
            let answer = client.send(held.request(client, route)?.header("origin", origin)).await?;
            let expected = if allowed { (201, "") } else { (403, "origin_not_allowed") };
            assert_eq!((answer.status, answer.refusal().as_str()), expected, "{} from {origin}", route.path);
            assert_eq!(emulator.dump().await?.len() == before, !allowed, "{} from {origin}", route.path);
        }
    }
    Ok(())
}

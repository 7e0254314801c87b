//! Every call, broken at every request it makes, in every way.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Response, StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};

use crate::{
    Outcome,
    api::Api,
    emulator::Emulator,
    proxy::{BREAKS, Break, Plan},
};

/// A call that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Guest,
    Password,
    Wrong,
    Register,
    Reconnect,
    Poll,
    PollActive,
    Refresh,
    Logout,
    List,
    EndOne,
    EndOthers,
    Keys,
}

const CALLS: [Call; 13] = [
    Call::Guest,
    Call::Password,
    Call::Wrong,
    Call::Register,
    Call::Reconnect,
    Call::Poll,
    Call::PollActive,
    Call::Refresh,
    Call::Logout,
    Call::List,
    Call::EndOne,
    Call::EndOthers,
    Call::Keys,
];

/// What a client holds before the call.
struct Held {
    name: String,
    access: String,
    cookie: String,
    stored: String,
    other: String,
}

const KEY: &str = "key-of-16-characters";

impl Call {
    /// How many requests to the table the call makes when nothing is broken.
    const fn requests(self) -> usize {
        match self {
            Self::Password | Self::Register => 3,
            Self::EndOthers | Self::Wrong | Self::Reconnect => 2,
            _ => 1,
        }
    }

    /// Whether the request at this position, counted from 1, writes; only writes meet transactions.
    const fn writes(self, position: usize) -> bool {
        match self {
            Self::Poll | Self::List | Self::Keys => false,
            _ => position == self.requests(),
        }
    }

    /// The status of a call that is done.
    fn done(self) -> StatusCode {
        match self {
            Self::Guest | Self::Password | Self::Register | Self::Reconnect => StatusCode::CREATED,
            Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::Logout | Self::EndOne => StatusCode::NO_CONTENT,
            _ => StatusCode::OK,
        }
    }

    async fn send(self, api: &Api, held: &Held) -> Outcome<Response> {
        let bearer = held.access.as_str();
        let user = json!({ "username": held.name, "password": "correct horse" });
        let request = match self {
            Self::Guest => api.post("/connect").json(&json!({ "credential": { "kind": "guest" } })),
            Self::Password => {
                let credential = json!({ "kind": "password", "username": held.name, "password": "correct horse" });
                api.post("/connect").json(&json!({ "credential": credential }))
            }
            Self::Wrong => {
                let credential = json!({ "kind": "password", "username": held.name, "password": "wrong horse" });
                api.post("/connect").json(&json!({ "credential": credential }))
            }
            Self::Reconnect => return reconnect(api, &held.stored).await,
            Self::Register => {
                let name = format!("{}-new", held.name);
                api.post("/register").json(&json!({ "username": name, "password": user["password"] }))
            }
            Self::Poll => api.post("/validate-session").bearer_auth(bearer),
            Self::PollActive => {
                api.post("/validate-session").bearer_auth(bearer).json(&json!({ "lastActiveMsAgo": 0 }))
            }
            Self::Refresh => return refresh(api, &held.cookie).await,
            Self::Logout => api.post("/logout").header("cookie", &held.cookie).header("x-session-client", "1"),
            Self::List => api.get("/sessions").bearer_auth(bearer),
            Self::EndOne => {
                api.request(reqwest::Method::DELETE, &format!("/sessions/{}", held.other)).bearer_auth(bearer)
            }
            Self::EndOthers => api.request(reqwest::Method::DELETE, "/sessions").bearer_auth(bearer),
            Self::Keys => api.get("/.well-known/jwks.json"),
        };
        Ok(request.send().await?)
    }
}

async fn refresh(api: &Api, cookie: &str) -> Outcome<Response> {
    let request = api.post("/refresh").header("cookie", cookie).header("x-session-client", "1");
    Ok(request.header("idempotency-key", KEY).send().await?)
}

async fn reconnect(api: &Api, token: &str) -> Outcome<Response> {
    let credential = json!({ "kind": "reconnect", "reconnectToken": token });
    let request = api.post("/connect").json(&json!({ "credential": credential }));
    Ok(request.header("idempotency-key", KEY).send().await?)
}

/// Two sessions of a new user; the first is the one that acts.
async fn connected(api: &Api, name: String) -> Outcome<Held> {
    let user = json!({ "username": name, "password": "correct horse", "transport": "body", "remember": true });
    let opened: Value = api.post("/register").json(&user).send().await?.json().await?;
    let credential = json!({ "kind": "password", "username": name, "password": "correct horse" });
    let other = api.post("/connect").json(&json!({ "credential": credential })).send().await?.json::<Value>().await?;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("not connected");
    Ok(Held {
        name,
        access: text(&opened["accessToken"])?,
        cookie: format!("__Host-refresh={}", text(&opened["refreshToken"])?),
        stored: text(&opened["reconnectToken"])?,
        other: text(&other["session"]["id"])?,
    })
}

/// Runs one cell; what the client saw.
async fn broken(emulator: &Emulator, api: &Api, call: Call, plan: Plan, number: usize) -> Outcome<StatusCode> {
    let held = connected(api, format!("ada-{number}")).await?;
    emulator.proxy.plan(Some(plan));
    let answer = tokio::time::timeout(Duration::from_secs(10), call.send(api, &held)).await;
    emulator.proxy.plan(None);
    let answer = answer.map_err(|_| format!("{call:?} {plan:?}: no answer within the function's time-out"))??;
    let status = answer.status();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        assert!(answer.headers().contains_key("retry-after"), "{call:?} {plan:?}");
        assert!(!answer.headers().contains_key(SET_COOKIE), "{call:?} {plan:?}: cookies are kept");
        assert_eq!(answer.json::<Value>().await?["code"], "temporarily_unavailable");
    } else {
        // A registration whose first attempt was done although its answer was lost is a name that is taken.
        let taken = call == Call::Register && status == StatusCode::CONFLICT;
        assert!(status == call.done() || taken, "{call:?} {plan:?}: {status}");
    }
    // Nothing is lost: what could be done before can be done now, with the same key and the same token.
    if call == Call::Logout {
        let again = call.send(api, &held).await?;
        assert_eq!(again.status(), StatusCode::NO_CONTENT, "{plan:?}");
        let ended = refresh(api, &held.cookie).await?.json::<Value>().await?;
        assert_eq!(ended["reason"], "logout", "{plan:?}");
    } else if call == Call::Reconnect {
        let (first, again) = (call.send(api, &held).await?, call.send(api, &held).await?);
        assert_eq!(first.status(), call.done(), "{plan:?}: the stored credential is lost");
        let (first, again): (Value, Value) = (first.json().await?, again.json().await?);
        for token in ["refreshToken", "reconnectToken"] {
            assert_eq!(first[token], again[token], "{plan:?}: the same key gives the same {token}");
        }
    } else {
        let first = refresh(api, &held.cookie).await?;
        assert_eq!(first.status(), StatusCode::OK, "{call:?} {plan:?}: the session is lost");
        let again = refresh(api, &held.cookie).await?;
        let set = |answer: &Response| answer.headers().get(SET_COOKIE).map(|value| value.as_bytes().to_vec());
        let token = |cookie: Option<Vec<u8>>| {
            cookie.and_then(|text| text.split(|byte| *byte == b';').next().map(<[u8]>::to_vec))
        };
        assert_eq!(token(set(&first)), token(set(&again)), "{call:?} {plan:?}: the same key gives the same token");
    }
    Ok(status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_of_the_table_loses_a_session_or_is_taken_for_anything_else() -> Outcome {
    let calls = CALLS.map(|call| {
        Box::pin(async move {
            let emulator = Emulator::start().await?;
            let api = Api::on(&emulator).await?;
            let mut outcomes = Vec::new();
            for fault in BREAKS {
                for first in 1..=call.requests() {
                    if fault == Break::Conflict && !call.writes(first) {
                        continue;
                    }
                    for lasting in [false, true] {
                        let plan = Plan { fault, first, lasting };
                        outcomes.push((plan, broken(&emulator, &api, call, plan, outcomes.len()).await?));
                    }
                }
            }
            Outcome::Ok((call, outcomes))
        })
    });
    let mut tried = 0;
    for outcomes in join_all(calls).await {
        let (call, outcomes) = outcomes?;
        tried += outcomes.len();
        for (plan, status) in outcomes {
            let once_and_retried = !plan.lasting && plan.fault != Break::Garble;
            // What was throttled, failed, late or cut is repeated by the SDK, what met a transaction by the store; a
            // write that had been applied is recognised.
            if once_and_retried {
                assert_eq!(status, call.done(), "{call:?} {plan:?}");
            } else {
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{call:?} {plan:?}");
            }
        }
    }
    // Twenty requests in six ways, the ten of them that write in a seventh, once and lasting.
    assert_eq!(tried, (20 * 6 + 10) * 2);
    Ok(())
}

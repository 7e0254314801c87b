//! Every call, broken at every request it makes, in every way.

use std::time::Duration;

use futures_util::future::join_all;
use harness::{
    conversation::{Answer, Conversation, PASSWORD, Presence, Proof, Session},
    emulator::Emulator,
    proxy::{Break, Plan},
};
use reqwest::{Method, RequestBuilder, header::SET_COOKIE};

use crate::{FOR_EVER, Outcome, api::Api};

/// What one attempt may take where the table is late. Short, so that three of them do not take long; and long enough
/// for a healthy request on a busy machine.
const TIME_OUT: (&str, &str) = ("SESSION_AWS_TIMEOUT", "2s");

/// Longer than that.
const LATE: Break = Break::Delay(Duration::from_millis(2_600));

/// Every way to break a request.
const BREAKS: [Break; 7] =
    [Break::Throttle, Break::Conflict, Break::Fail, LATE, Break::Cut, Break::Garble, Break::LoseAnswer];

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
    session: Session,
    other: String,
}

const KEYS: &[&str] = &["key-of-16-characters"];

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
    const fn done(self) -> u16 {
        match self {
            Self::Guest | Self::Password | Self::Register | Self::Reconnect => 201,
            Self::Wrong => 401,
            Self::Logout | Self::EndOne => 204,
            _ => 200,
        }
    }

    async fn send(self, client: &Conversation, held: &Held) -> Outcome<Answer> {
        let Held { name, session, other } = held;
        let access = session.access.as_str();
        match self {
            Self::Guest => client.connect(Proof::Guest, false).await,
            Self::Password => client.connect(Proof::Password(name, PASSWORD), false).await,
            Self::Wrong => client.connect(Proof::Password(name, "wrong horse"), false).await,
            Self::Reconnect => client.reconnect(&session.reconnect, KEYS).await,
            Self::Register => client.register(&format!("{name}-new"), false).await,
            Self::Poll => client.poll(access, Presence::Nobody).await,
            Self::PollActive => client.poll(access, Presence::Now).await,
            Self::Refresh => refresh(client, held).await,
            Self::Logout => client.send(with_cookie(client, "/logout", held)).await,
            Self::List => client.with_bearer(Method::GET, "/sessions", access).await,
            Self::EndOne => client.with_bearer(Method::DELETE, &format!("/sessions/{other}"), access).await,
            Self::EndOthers => client.with_bearer(Method::DELETE, "/sessions", access).await,
            Self::Keys => client.get("/.well-known/jwks.json").await,
        }
    }
}

/// A request with the refresh token in its cookie, as browsers send it.
fn with_cookie(client: &Conversation, path: &str, held: &Held) -> RequestBuilder {
    let cookie = format!("__Host-refresh={}", held.session.refresh);
    client.request(Method::POST, path).header("cookie", cookie).header("x-session-client", "1")
}

async fn refresh(client: &Conversation, held: &Held) -> Outcome<Answer> {
    client.send(with_cookie(client, "/refresh", held).header("idempotency-key", KEYS.join(","))).await
}

/// Two sessions of a new user; the first is the one that acts.
async fn connected(client: &Conversation, name: String) -> Outcome<Held> {
    let session = client.register(&name, true).await?.session()?;
    let other = client.connect(Proof::Password(&name, PASSWORD), false).await?.session()?.id;
    Ok(Held { name, session, other })
}

/// The cookie that an answer sets, without its attributes.
fn set(answer: &Answer) -> Option<&[u8]> {
    answer.headers.get(SET_COOKIE)?.as_bytes().split(|byte| *byte == b';').next()
}

/// Runs one cell; the status that the client saw.
async fn broken(emulator: &Emulator, client: &Conversation, call: Call, plan: Plan, number: usize) -> Outcome<u16> {
    let held = connected(client, format!("ada-{number}")).await?;
    emulator.proxy.plan(Some(plan));
    let answer = tokio::time::timeout(FOR_EVER, call.send(client, &held)).await;
    emulator.proxy.plan(None);
    let answer = answer.map_err(|_| format!("{call:?} {plan:?}: no answer"))??;
    let status = answer.status;
    if status == 503 {
        assert!(answer.headers.contains_key("retry-after"), "{call:?} {plan:?}");
        assert!(!answer.headers.contains_key(SET_COOKIE), "{call:?} {plan:?}: cookies are kept");
        assert_eq!(answer.refusal(), "temporarily_unavailable");
    } else {
        // A registration whose first attempt was done although its answer was lost is a name that is taken.
        let taken = call == Call::Register && status == 409;
        assert!(status == call.done() || taken, "{call:?} {plan:?}: {status}");
    }
    // Nothing is lost: what could be done before can be done now, with the same key and the same token.
    if call == Call::Logout {
        call.send(client, &held).await?.expect(204)?;
        assert_eq!(refresh(client, &held).await?.refusal(), "session_ended logout", "{plan:?}");
    } else if call == Call::Reconnect {
        let first = call.send(client, &held).await?.session()?;
        let again = call.send(client, &held).await?.session()?;
        let tokens = |session: &Session| (session.refresh.clone(), session.reconnect.clone());
        assert_eq!(tokens(&first), tokens(&again), "{plan:?}: the same key gives the same tokens");
    } else {
        let first = refresh(client, &held).await?.expect(200)?;
        let again = refresh(client, &held).await?;
        assert_eq!(set(&first), set(&again), "{call:?} {plan:?}: the same key gives the same token");
    }
    Ok(status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_of_the_table_loses_a_session_or_is_taken_for_anything_else() -> Outcome {
    let calls = CALLS.map(|call| {
        Box::pin(async move {
            let emulator = Emulator::start().await?;
            let patient = Api::on(&emulator).await?;
            let impatient = Api::with(&emulator, &[TIME_OUT].into_iter().collect()).await?;
            let mut outcomes = Vec::new();
            for fault in BREAKS {
                let client = if fault == LATE { &impatient.client } else { &patient.client };
                for first in 1..=call.requests() {
                    if fault == Break::Conflict && !call.writes(first) {
                        continue;
                    }
                    for lasting in [false, true] {
                        let plan = Plan { fault, first, lasting };
                        outcomes.push((plan, broken(&emulator, client, call, plan, outcomes.len()).await?));
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
                assert_eq!(status, 503, "{call:?} {plan:?}");
            }
        }
    }
    // Twenty requests in six ways, the ten of them that write in a seventh, once and lasting.
    assert_eq!(tried, (20 * 6 + 10) * 2);
    Ok(())
}

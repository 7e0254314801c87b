//! Sessions of users who log in to a database, and what happens to them when sessions or the database are lost.

use harness::emulator::{Emulator, text};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use session::settings::Variables;

use super::{Database, Engine};
use crate::{
    Outcome,
    api::{Api, problem},
    world::secret,
};

const PASSWORD: &str = "canary-db-Pa55word";

/// A database with a user, and the API that takes its logins.
struct Stage {
    database: Database,
    emulator: Emulator,
    api: Api,
}

impl Stage {
    async fn set(engine: Engine) -> Outcome<Option<Self>> {
        let Some(database) = Database::start(engine).await? else { return Ok(None) };
        database.create_user("canaryuser", PASSWORD).await?;
        let emulator = Emulator::start().await?;
        let api = Api::with(&emulator, &taking(database.settings("localhost:PORT"))).await?;
        Ok(Some(Self { database, emulator, api }))
    }

    async fn connect(&self, string: &str, remember: bool) -> Outcome<Response> {
        let credential = json!({ "kind": "connectionString", "connectionString": string });
        let body = json!({ "credential": credential, "remember": remember, "transport": "body" });
        Ok(self.api.post("/connect").json(&body).send().await?)
    }

    /// Connects and is remembered; everything that was answered.
    async fn remembered(&self) -> Outcome<Value> {
        let answer = self.connect(&self.database.string("canaryuser", PASSWORD), true).await?;
        assert_eq!(answer.status(), StatusCode::CREATED);
        Ok(answer.json().await?)
    }

    async fn reconnect(&self, token: &Value, key: &str) -> Outcome<Response> {
        let credential = json!({ "kind": "reconnect", "reconnectToken": token });
        let request = self.api.post("/connect").json(&json!({ "credential": credential }));
        Ok(request.header("idempotency-key", format!("{key:-<16}")).send().await?)
    }
}

/// The settings of a stack that takes connection strings.
fn taking(mut settings: Variables) -> Variables {
    settings.set("SESSION_CREDENTIALS", "password,connectionString");
    settings.set("SESSION_SECRET", secret("one", &[]));
    settings
}

#[tokio::test]
async fn a_user_of_a_database_reconnects_after_the_session_was_lost() -> Outcome {
    for engine in Engine::ALL {
        let Some(stage) = Stage::set(engine).await? else { continue };
        let opened = stage.remembered().await?;
        let mut answers = vec![opened.to_string()];
        let mut token = opened["reconnectToken"].clone();
        for round in 1..=3 {
            stage.emulator.lose_sessions().await?;
            let answer = stage.reconnect(&token, &format!("round-{round}")).await?;
            assert_eq!(answer.status(), StatusCode::CREATED, "{engine:?}, round {round}");
            let next: Value = answer.json().await?;
            assert_eq!(next["session"]["subject"], opened["session"]["subject"]);
            assert_eq!(next["session"]["credential"], "connectionString");
            let refreshed = stage.api.post("/refresh").json(&json!({ "refreshToken": next["refreshToken"] }));
            assert_eq!(refreshed.send().await?.status(), StatusCode::OK, "{engine:?}, round {round}");
            answers.push(next.to_string());
            token = next["reconnectToken"].clone();
        }
        let table = format!("{:?}", stage.emulator.dump().await?);
        for private in [PASSWORD, "canaryuser", "localhost", "canary"] {
            assert!(!table.contains(private), "{private} is in the table");
            assert!(!answers.iter().any(|answer| answer.contains(private)), "{private} is in an answer");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_ends_the_stored_credential() -> Outcome {
    for engine in Engine::ALL {
        let Some(stage) = Stage::set(engine).await? else { continue };
        let opened = stage.remembered().await?;
        stage.emulator.lose_sessions().await?;
        stage.database.change_password("canaryuser", "another-password").await?;
        for key in ["first", "again"] {
            let (status, refused) = problem(stage.reconnect(&opened["reconnectToken"], key).await?).await?;
            assert_eq!((status, &refused["code"]), (401, &json!("credential_rejected")), "{engine:?}");
        }
        let stored = stage.emulator.items("R#").await?;
        assert_eq!((text(&stored[0], "removed_for")?, stored[0].contains_key("sealed")), ("rejected", false));
        // Changed back, it stays gone.
        stage.database.change_password("canaryuser", PASSWORD).await?;
        let (status, _) = problem(stage.reconnect(&opened["reconnectToken"], "late").await?).await?;
        assert_eq!(status, 401, "{engine:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_down_changes_nothing() -> Outcome {
    for engine in Engine::ALL {
        let Some(mut stage) = Stage::set(engine).await? else { continue };
        let opened = stage.remembered().await?;
        stage.emulator.lose_sessions().await?;
        let before = stage.emulator.items("R#").await?;
        stage.database.stop().await?;
        let down = stage.connect(&stage.database.string("canaryuser", PASSWORD), true).await?;
        assert!(down.headers().contains_key("retry-after"));
        assert_eq!(problem(down).await?.1["code"], "temporarily_unavailable", "{engine:?}");
        let down = stage.reconnect(&opened["reconnectToken"], "key").await?;
        assert_eq!(down.status(), StatusCode::SERVICE_UNAVAILABLE, "{engine:?}");
        assert_eq!(stage.emulator.items("R#").await?, before);
        stage.database.start_again().await?;
        let back = stage.reconnect(&opened["reconnectToken"], "key").await?;
        assert_eq!(back.status(), StatusCode::CREATED, "{engine:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stored_credential_outlives_settings_and_servers_that_do_not_take_it() -> Outcome {
    for engine in Engine::ALL {
        let Some(mut stage) = Stage::set(engine).await? else { continue };
        let opened = stage.remembered().await?;
        let before = stage.emulator.items("R#").await?;
        let right = stage.database.settings("localhost:PORT");
        let mut other_kind = taking(right.clone());
        other_kind.set("SESSION_CREDENTIALS", "password");
        let mut unknown_authority = taking(right.clone());
        unknown_authority.set("CONNECT_CA_FILE", "");
        for (case, settings, status) in [
            ("another host", taking(stage.database.settings("db.example.com:PORT")), 401),
            ("another port", taking(stage.database.settings("localhost:1")), 401),
            ("no connection strings", other_kind, 401),
            // Somebody else may answer in its place: that says nothing about the credential.
            ("a certificate that is not trusted", unknown_authority, 503),
        ] {
            stage.api = Api::with(&stage.emulator, &settings).await?;
            let answer = stage.reconnect(&opened["reconnectToken"], "key").await?;
            assert_eq!(answer.status().as_u16(), status, "{engine:?}, {case}");
            assert_eq!(stage.emulator.items("R#").await?, before, "{engine:?}, {case}");
        }
        stage.api = Api::with(&stage.emulator, &taking(right)).await?;
        assert_eq!(stage.reconnect(&opened["reconnectToken"], "key").await?.status(), StatusCode::CREATED);
    }
    Ok(())
}

/// X7, X8.
#[tokio::test]
async fn causes_of_a_refused_login_cannot_be_told_apart() -> Outcome {
    let Some(stage) = Stage::set(Engine::Postgres).await? else { return Ok(()) };
    let right = stage.database.string("canaryuser", PASSWORD);
    let not_allowed = right.replace("localhost", "db.example.com");
    let mut bodies = Vec::new();
    for string in [
        stage.database.string("canaryuser", "wrong"),
        stage.database.string("nobody", PASSWORD),
        right.replace("/app", "/nothing"),
        not_allowed,
    ] {
        let (status, mut body) = problem(stage.connect(&string, false).await?).await?;
        body["requestId"] = json!("");
        bodies.push((status, body));
    }
    let credential = json!({ "kind": "password", "username": "nobody", "password": "correct horse" });
    let password = stage.api.post("/connect").json(&json!({ "credential": credential })).send().await?;
    let (status, mut body) = problem(password).await?;
    body["requestId"] = json!("");
    bodies.push((status, body));
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!((bodies[0].0, &bodies[0].1["code"]), (401, &json!("credential_rejected")));
    Ok(())
}

/// X1.
#[tokio::test]
async fn a_string_of_another_form_is_told_by_field_and_not_repeated() -> Outcome {
    let Some(stage) = Stage::set(Engine::Postgres).await? else { return Ok(()) };
    let right = stage.database.string("canaryuser", PASSWORD);
    for string in [
        right.replace("postgres://", "file://"),
        right.replace("localhost", "localhost,169.254.169.254"),
        right.replace("localhost", "127.1"),
        right.replace(&stage.database.port.to_string(), "22"),
        format!("{right}?sslmode=disable"),
        format!("{right}?hostaddr=10.0.0.1"),
    ] {
        let (status, refused) = problem(stage.connect(&string, false).await?).await?;
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (400, &json!("/credential/connectionString")),
            "{string}"
        );
        assert!(!refused.to_string().contains("canary"), "{refused}");
    }
    Ok(())
}

/// X13.
#[tokio::test]
async fn a_database_server_is_not_guessed_at_through_us() -> Outcome {
    let Some(database) = Database::start(Engine::Postgres).await? else { return Ok(()) };
    let emulator = Emulator::start().await?;
    let mut settings = taking(database.settings("localhost:PORT"));
    settings.set("CONNECT_ATTEMPTS_PER_HOST", "2");
    let api = Api::with(&emulator, &settings).await?;
    let stage = Stage { database, emulator, api };
    let mut statuses = Vec::new();
    for number in 0..3 {
        let string = stage.database.string(&format!("user{number}"), "guess");
        statuses.push(stage.connect(&string, false).await?.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 429]);
    Ok(())
}

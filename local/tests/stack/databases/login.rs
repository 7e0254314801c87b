//! Logins to real databases: who is let in, and which failure is a refusal.

use futures_util::future::join_all;
use session::{credential::connection_string::LoginFailed, settings::Variables};
use tempfile::TempDir;

use super::{Database, Engine, certificates, log_in};
use crate::Outcome;

/// What becomes of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    LetIn,
    Rejected,
    NotAllowed,
    Untrusted,
    Unreachable,
}

fn ended(login: &Result<(), LoginFailed>) -> Ended {
    match login {
        Ok(()) => Ended::LetIn,
        Err(LoginFailed::Rejected { .. }) => Ended::Rejected,
        Err(LoginFailed::NotAllowed { .. }) => Ended::NotAllowed,
        Err(LoginFailed::Untrusted { .. }) => Ended::Untrusted,
        Err(LoginFailed::Unreachable { .. }) => Ended::Unreachable,
    }
}

/// Starts a server with the user `ada`.
async fn started(engine: Engine) -> Outcome<Option<Database>> {
    let Some(database) = Database::start(engine).await? else { return Ok(None) };
    database.create_user("ada", "correct:horse").await?;
    Ok(Some(database))
}

async fn check(cases: Vec<(&str, Variables, String, Ended)>) -> Outcome {
    let logins = join_all(cases.iter().map(|(_, settings, string, _)| log_in(settings, string))).await;
    for ((name, _, _, expected), login) in cases.iter().zip(logins) {
        let login = login.map_err(|error| format!("{name}: {error}"))?;
        assert_eq!(ended(&login), *expected, "{name}: {login:?}");
        for private in ["ada", "horse", "app", "localhost"] {
            assert!(!format!("{login:?}").contains(private), "{name}: {login:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_right_password_lets_a_user_in_over_verified_tls_and_nothing_else_does() -> Outcome {
    for engine in Engine::ALL {
        let Some(database) = started(engine).await? else { continue };
        let settings = || database.settings("localhost:PORT,127.0.0.1:PORT");
        let right = || database.string("ada", "correct%3Ahorse");
        let mut strangers_ca = settings();
        let folder = TempDir::new()?;
        certificates::write(folder.path(), "localhost")?;
        strangers_ca.set("CONNECT_CA_FILE", folder.path().join("ca.pem").display().to_string());
        let mut no_ca = settings();
        no_ca.set("CONNECT_CA_FILE", "");
        check(vec![
            ("right", settings(), right(), Ended::LetIn),
            ("asking for TLS", settings(), right() + "?sslmode=verify-full", Ended::LetIn),
            ("wrong password", settings(), database.string("ada", "wrong"), Ended::Rejected),
            ("unknown user", settings(), database.string("nobody", "correct%3Ahorse"), Ended::Rejected),
            ("unknown database", settings(), right() + "x", Ended::Rejected),
            ("certificate of another name", settings(), right().replace("localhost", "127.0.0.1"), Ended::Untrusted),
            ("certificate of an unknown authority", no_ca, right(), Ended::Untrusted),
            ("certificate of another authority", strangers_ca, right(), Ended::Untrusted),
            ("not on the list", database.settings("db.example.com:PORT"), right(), Ended::NotAllowed),
        ])
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_changed_password_is_a_refusal_and_a_server_that_is_down_is_none() -> Outcome {
    for engine in Engine::ALL {
        let Some(mut database) = started(engine).await? else { continue };
        let settings = database.settings("localhost:PORT");
        let (old, new) = (database.string("ada", "correct%3Ahorse"), database.string("ada", "battery-staple"));
        assert_eq!(log_in(&settings, &old).await?, Ok(()), "{engine:?}");
        database.change_password("ada", "battery-staple").await?;
        assert_eq!(ended(&log_in(&settings, &old).await?), Ended::Rejected, "{engine:?}");
        database.stop().await?;
        assert_eq!(ended(&log_in(&settings, &new).await?), Ended::Unreachable, "{engine:?}");
        database.start_again().await?;
        assert_eq!(log_in(&settings, &new).await?, Ok(()), "{engine:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_does_without_tls_only_where_the_operator_says_so() -> Outcome {
    for engine in Engine::ALL {
        let Some(database) = started(engine).await? else { continue };
        database.create_user("plain", "correct-horse").await?;
        if engine == Engine::MariaDb {
            database.run("ALTER USER plain REQUIRE NONE").await?;
        }
        let (open, closed) = ("127.0.0.1:PORT;plaintext", "127.0.0.1:PORT");
        let string = |user, password| database.string(user, password).replace("localhost", "127.0.0.1");
        let plain = || string("plain", "correct-horse");
        check(vec![
            ("leave", database.settings(open), plain(), Ended::LetIn),
            ("no leave", database.settings(closed), plain(), Ended::Untrusted),
            ("leave, but TLS asked for", database.settings(open), plain() + "?sslmode=require", Ended::Untrusted),
            ("leave, wrong password", database.settings(open), string("plain", "wrong"), Ended::Rejected),
            (
                "leave, but the server insists",
                database.settings(open),
                string("ada", "correct%3Ahorse"),
                Ended::Rejected,
            ),
        ])
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_login_is_bound_to_the_certificate_as_far_as_the_string_asks_for_it() -> Outcome {
    let Some(database) = started(Engine::Postgres).await? else { return Ok(()) };
    for user in ["clear", "plain"] {
        database.create_user(user, "correct-horse").await?;
    }
    let (tls, open) = ("localhost:PORT", "localhost:PORT;plaintext");
    let ada =
        |asked: &str| format!("{}?sslmode=require&channel_binding={asked}", database.string("ada", "correct%3Ahorse"));
    let clear = |asked: &str| format!("{}?channel_binding={asked}", database.string("clear", "correct-horse"));
    let plain = |asked: &str| format!("{}?channel_binding={asked}", database.string("plain", "correct-horse"));
    check(vec![
        ("required", database.settings(tls), ada("require"), Ended::LetIn),
        ("preferred", database.settings(tls), ada("prefer"), Ended::LetIn),
        ("not wanted", database.settings(tls), ada("disable"), Ended::LetIn),
        // This user is asked for the password itself, which nothing binds.
        ("required of a server that cannot", database.settings(tls), clear("require"), Ended::Untrusted),
        ("preferred of a server that cannot", database.settings(tls), clear("prefer"), Ended::LetIn),
        ("required without TLS", database.settings(open), plain("require"), Ended::Untrusted),
        ("preferred without TLS", database.settings(open), plain("prefer"), Ended::LetIn),
    ])
    .await
}

#[tokio::test]
async fn a_server_must_ask_for_the_password_and_without_tls_never_for_itself() -> Outcome {
    let Some(database) = started(Engine::Postgres).await? else { return Ok(()) };
    for user in ["trusted", "clear"] {
        database.create_user(user, "correct-horse").await?;
    }
    let (tls, plaintext) = ("localhost:PORT", "localhost:PORT;plaintext");
    let string = |user| database.string(user, "correct-horse");
    check(vec![
        ("not asked for", database.settings(tls), string("trusted"), Ended::Untrusted),
        ("inside TLS", database.settings(tls), string("clear"), Ended::LetIn),
        ("in the clear", database.settings(plaintext), string("clear"), Ended::Untrusted),
    ])
    .await
}

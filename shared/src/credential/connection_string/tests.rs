use std::{cell::Cell, collections::BTreeSet, io};

use super::{
    spellings::{HOSTS, INSERTED, RESOLVED, RESTS},
    *,
};

/// A list that is as generous as one can be without opening anything private.
const GENEROUS: &str = "*.example.com,0.0.0.0/0,::/0";

fn databases(entries: &str) -> Databases {
    Databases::from_settings(&[("CONNECT_ALLOWED_HOSTS", entries)].into_iter().collect()).unwrap().unwrap()
}

/// What became of a login, how many names were looked up and how many servers were dialled.
async fn tried(databases: &Databases, text: &str, address: &str) -> (Option<Result<(), LoginFailed>>, u32, u32) {
    let Ok(string) = databases.parse(&text.into()) else { return (None, 0, 0) };
    let (look_ups, dials) = (Cell::new(0), Cell::new(0));
    let look_up = async |_: String, port| {
        look_ups.set(look_ups.get() + 1);
        Ok(vec![SocketAddr::new(address.parse().unwrap(), port)])
    };
    let dial = async |_| {
        dials.set(dials.get() + 1);
        Ok(())
    };
    let ended = databases.log_in_with(&string, look_up, dial).await;
    (Some(ended), look_ups.get(), dials.get())
}

#[tokio::test(start_paused = true)]
async fn no_spelling_of_a_forbidden_server_is_looked_up_or_dialled() {
    let databases = databases(GENEROUS);
    let mut spellings = BTreeSet::new();
    for scheme in ["postgres", "mysql"] {
        spellings.extend(HOSTS.iter().map(|host| format!("{scheme}://u:p@{host}/d")));
        spellings.extend(RESTS.iter().map(|rest| format!("{scheme}://{rest}")));
        for inserted in INSERTED {
            spellings.insert(format!("{scheme}://u{inserted}:p@db.example.com/d"));
            spellings.insert(format!("{scheme}://u:p{inserted}@db.example.com/d"));
            spellings.insert(format!("{scheme}://u:p@db.example.com{inserted}/d"));
            spellings.insert(format!("{scheme}://u:p@db.example.com/d{inserted}"));
        }
    }
    assert!(spellings.len() >= 400, "{} spellings", spellings.len());
    for text in spellings {
        let (ended, look_ups, dials) = tried(&databases, &text, "8.8.8.8").await;
        assert!(matches!(ended, None | Some(Err(LoginFailed::NotAllowed { .. }))), "{text:?}: {ended:?}");
        assert_eq!((look_ups, dials), (0, 0), "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_resolves_to_a_forbidden_address_is_looked_up_once_and_never_dialled() {
    let databases = databases(GENEROUS);
    for scheme in ["postgres", "mysql"] {
        for address in RESOLVED {
            let (ended, look_ups, dials) =
                tried(&databases, &format!("{scheme}://u:p@db.example.com/d"), address).await;
            assert!(matches!(ended, Some(Err(LoginFailed::NotAllowed { .. }))), "{address}: {ended:?}");
            assert_eq!((look_ups, dials), (1, 0), "{address}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_on_the_list_is_dialled_once() {
    for (text, look_ups) in [("postgres://u:p@db.example.com/d", 1), ("mysql://u:p@8.8.8.8/d", 0)] {
        assert_eq!(tried(&databases(GENEROUS), text, "8.8.8.8").await, (Some(Ok(())), look_ups, 1), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_takes_a_second_whatever_refused() {
    let databases = databases("*.example.com");
    let public = SocketAddr::from(([8, 8, 8, 8], 5432));
    for (host, address, takes) in
        [("evil.net", None, 0), ("db.example.com", Some("10.0.0.1"), 0), ("db.example.com", None, 400)]
    {
        let string = databases.parse(&format!("postgres://u:p@{host}/d").into()).unwrap();
        let began = tokio::time::Instant::now();
        let found = address.map_or(public, |address| SocketAddr::new(address.parse().unwrap(), 5432));
        let look_up = async |_, _| Ok(vec![found]);
        let dial = async |_| {
            sleep(Duration::from_millis(takes)).await;
            Err(LoginFailed::rejected("SQLSTATE 28P01"))
        };
        let ended = databases.log_in_with(&string, look_up, dial).await;
        assert!(matches!(ended, Err(LoginFailed::Rejected { .. } | LoginFailed::NotAllowed { .. })), "{host}");
        assert_eq!(began.elapsed().as_millis() / 10, 100, "{host} {address:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_hangs_anywhere_ends_after_five_seconds() {
    let databases = databases("*.example.com");
    let string = databases.parse(&"postgres://u:p@db.example.com/d".into()).unwrap();
    let hangs = || std::future::pending::<()>();
    let public = SocketAddr::from(([8, 8, 8, 8], 5432));
    for slow_resolver in [true, false] {
        let began = tokio::time::Instant::now();
        let look_up = async |_, _| {
            if slow_resolver {
                hangs().await;
            }
            Ok(vec![public])
        };
        let dial = async |_| {
            hangs().await;
            Ok(())
        };
        let ended = databases.log_in_with(&string, look_up, dial).await;
        assert_eq!(ended, Err(LoginFailed::unreachable("no answer in time")));
        assert_eq!(began.elapsed().as_millis() / 10, 500);
    }
}

#[tokio::test]
async fn a_resolver_that_fails_is_not_a_refusal() {
    let databases = databases("*.example.com");
    let string = databases.parse(&"postgres://u:p@db.example.com/d".into()).unwrap();
    let look_up = async |_, _| Err(io::Error::other("what a resolver says"));
    let ended = databases.log_in_with(&string, look_up, async |_| Ok(())).await;
    assert_eq!(ended, Err(LoginFailed::unreachable("its name cannot be looked up: other error")));
}

#[test]
fn a_port_that_no_entry_has_is_malformed() {
    let databases = databases("*.example.com:6432,10.0.0.1");
    for (text, taken) in [
        ("postgres://u:p@db.example.com:6432/d", true),
        ("postgres://u:p@db.example.com/d", true),
        ("mysql://u:p@db.example.com/d", true),
        ("postgres://u:p@db.example.com:3306/d", false),
        ("postgres://u:p@db.example.com:9001/d", false),
    ] {
        let problem = databases.parse(&text.into()).err();
        assert_eq!(problem, (!taken).then_some(Malformed::PortNotAllowed), "{text}");
    }
}

#[test]
fn a_user_is_an_engine_a_server_a_database_and_a_name() {
    let subject = |text: &str| grammar::parse(&text.into()).unwrap().subject();
    let ada = subject("postgres://ada:p@db.example.com/app");
    assert_eq!(ada, SubjectId::of("connectionString", "postgres://db.example.com:5432/app", "ada"));
    for same in [
        "postgresql://ada:p@db.example.com/app",
        "postgres://ada:other@db.example.com/app",
        "postgres://%61da:p@DB.example.com:5432/a%70p?sslmode=require",
    ] {
        assert_eq!(subject(same), ada, "{same}");
    }
    for other in [
        "mysql://ada:p@db.example.com:5432/app",
        "postgres://Ada:p@db.example.com/app",
        "postgres://ada:p@db2.example.com/app",
        "postgres://ada:p@db.example.com:5433/app",
        "postgres://ada:p@db.example.com/App",
        "postgres://da:p@db.example.com/app%2Fa",
    ] {
        assert_ne!(subject(other), ada, "{other}");
    }
}

#[test]
fn nothing_of_a_string_is_shown() {
    let string = databases(GENEROUS).parse(&"postgres://ada:hunter2@db.example.com/private".into()).unwrap();
    assert_eq!(format!("{string:?}"), "ConnectionString { engine: Postgres, .. }");
}

#[test]
fn a_login_can_be_awaited_on_any_thread() {
    fn movable<T: Send>(future: T) -> T {
        future
    }
    let databases = databases(GENEROUS);
    let string = databases.parse(&"postgres://u:p@db.example.com/d".into()).unwrap();
    drop(movable(databases.log_in(&string)));
}

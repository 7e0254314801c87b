//! Real databases, in a folder and on a port of their own, with TLS from an authority of their own.

use std::{
    fs::{File, read_to_string},
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use harness::clock::of_this_machine;
use session::{
    credential::connection_string::{Databases, LoginFailed},
    settings::Variables,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{FOR_EVER, Outcome};

mod certificates;
mod hostile;
mod login;
mod mariadb;
mod postgres;
mod reconnect;
mod relay;

/// The kinds of server that logins are tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    MariaDb,
}

/// The database that users log in to.
pub(crate) const DATABASE: &str = "app";

/// A running server, which takes logins as `localhost` over TLS; ended when it is dropped.
pub(crate) struct Database {
    engine: Engine,
    server: Child,
    folder: TempDir,
    pub(crate) port: u16,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Postgres, Self::MariaDb];

    /// The user that the server runs as, since it refuses to be root.
    const fn user(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mysql",
        }
    }

    const fn scheme(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mysql",
        }
    }
}

impl Database {
    /// Starts a server without users; nothing where it is not installed, which CI does not accept.
    pub(crate) async fn start(engine: Engine) -> Outcome<Option<Self>> {
        let missing = match engine {
            Engine::Postgres => postgres::programs().is_none().then_some("PostgreSQL"),
            Engine::MariaDb => (!Path::new(mariadb::SERVER).exists()).then_some("MariaDB"),
        };
        if let Some(name) = missing {
            assert_eq!(Variables::from_environment().get("CI"), None, "{name} is not installed");
            eprintln!("left out: logins to {name}, because it is not installed");
            return Ok(None);
        }
        let folder = TempDir::new()?;
        certificates::write(folder.path(), "localhost")?;
        own(engine, folder.path()).await?;
        match engine {
            Engine::Postgres => postgres::prepare(folder.path()).await?,
            Engine::MariaDb => mariadb::prepare(folder.path()).await?,
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = spawn(engine, folder.path(), port)?;
        let database = Self { engine, server, folder, port };
        database.ready().await?;
        database.run(&format!("CREATE DATABASE {DATABASE}")).await?;
        Ok(Some(database))
    }

    /// The authority that signed the server's certificate.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Settings with `entries` as the list of allowed hosts; `PORT` in them is this server's.
    pub(crate) fn settings(&self, entries: &str) -> Variables {
        let mut settings = Variables::default();
        settings.set("CONNECT_ALLOWED_HOSTS", entries.replace("PORT", &self.port.to_string()));
        settings.set("CONNECT_CA_FILE", self.ca_file().display().to_string());
        settings
    }

    /// The connection string of a user.
    pub(crate) fn string(&self, user: &str, password: &str) -> String {
        format!("{}://{user}:{password}@localhost:{}/{DATABASE}", self.engine.scheme(), self.port)
    }

    /// Adds a user who may log in over TLS only.
    pub(crate) async fn create_user(&self, name: &str, password: &str) -> Outcome {
        self.run(&match self.engine {
            Engine::Postgres => format!("CREATE USER {name} PASSWORD '{password}'"),
            Engine::MariaDb => format!(
                "CREATE USER {name} IDENTIFIED BY '{password}' REQUIRE SSL; GRANT ALL ON {DATABASE}.* TO {name}"
            ),
        })
        .await
    }

    pub(crate) async fn change_password(&self, name: &str, password: &str) -> Outcome {
        self.run(&match self.engine {
            Engine::Postgres => format!("ALTER USER {name} PASSWORD '{password}'"),
            Engine::MariaDb => format!("ALTER USER {name} IDENTIFIED BY '{password}'"),
        })
        .await
    }

    /// Runs statements as the administrator.
    pub(crate) async fn run(&self, statements: &str) -> Outcome {
        let mut client = match self.engine {
            Engine::Postgres => postgres::client(self.folder.path(), self.port)?,
            Engine::MariaDb => mariadb::client(self.folder.path()),
        };
        done(of_this_machine(&mut client).arg(statements)).await
    }

    /// Ends the server without a word.
    pub(crate) async fn stop(&mut self) -> Outcome {
        let id = self.server.id().ok_or("not running")?.to_string();
        // Ends the processes of its connections, too.
        done(Command::new("kill").args(["-QUIT", &id])).await?;
        if tokio::time::timeout(Duration::from_secs(5), self.server.wait()).await.is_err() {
            self.server.kill().await?;
        }
        Ok(())
    }

    /// Starts the server again on what it left behind, on the same port.
    pub(crate) async fn start_again(&mut self) -> Outcome {
        self.server = spawn(self.engine, self.folder.path(), self.port)?;
        self.ready().await
    }

    async fn ready(&self) -> Outcome {
        for _ in 0..300 {
            if self.run("SELECT 1").await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("not ready after 30 s: {}", read_to_string(self.folder.path().join("output"))?).into())
    }
}

/// A login as the function does it.
pub(crate) async fn log_in(settings: &Variables, string: &str) -> Outcome<Result<(), LoginFailed>> {
    let databases = Databases::from_settings(settings)?.ok_or("no list")?;
    let database = databases.parse(&string.into())?;
    Ok(tokio::time::timeout(FOR_EVER, databases.log_in(&database)).await?)
}

fn spawn(engine: Engine, folder: &Path, port: u16) -> Outcome<Child> {
    let mut command = as_its_user(
        engine,
        folder,
        &match engine {
            Engine::Postgres => postgres::server(folder, port)?,
            Engine::MariaDb => mariadb::server(folder, port),
        },
    )?;
    let written = File::options().create(true).append(true).open(folder.join("output"))?;
    command.kill_on_drop(true).stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written);
    Ok(command.spawn()?)
}

/// A command line as a process of the user that the server runs as; as our own where we are not root.
fn as_its_user(engine: Engine, folder: &Path, line: &[String]) -> Outcome<Command> {
    let (program, arguments) = line.split_first().ok_or("no program")?;
    if !is_root()? {
        let mut command = Command::new(program);
        of_this_machine(&mut command).args(arguments).current_dir(folder);
        return Ok(command);
    }
    let user = engine.user();
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups", program]);
    of_this_machine(&mut command).args(arguments).current_dir(folder);
    Ok(command)
}

async fn own(engine: Engine, folder: &Path) -> Outcome {
    if is_root()? { done(Command::new("chown").args(["-R", engine.user()]).arg(folder)).await } else { Ok(()) }
}

fn is_root() -> Outcome<bool> {
    Ok(Path::new("/proc/self").metadata()?.uid() == 0)
}

async fn done(command: &mut Command) -> Outcome {
    let ended = command.kill_on_drop(true).stdin(Stdio::null()).output().await?;
    if ended.status.success() {
        return Ok(());
    }
    let said = [ended.stdout, ended.stderr].concat();
    let program = command.as_std().get_program().display();
    Err(format!("{program} failed: {}", String::from_utf8_lossy(&said)).into())
}

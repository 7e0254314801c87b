//! How MariaDB is set up and run.

use std::path::Path;

use tokio::process::Command;

use super::{Engine, as_its_user, done};
use crate::Outcome;

pub(super) const SERVER: &str = "/usr/sbin/mariadbd";

/// Makes an empty data folder, whose root needs no password on the socket.
pub(super) async fn prepare(folder: &Path) -> Outcome {
    let line = [
        "mariadb-install-db".to_owned(),
        "--no-defaults".to_owned(),
        "--auth-root-authentication-method=normal".to_owned(),
        "--skip-test-db".to_owned(),
        "--skip-name-resolve".to_owned(),
        format!("--datadir={}", folder.join("data").display()),
    ];
    done(&mut as_its_user(Engine::MariaDb, folder, &line)?).await
}

/// The command line of the server.
pub(super) fn server(folder: &Path, port: u16) -> Vec<String> {
    let at = |name: &str| folder.join(name).display().to_string();
    vec![
        SERVER.to_owned(),
        "--no-defaults".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--innodb-flush-log-at-trx-commit=0".to_owned(),
        format!("--port={port}"),
        format!("--datadir={}", at("data")),
        format!("--socket={}", at("socket")),
        format!("--pid-file={}", at("pid")),
        format!("--ssl-ca={}", at("ca.pem")),
        format!("--ssl-cert={}", at("server.pem")),
        format!("--ssl-key={}", at("server.key")),
    ]
}

/// The administrator's client, whose next argument is what to run.
pub(super) fn client(folder: &Path) -> Command {
    let mut command = Command::new("mariadb");
    command.arg("--no-defaults").arg(format!("--socket={}", folder.join("socket").display()));
    command.args(["-u", "root", "-e"]);
    command
}

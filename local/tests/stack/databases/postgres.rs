//! How PostgreSQL is set up and run.

use std::{
    fs::{read_dir, write},
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{Engine, as_its_user, done, own};
use crate::Outcome;

/// Who may log in, and how. The administrator by the socket only; `trusted` and `plain` as no server should allow.
const RULES: &str = "\
local   all postgres trust
hostssl all trusted  all trust
host    all plain    all scram-sha-256
host    all clear    all password
hostssl all all      all scram-sha-256
";

/// The folder of the newest installed version.
pub(super) fn programs() -> Option<PathBuf> {
    let versions = read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("postgres").exists()).max()
}

fn program(name: &str) -> Outcome<String> {
    Ok(programs().ok_or("PostgreSQL is not installed")?.join(name).display().to_string())
}

/// Makes an empty cluster.
pub(super) async fn prepare(folder: &Path) -> Outcome {
    let data = folder.join("data").display().to_string();
    let rest = ["-D", &data, "-U", "postgres", "--no-sync", "--auth=trust"].map(str::to_owned);
    let line = [vec![program("initdb")?], rest.to_vec()].concat();
    done(&mut as_its_user(Engine::Postgres, folder, &line)?).await?;
    write(folder.join("data/pg_hba.conf"), RULES)?;
    own(Engine::Postgres, folder).await
}

/// The command line of the server.
pub(super) fn server(folder: &Path, port: u16) -> Outcome<Vec<String>> {
    let at = |name: &str| folder.join(name).display().to_string();
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", folder.display()),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", at("server.pem")),
        format!("ssl_key_file={}", at("server.key")),
        "fsync=off".to_owned(),
    ];
    let settings = settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]);
    Ok([program("postgres")?, "-D".to_owned(), at("data")].into_iter().chain(settings).collect())
}

/// The administrator's client, whose next argument is what to run.
pub(super) fn client(folder: &Path, port: u16) -> Outcome<Command> {
    let mut command = Command::new(program("psql")?);
    command.args([
        "-X",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-U",
        "postgres",
        "-d",
        "postgres",
        "-p",
        &port.to_string(),
        "-h",
    ]);
    command.arg(folder).arg("-c");
    Ok(command)
}

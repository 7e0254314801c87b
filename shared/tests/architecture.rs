//! The rules of the house, read from the sources: who imports whom, where outside crates are named, names, sizes and
//! versions.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Modules of this crate from the top down. One may import what stands on a line below its own, never beside or above.
const LAYERS: [&[&str]; 12] = [
    &["http"],
    &["authorize", "connect", "end", "list", "reconnect", "record", "refresh", "rotate_secret", "validate"],
    &["authenticator", "opening", "verifier"],
    &["issuer"],
    &["secret_keys", "public_keys"],
    &["store", "secret_source"],
    &["aws", "report"],
    &["audit"],
    &["stored_credential"],
    &["error"],
    &["access_token", "attempts", "policy", "seal"],
    &["lifecycle"],
];

/// Modules that any of the above may import, lowest last.
const GROUND: [&[&str]; 6] = [
    &["rotating_token", "credential"],
    &["keys"],
    &["master_secret", "identity"],
    &["sha256", "tls"],
    &["settings"],
    &["invocation", "random", "unix_time"],
];

/// Outside crates and the only modules that name them.
const NAMED_IN: [(&str, &[&str]); 25] = [
    ("argon2", &["credential"]),
    ("aws_credential_types", &["aws"]),
    ("aws_lc_rs", &["credential", "keys", "random", "rotating_token", "seal", "sha256"]),
    ("aws_sdk_dynamodb", &["store"]),
    ("aws_sdk_secretsmanager", &["secret_source"]),
    ("aws_smithy_http_client", &["aws"]),
    ("aws_types", &["aws"]),
    ("cookie", &["http"]),
    ("futures_util", &["http"]),
    ("humantime", &["policy", "unix_time"]),
    ("ipnet", &["credential"]),
    ("jsonwebtoken", &["access_token", "credential", "keys"]),
    ("lambda_http", &["http"]),
    ("metrics", &["report"]),
    ("metrics_cloudwatch_embedded", &["http"]),
    ("mysql_async", &["credential"]),
    ("pkcs8", &["keys"]),
    ("reqwest", &["credential"]),
    ("rustls", &["tls"]),
    ("serde_dynamo", &["store"]),
    ("tokio_postgres", &["credential"]),
    ("tokio_postgres_rustls", &["credential"]),
    ("tracing_subscriber", &["http"]),
    ("unicode_normalization", &["credential"]),
    ("webpki_roots", &["tls"]),
];

const BANNED_NAMES: [&str; 8] = ["common", "constants", "helper", "helpers", "misc", "models", "types", "utils"];

struct Source {
    path: PathBuf,
    /// The module directly under the crate's root.
    module: String,
    text: String,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !["target", "node_modules", "dist"].contains(&name) && !name.starts_with('.') {
                files(&path, extensions, found)?;
            }
        } else if path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|kind| extensions.contains(&kind))
        {
            found.push(path);
        }
    }
    Ok(())
}

fn sources(package: &str) -> Outcome<Vec<Source>> {
    let root = repository().join(package).join("src");
    let mut paths = Vec::new();
    files(&root, &["rs"], &mut paths)?;
    paths
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root)?.with_extension("");
            let module = inside.iter().next().and_then(|part| part.to_str()).unwrap_or_default().to_owned();
            Ok(Source { text: fs::read_to_string(&path)?, path, module })
        })
        .collect()
}

/// The names that directly follow `crate::`, alone or in braces.
fn imports(text: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            names.insert(word(after));
            continue;
        };
        let mut depth = 0;
        let mut expects_name = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => expects_name = true,
                c if depth == 0 && expects_name && !c.is_whitespace() => {
                    names.insert(word(&group[at..]));
                    expects_name = false;
                }
                _ => {}
            }
        }
    }
    names.remove("");
    names
}

fn height(module: &str) -> Option<usize> {
    LAYERS.iter().chain(&GROUND).rev().position(|layer| layer.contains(&module))
}

#[test]
fn imports_point_down_only() -> Outcome {
    for source in sources("shared")?.iter().filter(|source| source.module != "lib") {
        let own = height(&source.module).ok_or_else(|| format!("{} has no place", source.module))?;
        for import in imports(&source.text).iter().filter(|import| **import != source.module) {
            let other = height(import).ok_or_else(|| format!("{import} has no place"))?;
            assert!(other < own, "{} imports {import}, which is not below it", source.path.display());
        }
    }
    Ok(())
}

#[test]
fn the_import_reader_finds_what_it_must() {
    let text = "use crate::{\n    error::{Fault, SessionError},\n    keys,\n};\nfn f() { crate::random::bytes() }";
    assert_eq!(imports(text), ["error", "keys", "random"].map(str::to_owned).into());
}

#[test]
fn an_outside_crate_is_named_in_its_own_modules_only() -> Outcome {
    for source in sources("shared")? {
        for (outside, modules) in NAMED_IN {
            let named = [format!("use {outside}::"), format!(" {outside}::"), format!("({outside}::")];
            let found = named.iter().any(|name| source.text.contains(name.as_str()));
            let allowed = modules.contains(&source.module.as_str());
            assert!(!found || allowed, "{} names {outside}", source.path.display());
        }
    }
    Ok(())
}

#[test]
fn the_environment_the_clock_and_the_random_source_are_read_in_one_place_each() -> Outcome {
    for package in ["shared", "functions", "local"] {
        let mut paths = Vec::new();
        files(&repository().join(package), &["rs"], &mut paths)?;
        for path in paths.iter().filter(|path| !path.ends_with("architecture.rs")) {
            let text = fs::read_to_string(path)?;
            for (read, place) in [
                ("env::var", "shared/src/settings.rs"),
                ("SystemTime::now", "shared/src/unix_time.rs"),
                ("rand::fill", "shared/src/random.rs"),
            ] {
                assert!(
                    !text.contains(read) || path.ends_with(place.trim_start_matches("shared/")),
                    "{} reads {read}",
                    path.display()
                );
            }
        }
    }
    Ok(())
}

#[test]
fn functions_do_not_know_each_other() -> Outcome {
    let folders: Vec<PathBuf> =
        fs::read_dir(repository().join("functions"))?.map(|entry| Ok(entry?.path())).collect::<Outcome<_>>()?;
    let names: Vec<&str> = folders.iter().filter_map(|folder| folder.file_name()?.to_str()).collect();
    assert!(names.len() >= 6, "{names:?}");
    for folder in &folders {
        let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
        let (_, dependencies) = manifest.split_once("[dependencies]").ok_or("no dependencies")?;
        for name in &names {
            assert!(
                !dependencies.lines().any(|line| line.starts_with(&format!("{name}."))),
                "{}: {name}",
                folder.display()
            );
        }
    }
    Ok(())
}

/// The workspace's packages, by the folders that `members` lists; one that ends in `/*` stands for what is in it.
fn members(workspace: &str) -> Outcome<Vec<PathBuf>> {
    let (_, list) = workspace.split_once("\nmembers = [").ok_or("no members")?;
    let (list, _) = list.split_once(']').ok_or("no end of members")?;
    let mut folders = Vec::new();
    for member in list.split(',').map(|member| member.trim().trim_matches('"')) {
        match member.strip_suffix("/*") {
            Some(folder) => {
                for entry in fs::read_dir(repository().join(folder))? {
                    folders.push(entry?.path());
                }
            }
            None => folders.push(repository().join(member)),
        }
    }
    Ok(folders)
}

#[test]
fn every_package_and_the_client_have_one_version() -> Outcome {
    let read = |path: &str| fs::read_to_string(repository().join(path));
    let packages = members(&read("Cargo.toml")?)?;
    assert!(packages.len() >= 10, "{packages:?}");
    for package in packages {
        let manifest = fs::read_to_string(package.join("Cargo.toml"))?;
        let inherits = manifest.lines().any(|line| line == "version.workspace = true");
        assert!(inherits, "{} has a version of its own", package.display());
    }
    let client: serde_json::Value = serde_json::from_str(&read("client/package.json")?)?;
    let lock: serde_json::Value = serde_json::from_str(&read("client/package-lock.json")?)?;
    for (file, version) in [
        ("package.json", &client["version"]),
        ("package-lock.json", &lock["version"]),
        ("package-lock.json, packages", &lock["packages"][""]["version"]),
    ] {
        assert_eq!(version, env!("CARGO_PKG_VERSION"), "client/{file}");
    }
    Ok(())
}

#[test]
fn no_file_is_long_and_no_name_says_nothing() -> Outcome {
    let mut paths = Vec::new();
    files(&repository(), &["rs", "ts", "tsx"], &mut paths)?;
    assert!(paths.len() > 50, "{} files", paths.len());
    for path in paths {
        let lines = fs::read_to_string(&path)?.lines().count();
        assert!(lines <= 300, "{} has {lines} lines", path.display());
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        assert!(!BANNED_NAMES.contains(&stem), "{} says nothing", path.display());
    }
    Ok(())
}

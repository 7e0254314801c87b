//! What the README promises is what the code does.

use std::{fs, path::Path};

use session::{policy::SessionPolicy, report, settings::Variables};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The cells of the README's table rows whose first cell is a setting.
fn documented() -> Outcome<Vec<(String, String)>> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))?;
    let cell = |text: &str| text.trim().trim_matches('`').to_owned();
    let rows = readme.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        Some((cell(cells.next()?), cell(cells.next()?)))
    });
    let prefixes = ["SESSION_", "CONNECT_", "OIDC_", "LEGACY_"];
    Ok(rows.filter(|(name, _)| prefixes.iter().any(|prefix| name.starts_with(prefix))).collect())
}

#[test]
fn the_readme_lists_every_policy_setting_with_its_default() -> Outcome {
    let policy = SessionPolicy::parse(&Variables::default())?;
    let documented = documented()?;
    for (name, _) in policy.settings() {
        let (_, default) =
            documented.iter().find(|(listed, _)| listed == name).ok_or(format!("{name} is not listed"))?;
        let written: Variables = [(name, default.as_str())].into_iter().collect();
        assert_eq!(SessionPolicy::parse(&written)?, policy, "{name} = {default}");
    }
    Ok(())
}

#[test]
fn every_metric_is_documented() -> Outcome {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/logs-and-metrics.md"))?;
    let counted = [
        report::SESSIONS_CREATED,
        report::SESSIONS_ENDED,
        report::REFRESHES,
        report::RECONNECTS,
        report::STORED_CREDENTIALS_REMOVED,
        report::LEGACY_TOKENS,
        report::REFUSALS,
        report::FAULTS,
        report::VALIDATION_LATENCY,
        report::COLD_STARTS,
        report::ACTIVE_SESSIONS,
        report::SESSIONS_EXPIRED,
        report::UNREADABLE_ITEMS,
        report::UNREADABLE_RECORDS,
    ];
    for metric in counted {
        assert!(page.contains(&format!("| `{metric}` |")), "{metric}");
    }
    Ok(())
}

#[test]
fn the_readme_lists_no_setting_that_the_template_does_not_have() -> Outcome {
    let template = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml"))?;
    for name in documented()?.iter().flat_map(|(names, _)| names.split("`, `")) {
        // For machines without Secrets Manager, networks that replace certificates, and machines that are too slow.
        let elsewhere = ["SESSION_SECRET", "SESSION_TLS_ROOTS", "SESSION_AWS_TIMEOUT"].contains(&name);
        assert!(elsewhere || template.contains(&format!("{name}:")), "{name}");
    }
    Ok(())
}

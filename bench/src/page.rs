//! The measurements as a page of Markdown.

use std::{fmt::Write, process::Command};

use bench::{
    Outcome,
    target::{self, short},
    variant::{EXPRESS, FLOOR, NODE, OURS, PYTHON, RUST_DEFAULT},
};

use crate::{
    instructions::Counts,
    measure::{Sample, ratio, spread},
    targets::{Measured, all},
};

const NAMES: [&str; 6] = [FLOOR, OURS, RUST_DEFAULT, NODE, PYTHON, EXPRESS];
const OPENING: &str = include_str!("page/opening.md");
const MIB: f64 = 1_048_576.0;

/// The whole page.
pub(crate) fn write(measured: &Measured, rounds: usize, warm: usize) -> Outcome<String> {
    let processors = std::thread::available_parallelism()?;
    let system = format!("{processors} processors, {}, {}", std::env::consts::ARCH, std::env::consts::OS);
    let opening = OPENING.replace("{system}", &system).replace("{rounds}", &rounds.to_string());
    let opening = opening.replace("{warm}", &warm.to_string());
    let mut page = opening.replace("{node}", &version("node")?).replace("{python}", &version("python3")?);
    page.push_str("\n## Targets\n");
    target::table(&mut page, &all(measured)?)?;
    times(&mut page, measured)?;
    ratios(&mut page, measured)?;
    instructions(&mut page, measured)?;
    sizes(&mut page, measured)?;
    bills(&mut page, measured)?;
    Ok(page)
}

fn version(program: &str) -> Outcome<String> {
    Ok(String::from_utf8(Command::new(program).arg("--version").output()?.stdout)?.trim().to_owned())
}

fn times(page: &mut String, measured: &Measured) -> Outcome {
    writeln!(
        page,
        "\n## Times and memory\n\nLeast / median of the rounds; milliseconds and MiB. Settled: in a process that has answered thousands.\n"
    )?;
    writeln!(
        page,
        "| | init | cold start | first request | warm, median | warm, 99 % | processor, warm | processor, settled | peak memory |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|---|---|")?;
    for name in NAMES {
        let told = |of: fn(&Sample) -> f64| {
            let spread = spread(&measured.samples, name, of);
            format!("{} / {}", short(spread.least), short(spread.median))
        };
        writeln!(
            page,
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
            told(|sample| sample.init),
            told(|sample| sample.cold),
            told(|sample| sample.first),
            told(|sample| sample.warm),
            told(|sample| sample.slow),
            told(|sample| sample.processor),
            measured.settled.get(name).map_or_else(String::new, |settled| short(*settled)),
            told(|sample| sample.memory / MIB),
        )?;
    }
    Ok(())
}

fn ratios(page: &mut String, measured: &Measured) -> Outcome {
    writeln!(page, "\nTimes as much as `{OURS}`: the median of the ratios within each round.\n")?;
    writeln!(page, "| | cold start | warm, median | processor, warm | processor, settled | peak memory |")?;
    writeln!(page, "|---|---|---|---|---|---|")?;
    for name in NAMES {
        let times = |of: fn(&Sample) -> f64| short(ratio(&measured.samples, name, OURS, of));
        let settled = measured.settled.get(name).zip(measured.settled.get(OURS));
        writeln!(
            page,
            "| {name} | {} | {} | {} | {} | {} |",
            times(|sample| sample.cold),
            times(|sample| sample.warm),
            times(|sample| sample.processor),
            settled.map_or_else(String::new, |(theirs, ours)| short(theirs / ours)),
            times(|sample| sample.memory),
        )?;
    }
    Ok(())
}

fn instructions(page: &mut String, measured: &Measured) -> Outcome {
    let Counts { init, connection, cold, validate, refresh } = measured.counts;
    writeln!(
        page,
        "\n## Instructions\n\nBy callgrind, over TLS; it counts hashing as software would do it.\n\n| | |\n|---|---|"
    )?;
    for (what, count) in [
        ("`validate-session`: init, its connection to the table included", init),
        ("of which TLS", connection),
        ("cold start", cold),
        ("a warm request", validate),
        ("`refresh`: a warm request", refresh),
    ] {
        writeln!(page, "| {what} | {count} |")?;
    }
    Ok(())
}

fn sizes(page: &mut String, measured: &Measured) -> Outcome {
    writeln!(
        page,
        "\n## Sizes\n\nMiB without symbols, and deflated as in a ZIP archive. Node's runtime is not in them; the"
    )?;
    writeln!(
        page,
        "libraries of Python are, although Lambda has boto3 on board.\n\n| | stripped | zipped |\n|---|---|---|"
    )?;
    for (name, size) in &measured.sizes {
        let mib = |bytes: usize| Outcome::Ok(short(f64::from(u32::try_from(bytes)?) / MIB));
        writeln!(page, "| {name} | {} | {} |", mib(size.stripped)?, mib(size.zipped)?)?;
    }
    Ok(())
}

fn bills(page: &mut String, measured: &Measured) -> Outcome {
    writeln!(page, "\n## DynamoDB\n\nOf one operation, after the start of its function. A test in")?;
    writeln!(page, "`shared/src/store/session_item.rs` holds the largest session to 1,024 bytes.\n")?;
    writeln!(page, "| | requests | read units | write units |\n|---|---|---|---|")?;
    for (operation, bill) in &measured.bills {
        writeln!(page, "| {operation} | {} | {} | {} |", bill.requests, short(bill.read), short(bill.written))?;
    }
    Ok(())
}

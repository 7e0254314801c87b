//! What was seen, as a page of Markdown.

use std::fmt::Write;

use bench::{
    Outcome,
    target::{self, Limit, Target},
};

use crate::{
    cost::{BILLED_SECONDS, Consumption, GB},
    day::{ARRIVED, Day, LAST, OUTAGE, STEADY},
    growth::Grown,
};

const OPENING: &str = include_str!("page.md");
/// Most requests in a minute when the service is back, times the ordinary rate.
const RETURN: Limit = Limit::AtMost(3.0);
/// The same from ten minutes later on, when nobody may act in step with others any more.
const WAVE: Limit = Limit::AtMost(1.5);
const RETURNED: f64 = OUTAGE.1 + 10.0;
/// Most milliseconds with the most sessions, times those with the fewest.
const GROWTH: Limit = Limit::AtMost(1.25);
const WORKDAY_HOURS: f64 = 8.0;

/// The whole page.
pub(crate) fn write(day: &Day, growth: &[Grown]) -> Outcome<String> {
    let opening = OPENING.replace("{clients}", &thousands(day.clients)).replace("{sessions}", &thousands(day.sessions));
    let opening = opening.replace("{speed}", &day.speed.to_string()).replace("{arrived}", &ARRIVED.to_string());
    let mut page = opening.replace("{from}", &OUTAGE.0.to_string()).replace("{to}", &OUTAGE.1.to_string());
    targets(&mut page, day, growth)?;
    requests(&mut page, day)?;
    cost(&mut page, day)?;
    grown(&mut page, growth)?;
    Ok(page)
}

fn targets(page: &mut String, day: &Day, growth: &[Grown]) -> Outcome {
    let Day { lived, .. } = day;
    let ordinary = lived.mean(STEADY.0, STEADY.1);
    let (fewest, most) = growth.first().zip(growth.last()).ok_or("no table was measured")?;
    let grows = format!(
        "time of a warm validate with {} sessions in the table, times that with {}",
        thousands(most.sessions),
        thousands(fewest.sessions)
    );
    let ended = f64::from(u32::try_from(lived.endings.len())?);
    let met = [
        ("sessions that a client took for ended".to_owned(), Limit::Exactly(0.0), ended),
        (
            "most requests in a minute after the outage, times the ordinary rate".to_owned(),
            RETURN,
            lived.peak(OUTAGE.1, LAST) / ordinary,
        ),
        ("the same from ten minutes after it on".to_owned(), WAVE, lived.peak(RETURNED, LAST) / ordinary),
        (grows, GROWTH, most.took.median / fewest.took.median),
    ];
    target::table(page, &met.map(|(what, limit, figure)| Target::new(what, limit, figure, "")))
}

fn requests(page: &mut String, day: &Day) -> Outcome {
    let Day { lived, .. } = day;
    writeln!(page, "\n## Requests\n\n| | requests a second |\n|---|---|")?;
    for (what, rate) in [
        ("ordinary: the mean", lived.mean(STEADY.0, STEADY.1)),
        ("ordinary: the most in a minute", lived.peak(STEADY.0, STEADY.1)),
        ("during the outage: the mean", lived.mean(OUTAGE.0, OUTAGE.1)),
        ("during the outage: the most in a minute", lived.peak(OUTAGE.0, OUTAGE.1)),
        ("in the five minutes after it: the mean", lived.mean(OUTAGE.1, OUTAGE.1 + 5.0)),
        ("after it: the most in a minute", lived.peak(OUTAGE.1, LAST)),
    ] {
        writeln!(page, "| {what} | {rate:.1} |")?;
    }
    writeln!(page, "\n| answered | |\n|---|---|")?;
    for route in ["connect", "validate-session", "refresh", "session-policy"] {
        writeln!(page, "| {route} | {} |", thousands(lived.answered(route)))?;
    }
    writeln!(page, "\n| any other way | |\n|---|---|")?;
    for (what, count) in lived.failed() {
        writeln!(page, "| {what} | {} |", thousands(count))?;
    }
    writeln!(page, "\n| state of the clients at the end | |\n|---|---|")?;
    for (state, count) in &lived.states {
        writeln!(page, "| {state} | {} |", thousands(*count))?;
    }
    Ok(())
}

fn cost(page: &mut String, day: &Day) -> Outcome {
    let Day { lived, connect, steady, logout, clients, .. } = day;
    let hours = (STEADY.1 - STEADY.0) / 60.0;
    let sessions = f64::from(u32::try_from(*clients)?);
    let requests = lived.mean(STEADY.0, STEADY.1) * 3_600.0 * hours;
    let hour = Consumption { requests, read: steady.read, written: steady.written }.times(1.0 / (hours * sessions));
    let (connect, logout) = (Consumption::of_request(*connect), Consumption::of_request(*logout));
    let workday = connect.and(hour.times(WORKDAY_HOURS)).and(logout);
    writeln!(
        page,
        "\n## Cost\n\nRequests and units are counted, those of an hour from minute {} to minute {}. Prices are those of AWS's list for us-east-1, without free tiers and\nwithout logs and traffic; what Lambda bills for an invocation is assumed: {} ms of {GB} GB on arm64.\n",
        STEADY.0,
        STEADY.1,
        BILLED_SECONDS * 1_000.0
    )?;
    writeln!(
        page,
        "| of a million sessions | requests each | read units each | write units each | HTTP API | Lambda | DynamoDB | all |\n|---|---|---|---|---|---|---|---|"
    )?;
    for (what, some) in [
        ("connect as a guest", connect),
        ("an hour", hour),
        ("logout", logout),
        ("connect, eight hours and logout", workday),
    ] {
        let [api, lambda, table] = some.dollars();
        let Consumption { requests, read, written } = some;
        let all = api + lambda + table;
        writeln!(
            page,
            "| {what} | {requests:.2} | {read:.2} | {written:.2} | ${api:.2} | ${lambda:.2} | ${table:.2} | ${all:.2} |"
        )?;
    }
    Ok(())
}

fn grown(page: &mut String, growth: &[Grown]) -> Outcome {
    writeln!(
        page,
        "\n## Sessions in the table\n\nA warm validate by the real binary over TLS; tables take turns. Least / median of the turns' medians, in milliseconds.\n\n| sessions in the table | |\n|---|---|"
    )?;
    for Grown { sessions, took } in growth {
        writeln!(page, "| {} | {:.3} / {:.3} |", thousands(*sessions), took.least, took.median)?;
    }
    Ok(())
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_000_000, "1,000,000")] {
            assert_eq!(thousands(number), text);
        }
    }
}

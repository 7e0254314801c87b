//! Promises beside what was measured.

use std::fmt::Write;

use crate::Outcome;

/// A promise.
pub struct Target {
    /// What it is about.
    pub what: String,
    /// What must hold.
    pub limit: Limit,
    /// What was measured.
    pub figure: f64,
    /// What both are counted in.
    pub unit: &'static str,
}

/// Which side of a number is right.
#[derive(Clone, Copy)]
pub enum Limit {
    /// This much or less.
    AtMost(f64),
    /// This much or more.
    AtLeast(f64),
    /// This and nothing else.
    Exactly(f64),
}

impl Target {
    /// One that is counted in `unit`.
    pub fn new(what: impl Into<String>, limit: Limit, figure: f64, unit: &'static str) -> Self {
        Self { what: what.into(), limit, figure, unit }
    }

    /// Whether it is kept.
    #[must_use]
    pub fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtMost(most) => self.figure <= most,
            Limit::AtLeast(least) => self.figure >= least,
            Limit::Exactly(number) => (self.figure - number).abs() < f64::EPSILON,
        }
    }
}

/// Writes them as a table of Markdown.
pub fn table(page: &mut String, targets: &[Target]) -> Outcome {
    writeln!(page, "\n| what | target | measured | |\n|---|---|---|---|")?;
    for target in targets {
        let Target { what, limit, figure, unit } = target;
        let limit = match limit {
            Limit::AtMost(most) => format!("at most {most}{unit}"),
            Limit::AtLeast(least) => format!("at least {least}{unit}"),
            Limit::Exactly(number) => format!("{number}{unit}"),
        };
        let told = if target.is_met() { "met" } else { "**missed**" };
        writeln!(page, "| {what} | {limit} | {}{unit} | {told} |", short(*figure))?;
    }
    Ok(())
}

/// Three digits that say something.
#[must_use]
pub fn short(figure: f64) -> String {
    if figure.fract() == 0.0 {
        return figure.to_string();
    }
    match figure {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        1.0.. => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_up_to_and_including_its_limit() {
        for (limit, figure, met) in [
            (Limit::AtMost(1.7), 1.7, true),
            (Limit::AtMost(1.7), 1.71, false),
            (Limit::AtLeast(8.0), 8.0, true),
            (Limit::AtLeast(8.0), 7.99, false),
            (Limit::Exactly(1.0), 1.0, true),
            (Limit::Exactly(1.0), 0.5, false),
            (Limit::Exactly(1.0), 1.5, false),
            (Limit::AtMost(1.7), f64::NAN, false),
            (Limit::AtLeast(8.0), f64::NAN, false),
        ] {
            assert_eq!(Target::new("", limit, figure, "").is_met(), met, "{figure}");
        }
    }

    #[test]
    fn the_table_tells_what_was_promised_and_whether_it_is_kept() {
        let targets = [
            Target::new("cold start, times the floor's", Limit::AtMost(1.7), 1.766, ""),
            Target::new("zipped", Limit::AtMost(3.7), 3.28, " MiB"),
            Target::new("Node", Limit::AtLeast(25.0), 28.41, ""),
            Target::new("writes", Limit::Exactly(0.0), 0.0, ""),
        ];
        let mut page = String::new();
        table(&mut page, &targets).unwrap();
        let expected = "
| what | target | measured | |
|---|---|---|---|
| cold start, times the floor's | at most 1.7 | 1.77 | **missed** |
| zipped | at most 3.7 MiB | 3.28 MiB | met |
| Node | at least 25 | 28.4 | met |
| writes | 0 | 0 | met |
";
        assert_eq!(page, expected);
    }
}

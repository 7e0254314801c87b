//! Minimum, median and percentiles.

/// What is told of a number of measurements: on a machine that others use too, the rest is noise.
#[derive(Clone, Copy)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// The one in the middle.
    pub median: f64,
}

impl Spread {
    /// Of at least one measurement.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        Self { least: percentile(&mut values, 0), median: percentile(&mut values, 50) }
    }
}

/// The value that `percent` of all are at most, by the nearest rank.
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_value_at_the_nearest_rank() {
        let mut hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        for (percent, value) in [(0, 1.0), (1, 1.0), (2, 2.0), (50, 50.0), (99, 99.0), (100, 100.0)] {
            assert_eq!(percentile(&mut hundred, percent).to_bits(), f64::to_bits(value), "{percent} %");
        }
        assert_eq!(percentile(&mut [3.0, 1.0, 2.0], 50).to_bits(), 2_f64.to_bits());
    }
}

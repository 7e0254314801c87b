//! Capacity that requests consume, and what DynamoDB would bill for it.

use std::ops::{AddAssign, Sub};

use serde_json::Value;

/// Requests and the units that they consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bill {
    /// Requests of any kind.
    pub requests: u32,
    /// Read units.
    pub read: f64,
    /// Write units.
    pub written: f64,
}

impl Sub for Bill {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            read: self.read - before.read,
            written: self.written - before.written,
        }
    }
}

impl AddAssign for Bill {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.read += other.read;
        self.written += other.written;
    }
}

impl Bill {
    /// The bill of one request, from an answer that tells the consumed capacity.
    pub(crate) fn of(operation: &str, answer: &Value) -> Self {
        let units = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().map(units).sum(),
            table => units(table),
        };
        let reads = ["GetItem", "BatchGetItem", "Query"].contains(&operation);
        let (read, written) = if reads { (units, 0.0) } else { (0.0, units) };
        Self { requests: 1, read, written }
    }
}

fn units(table: &Value) -> f64 {
    table["CapacityUnits"].as_f64().unwrap_or_default()
}

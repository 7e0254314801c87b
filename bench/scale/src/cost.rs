//! What AWS would bill for sessions, from counted requests and units.

use harness::bill::Bill;

/// Dollars for a million, by AWS's list of us-east-1 without free tiers: requests to an HTTP API, requests to Lambda,
/// on-demand read and write units of DynamoDB (since November 2024).
const API_REQUESTS: f64 = 1.0;
const LAMBDA_REQUESTS: f64 = 0.2;
const READ_UNITS: f64 = 0.125;
const WRITE_UNITS: f64 = 0.625;
/// Dollars for a million GB-seconds on arm64.
const GB_SECONDS: f64 = 13.3334;
/// Not counted but assumed: what Lambda bills for an invocation. The programs take less; the way to the table is in it.
pub(crate) const BILLED_SECONDS: f64 = 0.006;
/// As in the template.
pub(crate) const GB: f64 = 0.25;

/// What something takes.
#[derive(Clone, Copy)]
pub(crate) struct Consumption {
    /// Requests to the API, each of which invokes a function.
    pub(crate) requests: f64,
    /// Read units of the table.
    pub(crate) read: f64,
    /// Write units of the table.
    pub(crate) written: f64,
}

impl Consumption {
    /// Of one request.
    pub(crate) fn of_request(bill: Bill) -> Self {
        Self { requests: 1.0, read: bill.read, written: bill.written }
    }

    /// So many times as much.
    pub(crate) fn times(self, factor: f64) -> Self {
        let Self { requests, read, written } = self;
        Self { requests: requests * factor, read: read * factor, written: written * factor }
    }

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            read: self.read + other.read,
            written: self.written + other.written,
        }
    }

    /// Dollars for a million: the API, Lambda, the table.
    pub(crate) fn dollars(self) -> [f64; 3] {
        let lambda = self.requests * (LAMBDA_REQUESTS + GB_SECONDS * BILLED_SECONDS * GB);
        [self.requests * API_REQUESTS, lambda, self.read * READ_UNITS + self.written * WRITE_UNITS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_polls_cost_what_the_list_says() {
        let poll = Consumption { requests: 1.0, read: 1.0, written: 0.0 };
        let refresh = Consumption { requests: 1.0, read: 0.0, written: 1.0 };
        let cents = |[api, lambda, table]: [f64; 3]| format!("{api:.2} {lambda:.2} {table:.3}");
        assert_eq!(cents(poll.dollars()), "1.00 0.22 0.125");
        assert_eq!(cents(poll.times(2.0).and(refresh).dollars()), "3.00 0.66 0.875");
    }
}

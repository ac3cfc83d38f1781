//! What a forecast costs, line by line.

use super::{
    Forecast, Plan, float,
    prices::{self, Price},
};

/// Hours of a month.
const MONTH_HOURS: f64 = 730.0;
/// Bytes of a gigabyte, as AWS counts.
const GB: f64 = 1e9;
/// Gigabytes of each machine's disk.
const DISK_GB: f64 = 30.0;
/// Seconds and gigabytes of one invocation; the seconds are assumed.
const INVOCATION: (f64, f64) = (0.2, 0.25);
/// Bytes of a message, an event of S3. Assumed.
const MESSAGE_BYTES: f64 = 1_000.0;

/// One line of a bill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// The price.
    pub price: Price,
    /// How many of its unit.
    pub quantity: f64,
}

impl Line {
    /// Returns the dollars of this line.
    pub fn dollars(&self) -> f64 {
        self.quantity * self.price.dollars
    }
}

/// Returns the dollars of a bill.
pub fn total(lines: &[Line]) -> f64 {
    lines.iter().map(Line::dollars).sum()
}

/// Writes the bill of a forecast: what the charts cost until the last machine ends.
///
/// The clock that asks for work is in [`clock_month`], and what is kept afterwards in
/// [`kept_month`]. What is there without charts, such as endpoints and keys, is the stacks',
/// whose templates are counted in `stacks/COSTS.md`.
pub fn bill(plan: &Plan, answer: &Forecast) -> Vec<Line> {
    let calls = &answer.calls;
    let hours = answer.worker_seconds / 3_600.0;
    let spot = hours * f64::from(plan.spot_percent) / 100.0;
    let master = answer.master_seconds / 3_600.0;
    let queue_calls = calls.sends
        + calls.receives
        + calls.empty_receives
        + calls.deletes
        + calls.extensions
        + calls.counts;
    vec![
        line(prices::WORKER, hours - spot),
        line(prices::SPOT_WORKER, spot),
        line(prices::MASTER, master),
        line(prices::DISK, (hours + master) * DISK_GB / MONTH_HOURS),
        line(prices::MONITORING, hours + master),
        line(prices::QUEUE_CALLS, float(queue_calls) / 1e6),
        line(prices::PUTS, float(calls.puts) / 1e3),
        line(prices::GETS, float(calls.gets) / 1e3),
        line(
            prices::WRITE_UNITS,
            float(calls.write_units + calls.control_units) / 1e6,
        ),
        line(prices::KEY_CALLS, float(calls.key_requests) / 1e4),
        line(prices::LAMBDA_CALLS, float(calls.invocations) / 1e6),
        line(prices::LAMBDA_TIME, lambda(float(calls.invocations))),
        line(
            prices::ENDPOINT_DATA,
            float(plan.charts) * 2.0 * MESSAGE_BYTES / GB,
        ),
    ]
}

/// Writes the bill of a month in which charts and outcomes are merely kept.
pub fn kept_month(plan: &Plan) -> Vec<Line> {
    let charts = float(plan.charts);
    let outcomes = charts * float(plan.outcome_bytes) / GB;
    vec![
        line(
            prices::OBJECT_STORAGE,
            charts * float(plan.chart_bytes) / GB,
        ),
        line(
            prices::TABLE_STORAGE,
            outcomes + charts * float(plan.index_bytes) / GB,
        ),
        line(prices::TABLE_BACKUP, outcomes),
    ]
}

/// Writes the bill of a month's clock: the rule that has launcher and reaper look for work,
/// whether there is any or not.
pub fn clock_month(plan: &Plan) -> Vec<Line> {
    let beats = MONTH_HOURS * 3_600.0 / float(plan.rule_seconds);
    vec![
        line(prices::LAMBDA_CALLS, 2.0 * beats / 1e6),
        line(prices::LAMBDA_TIME, lambda(2.0 * beats)),
        // Each invocation reads the lease and a few items more; the launcher counts the queue.
        line(prices::READ_UNITS, 2.0 * beats * 4.0 / 1e6),
        line(prices::QUEUE_CALLS, beats / 1e6),
    ]
}

fn line(price: Price, quantity: f64) -> Line {
    Line { price, quantity }
}

fn lambda(invocations: f64) -> f64 {
    invocations * INVOCATION.0 * INVOCATION.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::forecast;

    #[test]
    fn the_clock_of_a_month_costs_cents() {
        assert!(total(&clock_month(&Plan::default())) < 0.1);
    }

    #[test]
    fn writes_cost_more_than_machines_where_there_are_many_charts() {
        let plan = Plan {
            charts: 1_000_000,
            ..Plan::default()
        };
        let lines = bill(&plan, &forecast(&plan));
        let of = |price| {
            lines
                .iter()
                .find(|line| line.price == price)
                .unwrap()
                .dollars()
        };
        // A million outcomes of 12 units in the table, and of one in its index.
        assert!((of(prices::WRITE_UNITS) - 8.125).abs() < 0.1);
        assert!(of(prices::WRITE_UNITS) > of(prices::WORKER));
    }

    #[test]
    fn every_price_says_where_it_comes_from() {
        for price in prices::ALL {
            assert!(
                price.dollars > 0.0 && !price.as_of.is_empty(),
                "{}",
                price.name
            );
        }
    }
}

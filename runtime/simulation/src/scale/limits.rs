//! The limits of AWS, and how much of each a fleet uses.

use super::{Plan, float, whole_below};
use crate::sqs::MOST_IN_FLIGHT;

/// Most workers that the stacks accept.
pub const MOST_WORKERS: u32 = 500;

/// A limit of AWS, and what a fleet makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// What is limited.
    pub name: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// How much AWS allows.
    pub most: f64,
    /// How much this fleet would use of it if nothing throttled it.
    pub used: f64,
    /// The charts in a second that the limit allows, where it limits them at all.
    pub most_charts_per_second: Option<f64>,
    /// Workers from which on the limit is reached while all of them code, whether or not
    /// the stacks accept so many.
    pub at_workers: Option<u64>,
    /// Charts from which on so many workers are wanted, or the time is too long.
    pub at_charts: Option<u64>,
    /// Where the limit is written.
    pub source: &'static str,
    /// What the design does there.
    pub then: &'static str,
}

impl Limit {
    /// Returns whether this fleet reaches the limit.
    pub fn is_reached(&self) -> bool {
        self.used > self.most
    }
}

/// How use grows.
#[derive(Clone, Copy)]
enum Use {
    /// With charts in a second: so much for each.
    PerChart(f64),
    /// With workers: so much for each.
    PerWorker(f64),
    /// Not at all.
    Fixed(f64),
}

/// A limit as AWS has it.
struct Quota {
    name: &'static str,
    unit: &'static str,
    most: f64,
    of: Use,
    source: &'static str,
    then: &'static str,
}

const PARTITIONS: &str = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-key-range-limit-exceeded-mitigation.html";
const PREFIXES: &str = "https://repost.aws/knowledge-center/s3-object-key-naming-pattern";

/// Lists the limits, the first to be reached first.
pub(super) fn limits(plan: &Plan, worker_rate: f64, workers: u32) -> Vec<Limit> {
    let quotas = stores(plan).into_iter().chain(machines(plan));
    let mut all: Vec<_> = quotas
        .map(|quota| quota.used_by(plan, worker_rate, workers))
        .collect();
    all.push(retention(plan, worker_rate, &all));
    all.sort_by_key(|limit| limit.at_charts.unwrap_or(u64::MAX));
    all
}

impl Quota {
    fn used_by(self, plan: &Plan, worker_rate: f64, workers: u32) -> Limit {
        let each = match self.of {
            Use::PerChart(each) => Some(each * worker_rate),
            Use::PerWorker(each) => Some(each),
            Use::Fixed(_) => None,
        };
        let used = match (self.of, each) {
            (Use::Fixed(used), _) => used,
            (_, each) => each.unwrap_or_default() * f64::from(workers),
        };
        let at_workers = each.map(|each| whole_below(self.most / each) + 1);
        Limit {
            name: self.name,
            unit: self.unit,
            most: self.most,
            used,
            most_charts_per_second: match self.of {
                Use::PerChart(each) => Some(self.most / each),
                _ => None,
            },
            at_workers,
            at_charts: at_workers.map(|many| (many - 1).saturating_mul(plan.charts_per_worker) + 1),
            source: self.source,
            then: self.then,
        }
    }
}

/// How long the last chart waits, which only the rate of the largest fleet shortens.
fn retention(plan: &Plan, worker_rate: f64, others: &[Limit]) -> Limit {
    let most = float(plan.retention_seconds);
    let rate = others
        .iter()
        .filter_map(|limit| limit.most_charts_per_second)
        .fold(f64::from(plan.most_workers) * worker_rate, f64::min);
    // Runs that their deadline ends lose time to the next boot.
    let coding = float(plan.deadline_seconds.saturating_sub(plan.around_seconds()));
    let share = coding / float(plan.deadline_seconds + plan.rule_seconds);
    Limit {
        name: "how long a message is kept",
        unit: "s",
        most,
        used: float(plan.charts) / (rate * share),
        most_charts_per_second: None,
        at_workers: None,
        at_charts: Some(whole_below(most * rate * share) + 1),
        source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html",
        then: "nothing: a message that is too old is gone, though its chart is still in the inbox",
    }
}

fn stores(plan: &Plan) -> Vec<Quota> {
    let units = float(plan.write_units());
    vec![
        Quota {
            name: "write units of the index by run",
            unit: "units/s",
            most: 1_000.0 * float(plan.index_shards),
            of: Use::PerChart(float(plan.index_units())),
            source: PARTITIONS,
            then: "a run has sixteen keys, each good for a thousand outcomes a second; beyond, a write is tried again while its message is held, and the worker receives no more",
        },
        Quota {
            name: "write units of the results table",
            unit: "units/s",
            most: 40_000.0,
            of: Use::PerChart(units),
            source: "assumed: the default quota of a table; it can be raised",
            then: "a write is tried again while its message is held; the partition key is the chart, so that no partition is hot",
        },
        Quota {
            name: "reads of one prefix of the inbox",
            unit: "GET/s",
            most: 5_500.0,
            of: Use::PerChart(1.0),
            source: PREFIXES,
            then: "a read is tried again while its message is held; S3 splits a busy prefix within an hour, as keys below `charts/` differ",
        },
        Quota {
            name: "writes of one prefix of the inbox",
            unit: "PUT/s",
            most: 3_500.0,
            of: Use::Fixed(0.0),
            source: PREFIXES,
            then: "whoever uploads is throttled, and no run is; outcomes go to S3 above 350,000 bytes only",
        },
        Quota {
            name: "messages in flight",
            unit: "messages",
            most: float(MOST_IN_FLIGHT as u64),
            of: Use::PerWorker(float(plan.held())),
            source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html",
            then: "a worker holds one batch for each core and receives no more before it is done; beyond the limit a receive brings nothing or fails, and the lane asks again",
        },
        Quota {
            name: "heartbeats on the one item of the lease",
            unit: "units/s",
            most: 1_000.0,
            of: Use::Fixed(2.0 / float(plan.heartbeat_seconds)),
            source: PARTITIONS,
            then: "only the master writes progress, once a heartbeat, however many workers there are",
        },
        Quota {
            name: "looks at the one item of the lease",
            unit: "units/s",
            most: 3_000.0,
            of: Use::PerWorker(1.0 / float(plan.heartbeat_seconds)),
            source: PARTITIONS,
            then: "a worker looks once a heartbeat, and a look that fails counts as silence only after ten heartbeats",
        },
    ]
}

fn machines(plan: &Plan) -> Vec<Quota> {
    vec![
        Quota {
            name: "launches at once",
            unit: "instances",
            most: 1_000.0,
            of: Use::PerWorker(1.0),
            source: "https://repost.aws/questions/QUjr7o2qXxTTiCqGBfnmo6yA/ec2-throttling-and-batch-operations",
            then: "no run has more than 500 workers; the bucket fills by two a second",
        },
        Quota {
            name: "requests to launch, one after the other",
            unit: "requests/s",
            most: 2.0,
            of: Use::Fixed(1.0 / plan.launch_seconds.max(1e-3)),
            source: "https://github.com/runs-on/runs-on/pull/18",
            then: "instances are asked for one after the other; a request that is throttled is tried again with the same token",
        },
        Quota {
            name: "requests to end instances",
            unit: "requests/s",
            most: 5.0,
            of: Use::Fixed(0.5),
            source: "assumed: a bucket of 100 that fills by five a second",
            then: "the finalizer asks for all workers in one call every two seconds, until EC2 shows none",
        },
        Quota {
            name: "invocations of Lambda at once",
            unit: "invocations",
            most: 1_000.0,
            of: Use::Fixed(4.0),
            source: "assumed: the default quota of an account",
            then: "two alarms, the rule and a person may come together; no chart invokes anything",
        },
    ]
}

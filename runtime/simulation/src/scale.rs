//! What many charts take: workers, calls, hours and money, and the first limit of AWS.
//!
//! A [`Plan`] says what is assumed, each figure with its source; [`forecast`] says what
//! follows. Nothing is random, and the numbers of workers are those of the protocol's own
//! [`grow`]. A test holds the model against what simulated fleets count.
//!
//! ```
//! use lightsout_simulation::scale::{Plan, forecast};
//!
//! let answer = forecast(&Plan { charts: 1_000_000, ..Plan::default() });
//! assert_eq!(answer.workers, 16);
//! assert_eq!(answer.bound_by, "write units of the results table");
//! ```

pub mod limits;
pub mod money;
pub mod prices;
pub mod report;

use lightsout_protocol::{run::grow, shard::RunShard};

use limits::Limit;

/// What a forecast starts from; production's own settings unless said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Charts that wait when the first run begins.
    pub charts: u64,
    /// Charts that a worker codes on one core in a second, from the message to the outcome's
    /// JSON.
    ///
    /// 5,700: the slowest of three runs of the worker's bench over `samples/charts`, 921 bytes
    /// each, on two cores of an AMD EPYC at rest in November 2026. A core of Graviton is taken
    /// to be as fast.
    pub core_charts_per_second: f64,
    /// Cores of a worker: four in a `c7g.xlarge`, the first type in `prod.toml`.
    pub cores: u32,
    /// Most workers of a run: `most_workers` in `prod.toml`.
    pub most_workers: u32,
    /// Charts that deserve a worker: `charts_per_worker` in `prod.toml`.
    pub charts_per_worker: u64,
    /// Seconds until a machine works: `boot_seconds` in `prod.toml`, which is the longest
    /// that is waited for. Nobody has measured it on AWS.
    pub boot_seconds: u64,
    /// Seconds for which a message is hidden: `visibility_seconds` in `prod.toml`.
    pub visibility_seconds: u64,
    /// Seconds for which the queue keeps a message: what the stacks set.
    pub retention_seconds: u64,
    /// Seconds of zeros after which a worker leaves: `drain_seconds` in `prod.toml`.
    pub drain_seconds: u64,
    /// Seconds that a run may take: `deadline_minutes` in `prod.toml`.
    pub deadline_seconds: u64,
    /// Seconds between two heartbeats of a master: a quarter of `lease_seconds`.
    pub heartbeat_seconds: u64,
    /// Seconds between two invocations of launcher and reaper: `heartbeat_minutes`.
    pub rule_seconds: u64,
    /// Seconds from the first chart to the alarm: a period of a minute, and two minutes by
    /// which metrics of SQS come late. Assumed; the rule finds the charts as well.
    pub alarm_seconds: u64,
    /// Messages in a batch, received and deleted: ten, as SQS allows.
    pub batch: u64,
    /// Batches that a worker holds at once: as many as cores, two at least.
    pub lanes: u32,
    /// Seconds that a batch spends waiting on AWS: receive, read, store, delete. Assumed.
    pub batch_wait_seconds: f64,
    /// Seconds for which a receive waits for messages at an empty queue.
    pub poll_seconds: u64,
    /// Seconds that EC2 takes to answer one launch, each of which asks for one. Assumed.
    pub launch_seconds: f64,
    /// Bytes of a chart: the mean of `samples/charts`.
    pub chart_bytes: u64,
    /// Bytes of a stored outcome: the mean for `samples/charts`, as JSON.
    pub outcome_bytes: u64,
    /// Keys over which the index by run spreads one run: the protocol's own number. Each is in
    /// one partition until DynamoDB splits it.
    pub index_shards: u64,
    /// Bytes of an outcome in the index: keys and the status, long names taken. Any that fits
    /// into a kilobyte costs the same.
    pub index_bytes: u64,
    /// Of a hundred workers, how many are spot: `spot_percent` in `prod.toml`.
    pub spot_percent: u32,
    /// Zones, each with every interface endpoint: `zones` in `prod.toml`.
    pub zones: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            charts: 1_000_000,
            core_charts_per_second: 5_700.0,
            cores: 4,
            most_workers: 16,
            charts_per_worker: 5_000,
            boot_seconds: 300,
            visibility_seconds: 300,
            retention_seconds: 14 * 24 * 3_600,
            drain_seconds: 60,
            deadline_seconds: 480 * 60,
            heartbeat_seconds: 30,
            rule_seconds: 300,
            alarm_seconds: 180,
            batch: 10,
            lanes: 4,
            batch_wait_seconds: 0.1,
            poll_seconds: 20,
            launch_seconds: 1.0,
            chart_bytes: 921,
            outcome_bytes: 11_983,
            index_shards: RunShard::COUNT.into(),
            index_bytes: 300,
            spot_percent: 50,
            zones: 3,
        }
    }
}

/// Why a plan has no forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanError {
    name: &'static str,
    value: f64,
    above: f64,
}

/// The most that any figure of a plan may be, so that no product of two overflows.
const MOST: f64 = 1e9;

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} is `{}`, and has to be more than {} and {MOST} at most",
            self.name, self.value, self.above
        )
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// Checks that nothing is divided by zero or overflows, and that a run has time to code.
    pub fn check(&self) -> Result<(), PlanError> {
        let figures = [
            ("charts", float(self.charts), -1.0),
            (
                "charts per second of a core",
                self.core_charts_per_second,
                0.0,
            ),
            ("cores", f64::from(self.cores), 0.0),
            ("most workers", f64::from(self.most_workers), 0.0),
            ("charts per worker", float(self.charts_per_worker), 0.0),
            ("seconds of a boot", float(self.boot_seconds), -1.0),
            ("seconds of visibility", float(self.visibility_seconds), 0.0),
            ("seconds of a drain", float(self.drain_seconds), -1.0),
            ("seconds of a heartbeat", float(self.heartbeat_seconds), 0.0),
            ("seconds of the rule", float(self.rule_seconds), 0.0),
            ("batch", float(self.batch), 0.0),
            ("lanes", f64::from(self.lanes), 0.0),
            (
                "seconds that a batch waits",
                self.batch_wait_seconds,
                -f64::MIN_POSITIVE,
            ),
            ("seconds of a poll", float(self.poll_seconds), 0.0),
            ("bytes of a chart", float(self.chart_bytes), 0.0),
            ("bytes of an outcome", float(self.outcome_bytes), 0.0),
            ("shards of the index", float(self.index_shards), 0.0),
            ("bytes in the index", float(self.index_bytes), 0.0),
            (
                "seconds of the deadline",
                float(self.deadline_seconds),
                float(self.boot_seconds) * 2.0 + float(self.drain_seconds),
            ),
        ];
        for (name, value, above) in figures {
            // What is not a number lies nowhere.
            if !(value > above && value <= MOST) {
                return Err(PlanError { name, value, above });
            }
        }
        Ok(())
    }

    /// Returns the seconds from one receive of a lane to its next.
    ///
    /// The lanes share the cores: with a lane for each, a batch's charts follow each other.
    pub fn batch_seconds(&self) -> f64 {
        let lanes_per_core = f64::from(self.lanes) / f64::from(self.cores);
        self.batch_wait_seconds + float(self.batch) * lanes_per_core / self.core_charts_per_second
    }

    /// Returns the charts that one worker codes in a second when nothing throttles it.
    pub fn worker_charts_per_second(&self) -> f64 {
        float(self.held()) / self.batch_seconds()
    }

    /// Returns the messages that one worker holds at most.
    fn held(&self) -> u64 {
        u64::from(self.lanes) * self.batch
    }

    /// Returns what a run takes besides coding: a master, then workers, then the drain.
    fn around_seconds(&self) -> u64 {
        2 * self.boot_seconds + self.drain_seconds
    }

    /// Returns the write units of one outcome, of a kilobyte each; the item has a key too.
    fn write_units(&self) -> u64 {
        const KEY_BYTES: u64 = 200;
        (self.outcome_bytes + KEY_BYTES).div_ceil(1024).max(1)
    }

    /// Returns the write units of one outcome in the index by run.
    fn index_units(&self) -> u64 {
        self.index_bytes.div_ceil(1024).max(1)
    }
}

/// What follows from a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Workers that each run asks for.
    pub workers: u32,
    /// Runs until no chart is left: more than one where a deadline comes first.
    pub runs: u64,
    /// Charts that one worker codes in a second when nothing throttles it.
    pub worker_charts_per_second: f64,
    /// Charts that the fleet would code in a second if nothing throttled it.
    pub fleet_charts_per_second: f64,
    /// Charts that it codes in a second.
    pub charts_per_second: f64,
    /// What keeps it from more.
    pub bound_by: &'static str,
    /// Seconds of coding in all runs, without boot and drain.
    pub coding_seconds: f64,
    /// Seconds from the first chart to the last machine's end.
    pub wall_seconds: f64,
    /// Seconds of all workers together.
    pub worker_seconds: f64,
    /// Seconds of all masters together.
    pub master_seconds: f64,
    /// Most messages in flight.
    pub most_in_flight: u64,
    /// Calls and what they carry.
    pub calls: Calls,
    /// Every limit that was looked at, the first to be reached first.
    pub limits: Vec<Limit>,
}

/// How often AWS is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// Messages that S3 sends.
    pub sends: u64,
    /// Receives that bring something.
    pub receives: u64,
    /// Receives that bring nothing, while the queue drains.
    pub empty_receives: u64,
    /// Deletes, of a batch each.
    pub deletes: u64,
    /// Changes of visibility, of a batch each.
    pub extensions: u64,
    /// Counts of the queue, by workers and the master.
    pub counts: u64,
    /// Charts that are written into the inbox.
    pub puts: u64,
    /// Charts that are read.
    pub gets: u64,
    /// Write units of the table and its index.
    pub write_units: u64,
    /// Read and write units of the control table.
    pub control_units: u64,
    /// Launches, of one instance each.
    pub launches: u64,
    /// Calls that end instances: the playbook ends each, the finalizer all, then the master.
    pub terminations: u64,
    /// Invocations of launcher and reaper.
    pub invocations: u64,
    /// Requests to KMS.
    pub key_requests: u64,
}

/// Forecasts what the charts of a plan take.
pub fn forecast(plan: &Plan) -> Forecast {
    let worker_rate = plan.worker_charts_per_second();
    let workers = workers(plan);
    let fleet_rate = f64::from(workers) * worker_rate;
    let limits = limits::limits(plan, worker_rate, workers);
    let (rate, bound_by) = limits
        .iter()
        .filter_map(|limit| Some((limit.most_charts_per_second?, limit.name)))
        .fold((fleet_rate, "the workers"), |least, other| {
            if other.0 < least.0 { other } else { least }
        });
    let coding_seconds = float(plan.charts) / rate;
    let room = float(plan.deadline_seconds - plan.around_seconds().min(plan.deadline_seconds - 1));
    let runs = if plan.charts == 0 {
        0
    } else {
        whole(coding_seconds / room).max(1)
    };
    let runs_float = float(runs);
    let launching = f64::from(workers) * plan.launch_seconds;
    let around = float(plan.around_seconds()) + launching;
    let run_seconds = coding_seconds + runs_float * around;
    let first = if runs == 0 {
        0.0
    } else {
        float(plan.alarm_seconds)
    };
    // A run that its deadline ends leaves the rest to the rule.
    let between = float(runs.saturating_sub(1) * plan.rule_seconds);
    let worker_seconds = f64::from(workers)
        * (coding_seconds + runs_float * float(plan.boot_seconds + plan.drain_seconds));
    let most_in_flight = plan.charts.min(u64::from(workers) * plan.held());
    let mut answer = Forecast {
        workers: if runs == 0 { 0 } else { workers },
        runs,
        worker_charts_per_second: worker_rate,
        fleet_charts_per_second: fleet_rate,
        charts_per_second: rate,
        bound_by,
        coding_seconds,
        wall_seconds: first + run_seconds + between,
        worker_seconds,
        master_seconds: run_seconds,
        most_in_flight,
        calls: Calls::default(),
        limits,
    };
    answer.calls = calls(plan, &answer);
    answer
}

/// Returns how many workers the first run asks for, as the master does: by backlog at
/// first, and by the measured rate while it codes.
fn workers(plan: &Plan) -> u32 {
    let grown = |wanted, per_minute| {
        grow(
            wanted,
            plan.charts,
            plan.charts_per_worker,
            per_minute,
            plan.deadline_seconds.saturating_sub(plan.around_seconds()),
            plan.most_workers,
        )
    };
    let per_minute = whole_below(plan.worker_charts_per_second() * 60.0);
    grown(grown(0, 0), per_minute)
}

fn calls(plan: &Plan, answer: &Forecast) -> Calls {
    let fleet = u64::from(answer.workers);
    let lanes = fleet * u64::from(plan.lanes);
    let batches = plan.charts.div_ceil(plan.batch);
    // A lane that finds nothing asks again until it has seen zeros for long enough, from its
    // last batch on, which on the mean ends half a batch before the last of the others.
    let others = 1.0 - 1.0 / float(lanes.max(1));
    let idle = float(plan.drain_seconds) + plan.batch_seconds() / 2.0 * others;
    let polls = whole(idle / float(plan.poll_seconds));
    let extend_every = float((plan.visibility_seconds / 3).max(1));
    // Throttling makes a batch last as long as it takes at the rate that is left.
    let held = float(answer.most_in_flight) / answer.charts_per_second;
    let extensions = batches * whole_below(held.max(plan.batch_seconds()) / extend_every);
    let count_every = (plan.drain_seconds / 3).clamp(1, 10);
    let seconds_of_workers = whole(answer.worker_seconds);
    let heartbeats = whole(answer.master_seconds) / plan.heartbeat_seconds;
    let looks = seconds_of_workers / plan.heartbeat_seconds;
    let invocations = 2 * whole(answer.wall_seconds).div_ceil(plan.rule_seconds) + answer.runs;
    Calls {
        sends: plan.charts,
        receives: batches,
        empty_receives: answer.runs * lanes * polls,
        deletes: batches,
        extensions,
        counts: seconds_of_workers / count_every + heartbeats,
        puts: plan.charts,
        gets: plan.charts,
        write_units: plan.charts * (plan.write_units() + plan.index_units()),
        control_units: heartbeats * 2 + looks + answer.runs * (8 + fleet * 2),
        launches: answer.runs * (fleet + 1),
        terminations: answer.runs * (fleet + 2),
        invocations,
        // SQS keeps a data key for five minutes; a bucket key spares about 99 of 100
        // requests of S3; DynamoDB keeps a table's key for minutes. The shares are AWS's
        // own words, and the counts derived from them assumed.
        key_requests: (plan.charts * 2).div_ceil(100)
            + 3 * seconds_of_workers.div_ceil(300)
            + 4 * answer.runs,
    }
}

/// Returns a number as it is computed with; up to 2^53 nothing is lost.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 charts")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// Returns the next whole number from here on up.
fn whole(number: f64) -> u64 {
    whole_below(number.ceil())
}

/// Returns the whole part.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and nothing here is below zero"
)]
fn whole_below(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(charts: u64) -> Forecast {
        forecast(&Plan {
            charts,
            ..Plan::default()
        })
    }

    #[test]
    fn the_workers_are_those_that_the_protocol_asks_for() {
        let workers: Vec<_> = [1, 10_000, 50_001, 100_000_000]
            .map(|many| of(many).workers)
            .into();
        assert_eq!(workers, [1, 2, 11, 16]);
    }

    #[test]
    fn nothing_to_do_takes_nothing() {
        let none = of(0);
        assert_eq!((none.workers, none.runs, none.calls.launches), (0, 0, 0));
        assert!(none.wall_seconds + none.worker_seconds < 1e-9);
    }

    #[test]
    fn more_charts_never_take_less() {
        let many: Vec<_> = (0..9).map(|power| of(10_u64.pow(power))).collect();
        for pair in many.windows(2) {
            assert!(pair[0].wall_seconds < pair[1].wall_seconds);
            assert!(pair[0].worker_seconds < pair[1].worker_seconds);
            assert!(pair[0].calls.write_units < pair[1].calls.write_units);
        }
    }

    #[test]
    fn an_index_of_whole_outcomes_under_one_key_would_be_the_first_limit() {
        let wide = Plan {
            index_shards: 1,
            index_bytes: Plan::default().outcome_bytes,
            ..Plan::default()
        };
        let answer = forecast(&wide);
        assert_eq!(answer.bound_by, "write units of the index by run");
        assert_eq!(whole_below(answer.charts_per_second), 83);
        let sharded = of(wide.charts);
        assert!(answer.wall_seconds > 10.0 * sharded.wall_seconds);
        // One key of narrow items would still hold back what the table takes.
        let narrow = Plan {
            index_shards: 1,
            ..Plan::default()
        };
        assert_eq!(
            forecast(&narrow).bound_by,
            "write units of the index by run"
        );
    }

    #[test]
    fn the_index_takes_more_than_the_table_for_outcomes_of_three_kilobytes_and_more() {
        let most = |outcome_bytes, name: &str| {
            let plan = Plan {
                outcome_bytes,
                ..Plan::default()
            };
            let limits = forecast(&plan).limits;
            let limit = limits.into_iter().find(|limit| limit.name == name).unwrap();
            whole_below(limit.most_charts_per_second.unwrap())
        };
        let (index, table) = (
            "write units of the index by run",
            "write units of the results table",
        );
        assert_eq!((most(2_500, index), most(2_500, table)), (16_000, 13_333));
        assert_eq!((most(1_500, index), most(1_500, table)), (16_000, 20_000));
    }

    #[test]
    fn a_plan_that_divides_by_zero_is_refused() {
        let plan = Plan {
            batch: 0,
            ..Plan::default()
        };
        let said = plan.check().map_err(|error| error.to_string());
        assert_eq!(
            said,
            Err("batch is `0`, and has to be more than 0 and 1000000000 at most".to_owned())
        );
        let nowhere = Plan {
            batch_wait_seconds: f64::NAN,
            ..Plan::default()
        };
        assert!(nowhere.check().is_err());
        let short = Plan {
            deadline_seconds: 60,
            ..Plan::default()
        };
        assert!(short.check().is_err());
        assert_eq!(Plan::default().check(), Ok(()));
    }
}

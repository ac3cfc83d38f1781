//! What is measured, and what is reckoned from it.

use std::time::Duration;

use lightsout_core::{Scope, Value};

use super::AlarmCondition;

/// A metric: what is measured, of what, and how it is summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) dimensions: Vec<(String, Value<String>)>,
    pub(super) statistic: Statistic,
    pub(super) period: Duration,
}

/// How the measurements of one period become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The mean.
    Average,
    /// The largest.
    Maximum,
    /// The smallest.
    Minimum,
    /// How many there were.
    SampleCount,
    /// The total.
    Sum,
    /// The median.
    P50,
    /// What nine in ten do not exceed.
    P90,
    /// What 19 in 20 do not exceed.
    P95,
    /// What 99 in 100 do not exceed.
    P99,
    /// What 999 in 1,000 do not exceed.
    P999,
}

/// A number that is reckoned from metrics, each by an id of its own.
///
/// The formula is written in
/// [metric math](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html).
///
/// ```
/// use lightsout::cloudwatch::{Expression, Metric, Statistic};
///
/// let sum = |name: &str| Metric::new("AWS/Lambda", name).statistic(Statistic::Sum);
/// let share = Expression::new("100 * errors / calls")
///     .with("errors", sum("Errors"))
///     .with("calls", sum("Invocations"))
///     .label("Errors in percent");
/// let condition = share.above(1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    pub(super) formula: String,
    pub(super) label: Option<String>,
    pub(super) metrics: Vec<(String, Metric)>,
    /// Over what a formula without metrics is reckoned.
    pub(super) period: Option<Duration>,
}

/// What an alarm or a widget looks at.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measure {
    Metric(Metric),
    Expression(Expression),
    /// A metric, and how many standard deviations are usual.
    Band(Metric, f64),
}

/// How many metrics one formula takes in an alarm.
const MOST_METRICS: usize = 10;

macro_rules! comparisons {
    ($measure:path) => {
        /// Goes off when the number is above `threshold`.
        pub fn above(self, threshold: impl Into<f64>) -> AlarmCondition {
            AlarmCondition::new($measure(self), "GreaterThanThreshold", threshold.into())
        }

        /// Goes off when the number is `threshold` or more.
        pub fn at_least(self, threshold: impl Into<f64>) -> AlarmCondition {
            let comparison = "GreaterThanOrEqualToThreshold";
            AlarmCondition::new($measure(self), comparison, threshold.into())
        }

        /// Goes off when the number is below `threshold`.
        pub fn below(self, threshold: impl Into<f64>) -> AlarmCondition {
            AlarmCondition::new($measure(self), "LessThanThreshold", threshold.into())
        }
    };
}

impl Metric {
    /// A metric in a namespace such as `AWS/SQS`: the mean of each minute.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            dimensions: Vec::new(),
            statistic: Statistic::Average,
            period: Duration::from_mins(1),
        }
    }

    /// Says of what, such as `QueueName`.
    pub fn dimension(mut self, name: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.dimensions.push((name.into(), value.into()));
        self
    }

    /// Sums up by another statistic.
    pub fn statistic(mut self, statistic: Statistic) -> Self {
        self.statistic = statistic;
        self
    }

    /// Sums up over another period: 10, 20 or 30 seconds, or whole minutes up to a day.
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    comparisons!(Measure::Metric);

    /// Goes off when the metric leaves what `CloudWatch` has learnt to expect of it, by
    /// more than so many standard deviations.
    pub fn outside_band(self, deviations: impl Into<f64>) -> AlarmCondition {
        let comparison = "LessThanLowerOrGreaterThanUpperThreshold";
        AlarmCondition::new(Measure::Band(self, deviations.into()), comparison, 0.0)
    }

    /// Returns the period in seconds, and notes a problem if there is none such.
    pub(super) fn seconds(&self, scope: &mut Scope<'_>) -> i64 {
        let seconds = self.period.as_secs();
        let is_short = matches!(seconds, 10 | 20 | 30);
        if !is_short && (seconds == 0 || !seconds.is_multiple_of(60) || seconds > 86_400) {
            scope.problem(
                "Period",
                format_args!("sums `{}` up over {seconds} seconds", self.name),
                "choose 10, 20 or 30 seconds, or whole minutes up to a day",
            );
        }
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }
}

impl Expression {
    /// A number by a formula of ids, such as `100 * errors / calls`.
    pub fn new(formula: impl Into<String>) -> Self {
        Self {
            formula: formula.into(),
            label: None,
            metrics: Vec::new(),
            period: None,
        }
    }

    /// How many events the largest contributor of a rule has in a period.
    pub(super) fn of_rule(rule: &str, period: Duration) -> Self {
        Self {
            period: Some(period),
            ..Self::new(format!(
                "INSIGHT_RULE_METRIC(\"{rule}\", \"MaxContributorValue\")"
            ))
        }
    }

    /// Says which metric the formula knows as `id`: a small letter, then letters,
    /// digits and underscores.
    pub fn with(mut self, id: impl Into<String>, metric: Metric) -> Self {
        self.metrics.push((id.into(), metric));
        self
    }

    /// Names the number for people.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    comparisons!(Measure::Expression);

    /// Notes what `CloudWatch` would not take.
    pub(super) fn check(&self, scope: &mut Scope<'_>) {
        let is_of_metrics = self.period.is_none();
        if is_of_metrics && self.metrics.is_empty() || self.metrics.len() > MOST_METRICS {
            scope.problem(
                "Metrics",
                format_args!(
                    "reckons `{}` from {} metrics",
                    self.formula,
                    self.metrics.len()
                ),
                format!("give the formula 1 to {MOST_METRICS} with `.with(..)`"),
            );
        }
        for (index, (id, _)) in self.metrics.iter().enumerate() {
            if !is_id(id) {
                scope.problem(
                    "Metrics",
                    format_args!("calls a metric `{id}`"),
                    "begin with a small letter, and go on with letters, digits and underscores",
                );
            } else if self.metrics[..index].iter().any(|(other, _)| other == id) {
                scope.problem(
                    "Metrics",
                    format_args!("calls two metrics `{id}`"),
                    "give one of them another id",
                );
            } else if !words(&self.formula).any(|word| word == id) {
                scope.problem(
                    "Metrics",
                    format_args!("has a metric `{id}` that `{}` does not use", self.formula),
                    "use it in the formula, or leave it out",
                );
            }
        }
    }
}

impl Statistic {
    /// Returns the name that `CloudWatch` has for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Average => "Average",
            Self::Maximum => "Maximum",
            Self::Minimum => "Minimum",
            Self::SampleCount => "SampleCount",
            Self::Sum => "Sum",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
        }
    }

    /// Returns whether alarms know it as an extended statistic.
    pub(super) const fn is_percentile(self) -> bool {
        matches!(
            self,
            Self::P50 | Self::P90 | Self::P95 | Self::P99 | Self::P999
        )
    }
}

fn is_id(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn words(formula: &str) -> impl Iterator<Item = &str> {
    formula.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

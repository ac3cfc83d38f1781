//! What CloudWatch measures of AWS's services.

use std::fmt;

/// A metric that a service publishes, and how AWS itself shows it.
///
/// ```
/// # #[cfg(feature = "sqs")] {
/// use lightsout_cfn::{Dimension, Statistic, sqs::metrics};
///
/// let age = metrics::APPROXIMATE_AGE_OF_OLDEST_MESSAGE;
/// assert_eq!(age.namespace(), "AWS/SQS");
/// assert_eq!(age.statistic(), Statistic::Average);
/// assert_eq!(age.dimensions(), [[Dimension::Of("QueueName")]]);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Metric {
    namespace: &'static str,
    name: &'static str,
    statistic: Statistic,
    dimensions: &'static [&'static [Dimension]],
}

/// How the measurements of one period become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
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
    /// The value below which this many of a hundred lie.
    Percentile(u8),
}

/// What tells the measurements of one resource from those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// A name whose value says of what, such as `QueueName`.
    Of(&'static str),
    /// A name that has this one value, such as `Operation` and `GetItem`.
    Is(&'static str, &'static str),
}

impl Metric {
    /// Returns a metric that is found under any of these sets of dimensions.
    pub const fn new(
        namespace: &'static str,
        name: &'static str,
        statistic: Statistic,
        dimensions: &'static [&'static [Dimension]],
    ) -> Self {
        Self {
            namespace,
            name,
            statistic,
            dimensions,
        }
    }

    /// Returns the namespace, such as `AWS/SQS`.
    pub const fn namespace(&self) -> &'static str {
        self.namespace
    }

    /// Returns the name in CloudWatch.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the statistic by which the dashboards of AWS show it.
    pub const fn statistic(&self) -> Statistic {
        self.statistic
    }

    /// Returns the sets of dimensions; a measurement has all of one set.
    pub const fn dimensions(&self) -> &'static [&'static [Dimension]] {
        self.dimensions
    }
}

impl fmt::Display for Statistic {
    /// Writes the name in CloudWatch, such as `SampleCount` or `p95`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percent) => write!(f, "p{percent}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Dimension {
    /// Returns the name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Of(name) | Self::Is(name, _) => name,
        }
    }
}

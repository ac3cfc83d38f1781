//! Metrics, and alarms that always act.

use std::time::Duration;

use lightsout_core::{Arn, Construct, ResourceId, Scope, Value};

use crate::{cfn::cloudwatch, lambda::FunctionRef, sns::TopicRef};

/// A metric: what is measured, of what, and how it is summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    namespace: String,
    name: String,
    dimensions: Vec<(String, Value<String>)>,
    statistic: Statistic,
    period: Duration,
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
}

/// When an alarm goes off; it becomes an [`Alarm`] by what it then does.
///
/// ```
/// use lightsout::{App, Stage, cfn, cloudwatch::Metric, kms::Key, sns::Topic};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Alarms");
/// let key = stack.add("Key", Key::new("Alarms"));
/// let operators = stack.add("Operators", Topic::new(&key));
/// let errors = Metric::new("AWS/Lambda", "Errors").dimension("FunctionName", "launcher");
/// stack.add("Errors", errors.above(0.0).for_periods(3).notifies(&operators));
///
/// let assembly = app.synth()?;
/// let template = assembly.template("Alarms");
/// template.has(cfn::cloudwatch::Alarm::matching().threshold(0.0).evaluation_periods(3));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
///
/// A condition is nothing that can be added, so no alarm goes off for nobody:
///
/// ```compile_fail
/// use lightsout::{Scope, cloudwatch::Metric};
///
/// fn unheard(scope: &mut Scope<'_>, errors: Metric) {
///     scope.add("Errors", errors.above(0.0));
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a condition acts only once it invokes or notifies something"]
pub struct AlarmCondition {
    metric: Metric,
    comparison: &'static str,
    threshold: f64,
    periods: u32,
    description: Option<String>,
}

/// An alarm: a condition and at least one thing that it does.
///
/// A metric that says nothing is taken for well: queues that are idle for hours
/// have no metrics at all.
#[derive(Debug, Clone)]
pub struct Alarm {
    condition: AlarmCondition,
    actions: Vec<Action>,
}

#[derive(Debug, Clone)]
enum Action {
    Invoke(FunctionRef<()>),
    Notify(TopicRef),
}

/// An alarm that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmRef {
    id: ResourceId,
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

    /// Sums up over another period: a multiple of a minute.
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// Goes off when the metric is above `threshold`.
    pub fn above(self, threshold: impl Into<f64>) -> AlarmCondition {
        self.when("GreaterThanThreshold", threshold.into())
    }

    /// Goes off when the metric is `threshold` or more.
    pub fn at_least(self, threshold: impl Into<f64>) -> AlarmCondition {
        self.when("GreaterThanOrEqualToThreshold", threshold.into())
    }

    /// Goes off when the metric is below `threshold`.
    pub fn below(self, threshold: impl Into<f64>) -> AlarmCondition {
        self.when("LessThanThreshold", threshold.into())
    }

    fn when(self, comparison: &'static str, threshold: f64) -> AlarmCondition {
        AlarmCondition {
            metric: self,
            comparison,
            threshold,
            periods: 1,
            description: None,
        }
    }
}

impl Statistic {
    const fn name(self) -> &'static str {
        match self {
            Self::Average => "Average",
            Self::Maximum => "Maximum",
            Self::Minimum => "Minimum",
            Self::SampleCount => "SampleCount",
            Self::Sum => "Sum",
        }
    }
}

impl AlarmCondition {
    /// Waits until this many periods in a row are so; one unless said.
    pub fn for_periods(mut self, periods: u32) -> Self {
        self.periods = periods;
        self
    }

    /// Says what the alarm means and what to do about it.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Invokes `function` when the alarm goes off.
    pub fn invokes<P>(self, function: &FunctionRef<P>) -> Alarm {
        Alarm {
            condition: self,
            actions: vec![Action::Invoke(function.untyped())],
        }
    }

    /// Tells `topic` when the alarm goes off.
    pub fn notifies(self, topic: &TopicRef) -> Alarm {
        Alarm {
            condition: self,
            actions: vec![Action::Notify(*topic)],
        }
    }
}

impl Alarm {
    /// Invokes `function` too.
    pub fn invokes<P>(mut self, function: &FunctionRef<P>) -> Self {
        self.actions.push(Action::Invoke(function.untyped()));
        self
    }

    /// Tells `topic` too.
    pub fn notifies(mut self, topic: &TopicRef) -> Self {
        self.actions.push(Action::Notify(*topic));
        self
    }
}

impl Construct for Alarm {
    type Handle = AlarmRef;

    fn build(self, scope: &mut Scope<'_>) -> AlarmRef {
        let AlarmCondition {
            metric,
            comparison,
            threshold,
            periods,
            description,
        } = self.condition;
        let actions = self.actions.iter().map(|action| match action {
            Action::Invoke(function) => function.arn().text(),
            Action::Notify(topic) => topic.arn().text(),
        });
        let mut alarm = cloudwatch::Alarm::new(comparison, periods)
            .namespace(metric.namespace)
            .metric_name(metric.name)
            .dimensions(
                metric
                    .dimensions
                    .into_iter()
                    .map(|(name, value)| cloudwatch::AlarmDimension::new(name, value))
                    .collect::<Vec<_>>(),
            )
            .statistic(metric.statistic.name())
            .period(i64::try_from(metric.period.as_secs()).unwrap_or(i64::MAX))
            .threshold(threshold)
            .treat_missing_data("notBreaching")
            .alarm_actions(actions.collect::<Vec<_>>());
        if let Some(text) = description {
            alarm = alarm.alarm_description(text);
        }
        let alarm = alarm.build(scope);
        let mut functions = 0;
        for action in &self.actions {
            match action {
                Action::Invoke(function) => {
                    functions += 1;
                    let id = match functions {
                        1 => "Permission".to_owned(),
                        more => format!("Permission{more}"),
                    };
                    function.admit(
                        scope,
                        &id,
                        "lambda.alarms.cloudwatch.amazonaws.com",
                        alarm.get(cloudwatch::Alarm::ARN),
                    );
                }
                Action::Notify(topic) => topic.admit_alarms(scope),
            }
        }
        AlarmRef { id: alarm.id() }
    }
}

impl AlarmRef {
    /// Returns the alarm's ARN.
    pub const fn arn(self) -> Value<Arn<Alarm>> {
        self.id.attribute("Arn")
    }

    /// Returns the alarm's name.
    pub const fn name(self) -> Value<String> {
        self.id.reference()
    }
}

#[cfg(test)]
mod tests {
    use lightsout_core::{Pseudo, Tree};

    use super::*;
    use crate::{
        cfn,
        fixture::{key, synth, with_function},
        sns::Topic,
        sqs::Queue,
    };

    #[test]
    fn an_alarm_may_invoke_what_it_invokes() {
        let assembly = with_function(|scope, key, function| {
            let queue = scope.add("Queue", Queue::<()>::new(&key));
            scope.add(
                "Backlog",
                queue
                    .depth()
                    .at_least(100)
                    .for_periods(2)
                    .invokes(&function),
            );
        });
        let template = assembly.template("Test");
        template.has(
            cloudwatch::Alarm::matching()
                .comparison_operator("GreaterThanOrEqualToThreshold")
                .threshold(100)
                .evaluation_periods(2)
                .statistic("Maximum")
                .treat_missing_data("notBreaching"),
        );
        template.has(
            cfn::lambda::Permission::matching()
                .principal("lambda.alarms.cloudwatch.amazonaws.com")
                .source_account(Pseudo::AccountId),
        );
        let json = &template.json()["Resources"];
        let permission = &json["BacklogPermission"]["Properties"];
        assert_eq!(permission["SourceArn"]["Fn::GetAtt"][0], "Backlog");
        assert_eq!(
            json["Backlog"]["Properties"]["AlarmActions"][0]["Fn::GetAtt"][0],
            "Function"
        );
    }

    #[test]
    fn an_alarm_reaches_an_encrypted_topic() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let topic = scope.add("Topic", Topic::new(&key));
            let metric = Metric::new("AWS/SQS", "NumberOfMessagesSent");
            scope.add("Silence", metric.below(1).notifies(&topic));
        });
        let admits = || {
            Tree::object([(
                "Statement",
                vec![Tree::object([
                    (
                        "Principal",
                        Tree::object([("Service", "cloudwatch.amazonaws.com".into())]),
                    ),
                    (
                        "Condition",
                        Tree::object([(
                            "StringEquals",
                            Tree::object([("aws:SourceAccount", Pseudo::AccountId.into())]),
                        )]),
                    ),
                ])]
                .into(),
            )])
        };
        let template = assembly.template("Test");
        template.has(cfn::kms::Key::matching().key_policy(admits()));
        template.has(cfn::sns::TopicPolicy::matching().policy_document(admits()));
    }
}

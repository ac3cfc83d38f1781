//! Alarms on one number.

use lightsout_core::{Arn, Construct, ResourceId, Scope, Value};

use super::{
    AlarmRule,
    metric::{Measure, Metric},
};
use crate::{cfn::cloudwatch, lambda::FunctionRef, limits, sns::TopicRef};

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
    measure: Measure,
    comparison: &'static str,
    threshold: f64,
    periods: u32,
    datapoints: Option<u32>,
    missing: MissingData,
    description: Option<String>,
}

/// What an alarm makes of a period in which nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingData {
    /// All is well: queues that are idle for hours have no metrics at all.
    #[default]
    Good,
    /// Something is wrong: for what must be heard of, such as a heartbeat.
    Bad,
    /// Nothing has changed.
    Same,
}

/// An alarm: a condition and at least one thing that it does.
#[derive(Debug, Clone)]
#[must_use = "an alarm is made once it is added to a stack"]
pub struct Alarm {
    condition: AlarmCondition,
    actions: Vec<Action>,
    recovery: Vec<TopicRef>,
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

impl AlarmCondition {
    pub(super) const fn new(measure: Measure, comparison: &'static str, threshold: f64) -> Self {
        Self {
            measure,
            comparison,
            threshold,
            periods: 1,
            datapoints: None,
            missing: MissingData::Good,
            description: None,
        }
    }

    /// Waits until this many periods in a row are so; one unless said.
    pub fn for_periods(mut self, periods: u32) -> Self {
        self.periods = periods;
        self
    }

    /// Waits until `count` of the last `periods` are so, in a row or not.
    pub fn for_some(mut self, count: u32, periods: u32) -> Self {
        self.datapoints = Some(count);
        self.periods = periods;
        self
    }

    /// Says what a period without measurements means; that all is well unless said.
    pub fn when_missing(mut self, missing: MissingData) -> Self {
        self.missing = missing;
        self
    }

    /// Says what the alarm means and what to do about it.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Invokes `function` when the alarm goes off.
    pub fn invokes<P>(self, function: &FunctionRef<P>) -> Alarm {
        self.acts(Action::Invoke(function.untyped()))
    }

    /// Tells `topic` when the alarm goes off.
    pub fn notifies(self, topic: &TopicRef) -> Alarm {
        self.acts(Action::Notify(*topic))
    }

    fn acts(self, action: Action) -> Alarm {
        Alarm {
            condition: self,
            actions: vec![action],
            recovery: Vec::new(),
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

    /// Tells `topic` when all is well again.
    pub fn notifies_recovery(mut self, topic: &TopicRef) -> Self {
        self.recovery.push(*topic);
        self
    }
}

impl Construct for Alarm {
    type Handle = AlarmRef;

    fn build(self, scope: &mut Scope<'_>) -> AlarmRef {
        let AlarmCondition {
            measure,
            comparison,
            threshold,
            periods,
            datapoints,
            missing,
            description,
        } = self.condition;
        limits::within(scope, "EvaluationPeriods", periods, &(1..=1440), " periods");
        let alarm = cloudwatch::Alarm::new(comparison, periods);
        let mut alarm = match measure {
            Measure::Metric(metric) => {
                let period = metric.seconds(scope);
                let alarm = alarm
                    .namespace(metric.namespace)
                    .metric_name(metric.name)
                    .dimensions(dimensions(metric.dimensions));
                let statistic = metric.statistic;
                let alarm = if statistic.is_percentile() {
                    alarm.extended_statistic(statistic.name())
                } else {
                    alarm.statistic(statistic.name())
                };
                alarm.period(period).threshold(threshold)
            }
            Measure::Expression(expression) => {
                expression.check(scope);
                let mut reckoned = cloudwatch::AlarmMetricDataQuery::new("result")
                    .expression(expression.formula)
                    .return_data(true);
                if let Some(label) = expression.label {
                    reckoned = reckoned.label(label);
                }
                if let Some(period) = expression.period {
                    let contributors = Metric::new("Contributors", "MaxContributorValue");
                    reckoned = reckoned.period(contributors.period(period).seconds(scope));
                }
                let mut queries = vec![reckoned];
                for (id, metric) in expression.metrics {
                    queries.push(query(scope, id, metric).return_data(false));
                }
                alarm.metrics(queries).threshold(threshold)
            }
            Measure::Band(metric, deviations) => {
                let band = cloudwatch::AlarmMetricDataQuery::new("band")
                    .expression(format!("ANOMALY_DETECTION_BAND(measured, {deviations})"))
                    .return_data(true);
                let measured = query(scope, "measured".to_owned(), metric).return_data(true);
                alarm.metrics([measured, band]).threshold_metric_id("band")
            }
        };
        let actions = self.actions.iter().map(|action| match action {
            Action::Invoke(function) => function.arn().text(),
            Action::Notify(topic) => topic.arn().text(),
        });
        alarm = alarm
            .treat_missing_data(missing.name())
            .alarm_actions(actions.collect::<Vec<_>>());
        if !self.recovery.is_empty() {
            alarm = alarm.ok_actions(self.recovery.iter().map(|topic| topic.arn()));
        }
        if let Some(count) = datapoints {
            limits::within(
                scope,
                "DatapointsToAlarm",
                count,
                &(1..=periods),
                " periods",
            );
            alarm = alarm.datapoints_to_alarm(count);
        }
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
        for topic in self.recovery {
            topic.admit_alarms(scope);
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

    /// Holds while the alarm is off.
    pub fn in_alarm(self) -> AlarmRule {
        AlarmRule::state("ALARM", self.name())
    }

    /// Holds while all is well.
    pub fn is_ok(self) -> AlarmRule {
        AlarmRule::state("OK", self.name())
    }

    /// Holds while the alarm knows too little.
    pub fn lacks_data(self) -> AlarmRule {
        AlarmRule::state("INSUFFICIENT_DATA", self.name())
    }
}

impl MissingData {
    const fn name(self) -> &'static str {
        match self {
            Self::Good => "notBreaching",
            Self::Bad => "breaching",
            Self::Same => "ignore",
        }
    }
}

fn query(scope: &mut Scope<'_>, id: String, metric: Metric) -> cloudwatch::AlarmMetricDataQuery {
    let period = metric.seconds(scope);
    let statistic = metric.statistic.name();
    let metric = cloudwatch::AlarmMetric::new()
        .namespace(metric.namespace)
        .metric_name(metric.name)
        .dimensions(dimensions(metric.dimensions));
    cloudwatch::AlarmMetricDataQuery::new(id)
        .metric_stat(cloudwatch::AlarmMetricStat::new(metric, period, statistic))
}

fn dimensions(dimensions: Vec<(String, Value<String>)>) -> Vec<cloudwatch::AlarmDimension> {
    dimensions
        .into_iter()
        .map(|(name, value)| cloudwatch::AlarmDimension::new(name, value))
        .collect()
}

#[cfg(test)]
mod tests {
    use lightsout_core::{Pseudo, Tree};

    use super::*;
    use crate::{
        cfn,
        cloudwatch::{Expression, Statistic},
        fixture::{key, problems, synth, with_function},
        names::arn_here,
        sns::Topic,
        sqs::Queue,
    };
    use std::time::Duration;

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
                        Tree::object([
                            (
                                "ArnLike",
                                Tree::object([(
                                    "aws:SourceArn",
                                    arn_here("cloudwatch", "alarm:*").into(),
                                )]),
                            ),
                            (
                                "StringEquals",
                                Tree::object([("aws:SourceAccount", Pseudo::AccountId.into())]),
                            ),
                        ]),
                    ),
                ])]
                .into(),
            )])
        };
        let template = assembly.template("Test");
        template.has(cfn::kms::Key::matching().key_policy(admits()));
        template.has(cfn::sns::TopicPolicy::matching().policy_document(admits()));
    }

    /// Returns the properties of an alarm on `condition`.
    fn alarm(condition: AlarmCondition) -> serde_json::Value {
        let assembly = synth(|scope| {
            let key = key(scope);
            let topic = scope.add("Topic", Topic::new(&key));
            let alarm = condition.notifies(&topic).notifies_recovery(&topic);
            scope.add("Alarm", alarm);
        });
        assembly.template("Test").json()["Resources"]["Alarm"]["Properties"].clone()
    }

    #[test]
    fn a_percentile_is_an_extended_statistic() {
        let metric = Metric::new("AWS/Lambda", "Duration").statistic(Statistic::P999);
        let alarm = alarm(metric.above(1000).for_some(3, 5));
        assert_eq!(alarm["ExtendedStatistic"], "p99.9");
        assert!(alarm.get("Statistic").is_none());
        assert_eq!(alarm["EvaluationPeriods"], 5);
        assert_eq!(alarm["DatapointsToAlarm"], 3);
        assert_eq!(alarm["OKActions"][0]["Ref"], "Topic");
    }

    #[test]
    fn a_formula_returns_its_result_only() {
        let of = |name: &str| Metric::new("AWS/Lambda", name).statistic(Statistic::Sum);
        let share = Expression::new("100 * errors / calls")
            .with("errors", of("Errors"))
            .with("calls", of("Invocations"));
        let alarm = alarm(share.above(1).when_missing(MissingData::Bad));
        let metrics = alarm["Metrics"].as_array().unwrap();
        let returned: Vec<bool> = metrics
            .iter()
            .filter_map(|metric| metric["ReturnData"].as_bool())
            .collect();
        assert_eq!(returned, [true, false, false]);
        assert_eq!(metrics[0]["Expression"], "100 * errors / calls");
        assert_eq!(metrics[1]["MetricStat"]["Stat"], "Sum");
        assert_eq!(alarm["TreatMissingData"], "breaching");
        assert!(alarm.get("MetricName").is_none());
    }

    #[test]
    fn a_band_is_the_threshold() {
        let alarm = alarm(Metric::new("Clinic", "Reads").outside_band(2));
        assert_eq!(alarm["ThresholdMetricId"], "band");
        assert_eq!(
            alarm["Metrics"][1]["Expression"],
            "ANOMALY_DETECTION_BAND(measured, 2)"
        );
        assert!(alarm.get("Threshold").is_none());
    }

    #[test]
    fn what_cloudwatch_refuses_is_a_problem() {
        let problems = problems(|scope| {
            let key = key(scope);
            let topic = scope.add("Topic", Topic::new(&key));
            let metric = || Metric::new("Clinic", "Reads").period(Duration::from_secs(90));
            let formula = Expression::new("a + b")
                .with("A", metric())
                .with("c", metric());
            scope.add("Formula", formula.above(1).notifies(&topic));
            let alarm = metric().above(1).for_some(2, 1).notifies(&topic);
            scope.add("Metric", alarm);
        });
        let properties: Vec<&str> = problems
            .iter()
            .filter_map(|problem| problem.property.as_deref())
            .collect();
        let expected = [
            "Metrics",
            "Metrics",
            "Period",
            "Period",
            "Period",
            "DatapointsToAlarm",
        ];
        assert_eq!(properties, expected);
    }
}

//! Alarms on the state of other alarms.

use std::{
    ops::{BitAnd, BitOr, Not},
    time::Duration,
};

use lightsout_core::{Arn, Construct, Part, ResourceId, Scope, Value};

use super::AlarmRef;
use crate::{cfn::cloudwatch, limits, sns::TopicRef};

/// When other alarms are in certain states; it becomes a [`CompositeAlarm`] by whom
/// it tells.
///
/// ```
/// use lightsout::{App, Stage, cfn, cloudwatch::Metric, kms::Key, sns::Topic};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Alarms");
/// let key = stack.add("Key", Key::new("Alarms"));
/// let records = stack.add("Records", Topic::new(&key));
/// let people = stack.add("People", Topic::new(&key));
/// let mut alarm = |name: &str| {
///     let metric = Metric::new("Clinic", name);
///     stack.add(name, metric.above(0).notifies(&records))
/// };
/// let (late, lost, upkeep) = (alarm("Late"), alarm("Lost"), alarm("Upkeep"));
/// let trouble = (late.in_alarm() | lost.in_alarm()) & !upkeep.in_alarm();
/// stack.add("Trouble", trouble.notifies(&people));
///
/// let assembly = app.synth()?;
/// assembly.template("Alarms").count::<cfn::cloudwatch::CompositeAlarm>(1);
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a rule does nothing until it notifies somebody"]
pub struct AlarmRule {
    parts: Vec<Part>,
    alarms: usize,
    joined_by: Option<&'static str>,
}

/// An alarm on the state of other alarms, and at least one topic that it tells.
#[derive(Debug, Clone)]
#[must_use = "an alarm is made once it is added to a stack"]
pub struct CompositeAlarm {
    rule: AlarmRule,
    topics: Vec<TopicRef>,
    suppressor: Option<Suppressor>,
    description: Option<String>,
}

#[derive(Debug, Clone)]
struct Suppressor {
    alarm: AlarmRef,
    wait: Duration,
    extension: Duration,
}

/// An alarm on the state of other alarms that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompositeAlarmRef {
    id: ResourceId,
}

/// The longest rule, in characters.
///
/// [`PutCompositeAlarm`](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html)
/// has this and the next.
const LONGEST_RULE: usize = 10_240;

/// How many alarms one rule names at most.
const MOST_ALARMS: usize = 100;

impl AlarmRule {
    /// Holds while the alarm of this name is in this state.
    pub(super) fn state(state: &str, name: Value<String>) -> Self {
        Self {
            parts: vec![format!("{state}(\"").into(), name.into(), "\")".into()],
            alarms: 1,
            joined_by: None,
        }
    }

    /// Tells `topic` when the rule comes to hold.
    pub fn notifies(self, topic: &TopicRef) -> CompositeAlarm {
        CompositeAlarm {
            rule: self,
            topics: vec![*topic],
            suppressor: None,
            description: None,
        }
    }

    fn join(&self, operator: &'static str, other: &Self) -> Self {
        let mut parts = self.grouped(operator);
        parts.push(format!(" {operator} ").into());
        parts.extend(other.grouped(operator));
        Self {
            parts,
            alarms: self.alarms + other.alarms,
            joined_by: Some(operator),
        }
    }

    /// Returns the parts, in parentheses unless they stand next to `operator` alike.
    fn grouped(&self, operator: &str) -> Vec<Part> {
        match self.joined_by {
            Some(own) if own != operator => {
                [vec!["(".into()], self.parts.clone(), vec![")".into()]].concat()
            }
            _ => self.parts.clone(),
        }
    }

    /// Returns how many characters the rule has at least: names come on top.
    fn least_length(&self) -> usize {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.chars().count(),
                Part::Token(_) => 1,
            })
            .sum()
    }
}

impl BitAnd for AlarmRule {
    type Output = Self;

    /// Holds while both do.
    fn bitand(self, other: Self) -> Self {
        self.join("AND", &other)
    }
}

impl BitOr for AlarmRule {
    type Output = Self;

    /// Holds while either does.
    fn bitor(self, other: Self) -> Self {
        self.join("OR", &other)
    }
}

impl Not for AlarmRule {
    type Output = Self;

    /// Holds while the rule does not.
    fn not(self) -> Self {
        let inner = self.grouped("NOT");
        let mut parts = vec!["NOT ".into()];
        // `NOT NOT ALARM(..)` is no rule.
        if self.joined_by == Some("NOT") {
            parts.push("(".into());
            parts.extend(inner);
            parts.push(")".into());
        } else {
            parts.extend(inner);
        }
        Self {
            parts,
            alarms: self.alarms,
            joined_by: Some("NOT"),
        }
    }
}

impl CompositeAlarm {
    /// Tells `topic` too.
    pub fn notifies(mut self, topic: &TopicRef) -> Self {
        self.topics.push(*topic);
        self
    }

    /// Tells nobody while `alarm` is off, such as one that is on during upkeep.
    ///
    /// It waits so long for `alarm` to go off first, and keeps silent so long after;
    /// up to 24 hours each.
    pub fn silent_during(mut self, alarm: &AlarmRef, wait: Duration, extension: Duration) -> Self {
        self.suppressor = Some(Suppressor {
            alarm: *alarm,
            wait,
            extension,
        });
        self
    }

    /// Says what the alarm means and what to do about it.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

impl Construct for CompositeAlarm {
    type Handle = CompositeAlarmRef;

    fn build(self, scope: &mut Scope<'_>) -> CompositeAlarmRef {
        if self.rule.alarms > MOST_ALARMS {
            scope.problem(
                "AlarmRule",
                format_args!("names {} alarms", self.rule.alarms),
                format!("name at most {MOST_ALARMS}, or join them in several composite alarms"),
            );
        }
        let length = self.rule.least_length();
        if length > LONGEST_RULE {
            scope.problem(
                "AlarmRule",
                format_args!("has a rule of at least {length} characters"),
                format!("write it in {LONGEST_RULE}, or join alarms in several composite alarms"),
            );
        }
        let mut alarm = cloudwatch::CompositeAlarm::new(Value::join(self.rule.parts))
            .actions_enabled(true)
            .alarm_actions(self.topics.iter().map(|topic| topic.arn()));
        if let Some(suppressor) = self.suppressor {
            let wait = limits::seconds(
                scope,
                "ActionsSuppressorWaitPeriod",
                suppressor.wait,
                &(0..=86_400),
            );
            let extension = limits::seconds(
                scope,
                "ActionsSuppressorExtensionPeriod",
                suppressor.extension,
                &(0..=86_400),
            );
            alarm = alarm
                .actions_suppressor(suppressor.alarm.arn())
                .actions_suppressor_wait_period(wait)
                .actions_suppressor_extension_period(extension);
        }
        if let Some(text) = self.description {
            alarm = alarm.alarm_description(text);
        }
        let alarm = alarm.build(scope);
        for topic in self.topics {
            topic.admit_alarms(scope);
        }
        CompositeAlarmRef { id: alarm.id() }
    }
}

impl CompositeAlarmRef {
    /// Returns the alarm's ARN.
    pub const fn arn(self) -> Value<Arn<CompositeAlarm>> {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cloudwatch::Metric,
        fixture::{key, problems, synth},
        sns::Topic,
    };

    fn state(name: &str) -> AlarmRule {
        AlarmRule::state("ALARM", name.into())
    }

    fn text(rule: AlarmRule) -> String {
        Value::join(rule.parts).literal().unwrap().clone()
    }

    #[test]
    fn rules_say_what_their_operators_say() {
        for (rule, expected) in [
            (
                state("a") & !state("b"),
                r#"ALARM("a") AND (NOT ALARM("b"))"#,
            ),
            (
                state("a") | state("b") | state("c"),
                r#"ALARM("a") OR ALARM("b") OR ALARM("c")"#,
            ),
            (
                (state("a") | state("b")) & state("c"),
                r#"(ALARM("a") OR ALARM("b")) AND ALARM("c")"#,
            ),
            (
                !(state("a") & state("b")),
                r#"NOT (ALARM("a") AND ALARM("b"))"#,
            ),
            (!!state("a"), r#"NOT (NOT ALARM("a"))"#),
        ] {
            assert_eq!(text(rule), expected);
        }
    }

    #[test]
    fn a_composite_alarm_reaches_its_topic() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let topic = scope.add("Topic", Topic::new(&key));
            let metric = Metric::new("Clinic", "Errors");
            let errors = scope.add("Errors", metric.above(0).notifies(&topic));
            let other = scope.add("Other", Topic::new(&key));
            let minute = Duration::from_mins(1);
            let alarm = errors
                .in_alarm()
                .notifies(&other)
                .silent_during(&errors, minute, minute);
            scope.add("Trouble", alarm);
        });
        let json = &assembly.template("Test").json()["Resources"];
        let alarm = &json["Trouble"]["Properties"];
        assert_eq!(
            alarm["AlarmRule"]["Fn::Join"][1],
            serde_json::json!(["ALARM(\"", {"Ref": "Errors"}, "\")"])
        );
        assert_eq!(alarm["ActionsEnabled"], true);
        assert_eq!(alarm["ActionsSuppressorWaitPeriod"], 60);
        let policy = &json["OtherPolicy"]["Properties"]["PolicyDocument"]["Statement"];
        assert_eq!(
            policy[1]["Principal"]["Service"],
            "cloudwatch.amazonaws.com"
        );
    }

    #[test]
    fn rules_that_are_too_long_or_too_many_are_problems() {
        let problems = problems(|scope| {
            let key = key(scope);
            let topic = scope.add("Topic", Topic::new(&key));
            let name = "x".repeat(100);
            let rule = (0..100).fold(state(&name), |rule, _| rule | state(&name));
            scope.add("Trouble", rule.notifies(&topic));
        });
        assert_eq!(problems.len(), 2);
    }
}

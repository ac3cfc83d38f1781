//! Who contributes most to what a log tells.

use std::time::Duration;

use lightsout_core::{Construct, Part, Scope, Value};
use serde_json::json;

use super::Expression;
use crate::{cfn::cloudwatch, logs::LogGroupRef, names::name_of};

/// Counts the events of a log group by one of their fields, such as who called.
///
/// The group's events are lines of JSON. What the field holds is shown to people and
/// kept for two weeks: it must not name a patient.
///
/// ```
/// use lightsout::{App, Stage, cfn, cloudwatch::Contributors, kms::Key, logs::LogGroup, sns::Topic};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Watch");
/// let key = stack.add("Key", Key::new("Logs"));
/// let people = stack.add("People", Topic::new(&key));
/// let reads = stack.add("Reads", LogGroup::audit(&key));
/// let readers = Contributors::by(&reads, "caller").where_begins("status", "2");
/// let readers = stack.add("Readers", readers);
/// stack.add("ReadsMuch", readers.largest().at_least(1000).notifies(&people));
///
/// let assembly = app.synth()?;
/// assembly.template("Watch").count::<cfn::cloudwatch::InsightRule>(1);
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "contributors are counted once this is added to a stack"]
pub struct Contributors {
    group: LogGroupRef,
    field: String,
    filter: Option<(String, String)>,
}

/// Contributors that are counted.
#[derive(Debug, Clone)]
pub struct ContributorsRef {
    rule: String,
}

/// The longest name of a rule.
const LONGEST_NAME: usize = 128;

impl Contributors {
    /// Counts the events of `group` by their field of this name.
    pub fn by(group: &LogGroupRef, field: impl Into<String>) -> Self {
        Self {
            group: *group,
            field: field.into(),
            filter: None,
        }
    }

    /// Counts only events whose field `field` begins with `text`.
    pub fn where_begins(mut self, field: impl Into<String>, text: impl Into<String>) -> Self {
        self.filter = Some((field.into(), text.into()));
        self
    }
}

impl Construct for Contributors {
    type Handle = ContributorsRef;

    fn build(self, scope: &mut Scope<'_>) -> ContributorsRef {
        // The group's name is known once it is deployed; what stands before and after it is not.
        const GROUP: &str = "@group@";
        let filters: Vec<_> = self
            .filter
            .iter()
            .map(|(field, text)| json!({"Match": format!("$.{field}"), "StartsWith": [text]}))
            .collect();
        let body = json!({
            "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
            "LogGroupNames": [GROUP],
            "LogFormat": "JSON",
            "Contribution": {"Keys": [format!("$.{}", self.field)], "Filters": filters},
            "AggregateOn": "Count",
        })
        .to_string();
        let mut parts = Vec::new();
        for (index, text) in body.split(GROUP).enumerate() {
            if index > 0 {
                parts.push(Part::from(self.group.name()));
            }
            parts.push(Part::from(text.to_owned()));
        }
        let rule = name_of(scope, LONGEST_NAME);
        cloudwatch::InsightRule::new(Value::join(parts), rule.as_str(), "ENABLED").build(scope);
        ContributorsRef { rule }
    }
}

impl ContributorsRef {
    /// Returns how many events the largest contributor has in a minute.
    pub fn largest(&self) -> Expression {
        self.largest_in(Duration::from_mins(1))
    }

    /// Returns how many events the largest contributor has in a period of whole minutes.
    pub fn largest_in(&self, period: Duration) -> Expression {
        Expression::of_rule(&self.rule, period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::synth, kms::Key, logs::LogGroup, sns::Topic};

    #[test]
    fn an_alarm_is_about_the_largest_contributor() {
        let assembly = synth(|scope| {
            let key = scope.add("Logs", Key::new("Logs"));
            let people = scope.add("People", Topic::new(&key));
            let group = scope.add("Reads", LogGroup::audit(&key));
            let readers = scope.add("Readers", Contributors::by(&group, "caller"));
            let much = readers.largest_in(Duration::from_hours(1)).at_least(100);
            scope.add("Much", much.notifies(&people));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let rule = &json["Readers"]["Properties"];
        let body = rule["RuleBody"]["Fn::Join"][1].to_string();
        assert!(body.contains(r#"\"Keys\":[\"$.caller\"]"#), "{body}");
        assert!(body.contains(r#"{"Ref":"Reads"}"#), "{body}");
        let query = &json["Much"]["Properties"]["Metrics"][0];
        let name = rule["RuleName"].as_str().unwrap();
        assert_eq!(
            query["Expression"],
            format!("INSIGHT_RULE_METRIC(\"{name}\", \"MaxContributorValue\")")
        );
        assert_eq!(query["Period"], 3600);
    }
}

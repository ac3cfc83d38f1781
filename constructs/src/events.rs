//! Rules that start programs by the clock.

use std::time::Duration;

use lightsout_core::{Arn, Construct, ResourceId, Scope, Value};

use crate::{cfn::events, lambda::FunctionRef};

/// How often something happens; it becomes a [`Rule`] by what it then does.
///
/// ```
/// use std::time::Duration;
/// use lightsout::events::Schedule;
///
/// assert_eq!(Schedule::every(Duration::from_secs(60)).expression(), "rate(1 minute)");
/// assert_eq!(Schedule::every(Duration::from_secs(7200)).expression(), "rate(2 hours)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a schedule does nothing until it invokes something"]
pub struct Schedule {
    minutes: u64,
}

/// A rule that invokes a function by the clock.
#[derive(Debug, Clone)]
pub struct Rule {
    schedule: Schedule,
    function: FunctionRef<()>,
    description: Option<String>,
}

/// A rule that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleRef {
    id: ResourceId,
}

impl Schedule {
    /// Once in each `period`, in whole minutes, rounded up.
    pub const fn every(period: Duration) -> Self {
        let minutes = period.as_secs().div_ceil(60);
        Self {
            minutes: if minutes == 0 { 1 } else { minutes },
        }
    }

    /// Returns the schedule as `EventBridge` writes it.
    pub fn expression(self) -> String {
        let (count, unit) = match self.minutes {
            minutes if minutes % (24 * 60) == 0 => (minutes / (24 * 60), "day"),
            minutes if minutes % 60 == 0 => (minutes / 60, "hour"),
            minutes => (minutes, "minute"),
        };
        let plural = if count == 1 { "" } else { "s" };
        format!("rate({count} {unit}{plural})")
    }

    /// Invokes `function` each time.
    pub fn invokes<P>(self, function: &FunctionRef<P>) -> Rule {
        Rule {
            schedule: self,
            function: function.untyped(),
            description: None,
        }
    }
}

impl Rule {
    /// Says what the rule is for.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

impl Construct for Rule {
    type Handle = RuleRef;

    fn build(self, scope: &mut Scope<'_>) -> RuleRef {
        let mut rule = events::Rule::new()
            .schedule_expression(self.schedule.expression())
            .state("ENABLED")
            .targets([events::RuleTarget::new(self.function.arn(), "Function")]);
        if let Some(text) = self.description {
            rule = rule.description(text);
        }
        let rule = rule.build(scope);
        self.function.admit(
            scope,
            "Permission",
            "events.amazonaws.com",
            rule.get(events::Rule::ARN),
        );
        RuleRef { id: rule.id() }
    }
}

impl RuleRef {
    /// Returns the rule's ARN.
    pub const fn arn(self) -> Value<Arn<Rule>> {
        self.id.attribute("Arn")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cfn, fixture::with_function};

    #[test]
    fn periods_are_whole_minutes_and_never_none() {
        for (seconds, expression) in [
            (0, "rate(1 minute)"),
            (61, "rate(2 minutes)"),
            (3600, "rate(1 hour)"),
            (5400, "rate(90 minutes)"),
            (86_400, "rate(1 day)"),
        ] {
            let schedule = Schedule::every(Duration::from_secs(seconds));
            assert_eq!(schedule.expression(), expression);
        }
    }

    #[test]
    fn a_rule_may_invoke_what_it_invokes() {
        let assembly = with_function(|scope, _, function| {
            let every = Schedule::every(Duration::from_mins(5));
            scope.add("Heartbeat", every.invokes(&function));
        });
        let template = assembly.template("Test");
        template.has(events::Rule::new().schedule_expression("rate(5 minutes)"));
        template.has(cfn::lambda::Permission::matching().principal("events.amazonaws.com"));
        let permission = &template.json()["Resources"]["HeartbeatPermission"]["Properties"];
        assert_eq!(permission["SourceArn"]["Fn::GetAtt"][0], "Heartbeat");
    }
}

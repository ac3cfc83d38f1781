//! What a host runs when it boots.

use lightsout_core::{Check, Finding, Part, Pseudo, Resource, Resources, Token, Tree, Value, join};

/// What a host runs when it boots: a Bash script with variables.
///
/// The variables come first, each as `export NAME='value'`; the launch template
/// adds those of the program's environment and `AWS_REGION`.
#[derive(Debug, Clone)]
pub struct UserData {
    variables: Vec<(String, Value<String>)>,
    body: Value<String>,
}

/// Asks that what is known of user data is within the 16 KiB that EC2 takes.
#[derive(Debug, Clone, Copy)]
pub struct UserDataFits;

impl UserData {
    /// A script for Bash, without its `#!` line.
    pub fn bash(body: impl Into<Value<String>>) -> Self {
        Self {
            variables: Vec::new(),
            body: body.into(),
        }
    }

    /// Exports a variable to the script.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Returns the whole script, with `variables` before its own.
    pub(crate) fn script(self, variables: Vec<(String, Value<String>)>) -> Value<String> {
        let region = ("AWS_REGION".to_owned(), Pseudo::Region.value());
        let lines = variables
            .into_iter()
            .chain(self.variables)
            .chain([region])
            .flat_map(|(name, value)| {
                [
                    Part::from(format!("export {name}='")),
                    Part::from(quoted(value)),
                    Part::from("'\n"),
                ]
            });
        Value::join(
            [Part::from("#!/bin/bash\n")]
                .into_iter()
                .chain(lines)
                .chain([Part::from(self.body)]),
        )
    }
}

impl Check for UserDataFits {
    fn rule(&self) -> &'static str {
        "user-data-fits"
    }

    fn check(&self, resource: &Resource, _: &Resources<'_>) -> Vec<Finding> {
        let data = resource.get("LaunchTemplateData");
        let known = match data.and_then(|data| data.get("UserData")) {
            Some(Tree::Token(Token::Base64(text))) => known_bytes(text),
            _ => return Vec::new(),
        };
        if known <= LIMIT {
            return Vec::new();
        }
        vec![
            Finding::new(format!(
                "it has {known} bytes at least, and EC2 takes {LIMIT}: fetch the rest from a bucket"
            ))
            .at("LaunchTemplateData.UserData"),
        ]
    }
}

/// The most that EC2 takes, [before it is encoded](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html).
const LIMIT: usize = 16 * 1024;

fn known_bytes(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::Token(Token::Join(parts)) => parts.iter().map(known_bytes).sum(),
        Part::Token(_) => 0,
    }
}

/// Makes known text safe within single quotes; what AWS fills in holds none.
fn quoted(value: Value<String>) -> Value<String> {
    let escape = |text: &str| text.replace('\'', r"'\''");
    match value {
        Value::Literal(text) => Value::Literal(escape(&text)),
        Value::Token(Token::Join(parts), _) => {
            Value::join(parts.into_iter().map(|part| match part {
                Part::Text(text) => Part::Text(escape(&text)),
                token @ Part::Token(_) => token,
            }))
        }
        token @ Value::Token(..) => join![token],
    }
}

#[cfg(test)]
mod tests {
    use lightsout_core::{App, Stage, base64};

    use super::*;
    use crate::cfn::ec2;

    #[test]
    fn quotes_in_values_cannot_end_them() {
        let script = UserData::bash("true\n")
            .variable("NAME", "it's; rm -rf /")
            .script(Vec::new());
        let Value::Token(Token::Join(parts), _) = script else {
            panic!("the region is known once deployed");
        };
        assert_eq!(
            parts[0],
            Part::from("#!/bin/bash\nexport NAME='it'\\''s; rm -rf /'\nexport AWS_REGION='")
        );
    }

    #[test]
    fn user_data_that_ec2_would_refuse_is_a_problem() {
        let synth = |bytes: usize| {
            let mut app = App::new("clinic", Stage::new("dev"));
            app.check(UserDataFits);
            let script = UserData::bash("x".repeat(bytes)).script(Vec::new());
            let data = ec2::LaunchTemplateData::new().user_data(base64(script));
            app.stack("Test")
                .add("Hosts", ec2::LaunchTemplate::new(data));
            app.synth()
        };
        assert!(synth(16_000).is_ok());
        let error = synth(17_000).unwrap_err().to_string();
        assert!(error.contains("user-data-fits"), "{error}");
        assert!(error.contains("EC2 takes 16384"), "{error}");
    }
}

//! Stacks in another region or account than their stage.

use std::panic::Location;

use crate::{App, Problem, Scope, problem::ProblemKind};

/// The account and region of a stack; what is left open is the stage's.
///
/// ```
/// use lightsout_core::{App, Environment, Stage};
///
/// let mut app = App::new("lightsout", Stage::new("prod").region("eu-central-1"));
/// // Certificates for CloudFront live in one region only.
/// let cdn = app.stack_in("Cdn", Environment::new().region("us-east-1"));
/// assert_eq!(cdn.environment().region.as_deref(), Some("us-east-1"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The account's number, 12 digits; `None` takes that of the stage.
    pub account: Option<String>,
    /// The region's name; `None` takes that of the stage.
    pub region: Option<String>,
}

impl Environment {
    /// The account and region of the stage.
    pub const fn new() -> Self {
        Self {
            account: None,
            region: None,
        }
    }

    /// Fixes the account's number, 12 digits.
    pub fn account(mut self, number: impl Into<String>) -> Self {
        self.account = Some(number.into());
        self
    }

    /// Fixes the region, such as `us-east-1`.
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.region = Some(name.into());
        self
    }

    /// Returns the partition that the region belongs to, such as `aws-cn`.
    ///
    /// ARNs of one partition mean nothing in another. The prefixes are those of
    /// [AWS's table](https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html).
    pub(crate) fn partition(&self) -> Option<&'static str> {
        let region = self.region.as_deref()?;
        let prefixes = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-iso-", "aws-iso"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("eu-isoe-", "aws-iso-e"),
            ("eusc-", "aws-eusc"),
        ];
        let known = prefixes
            .iter()
            .find(|(prefix, _)| region.starts_with(prefix));
        Some(known.map_or("aws", |(_, partition)| partition))
    }

    /// Returns what is no account or region, and how one looks.
    fn wrong(&self) -> Option<(&str, &'static str)> {
        let is_number =
            |text: &&String| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        let is_name = |text: &&String| {
            text.split('-').count() > 2
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let account = self.account.as_ref().filter(|text| !is_number(text));
        let region = self.region.as_ref().filter(|text| !is_name(text));
        match (account, region) {
            (Some(account), _) => Some((account, "an account's number, 12 digits")),
            (None, Some(region)) => Some((region, "a region's name, such as `eu-central-1`")),
            (None, None) => None,
        }
    }

    /// Returns this as the CDK writes it: `aws://account/region`.
    pub(crate) fn url(&self) -> String {
        format!(
            "aws://{}/{}",
            self.account.as_deref().unwrap_or("unknown-account"),
            self.region.as_deref().unwrap_or("unknown-region")
        )
    }

    /// Reads what [`url`](Self::url) wrote.
    pub(crate) fn from_url(url: &str) -> Option<Self> {
        let (account, region) = url.strip_prefix("aws://")?.split_once('/')?;
        let known = |part: &str| (!part.starts_with("unknown-")).then(|| part.to_owned());
        Some(Self {
            account: known(account),
            region: known(region),
        })
    }
}

impl App {
    /// Returns the stack `name` in another region or account than the stage's; a new
    /// one the first time.
    ///
    /// A value of it can be used in other regions and accounts only as a [weak
    /// reference](crate::Value::weak); anything else is a problem at synth, as is an
    /// asset: they are uploaded to one region.
    #[track_caller]
    pub fn stack_in(&mut self, name: &str, environment: Environment) -> Scope<'_> {
        let location = Location::caller();
        let environment = self.stage_environment().overridden_by(environment);
        let stack = self.stack_or_new(name, &environment, location);
        let there = &self.stacks[stack];
        if there.environment != environment {
            let problem = Problem::new(
                ProblemKind::DuplicateId,
                name,
                "is opened in two regions or accounts",
            )
            .found(environment.url())
            .wanted(format_args!("{}, as at first", there.environment.url()))
            .hint("open it with `app.stack` once it is there, or name a second stack")
            .at(location);
            self.problems.push(problem);
        }
        self.scope(stack, location)
    }

    /// Reports accounts and regions that cannot be any.
    pub(crate) fn check_accounts_and_regions(&self, problems: &mut Vec<Problem>) {
        let stage = self.stage_environment();
        let of_stage = (&stage, self.stage.name.as_str(), None);
        let of_stacks = self
            .stacks
            .iter()
            .filter(|stack| stack.environment != stage)
            .map(|stack| {
                (
                    &stack.environment,
                    stack.name.as_str(),
                    Some(stack.location),
                )
            });
        for (environment, name, location) in std::iter::once(of_stage).chain(of_stacks) {
            let Some((found, wanted)) = environment.wrong() else {
                continue;
            };
            let problem = Problem::new(
                ProblemKind::InvalidId,
                name,
                "is for an account or region that there cannot be",
            )
            .found(found)
            .wanted(wanted)
            .hint("write it as AWS does");
            problems.push(match location {
                Some(location) => problem.at(location),
                None => problem,
            });
        }
    }

    pub(crate) fn stage_environment(&self) -> Environment {
        Environment {
            account: self.stage.account.clone(),
            region: self.stage.region.clone(),
        }
    }
}

impl Environment {
    fn overridden_by(self, other: Self) -> Self {
        Self {
            account: other.account.or(self.account),
            region: other.region.or(self.region),
        }
    }
}

impl Scope<'_> {
    /// Returns the account and region of this scope's stack.
    pub fn environment(&self) -> &Environment {
        &self.app.stacks[self.stack].environment
    }
}

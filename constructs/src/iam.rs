//! Statements, policies and roles: who may do what.

use std::collections::{BTreeMap, BTreeSet};

use lightsout_core::{
    Arn, Check, Construct, Finding, Pseudo, Resource, ResourceId, Resources, Scope, Tree, Value,
    join,
};

use crate::cfn;

/// One statement of a policy.
///
/// ```
/// use lightsout::{Pseudo, iam::Statement};
///
/// let publish = Statement::allow(["sns:Publish"])
///     .on("arn:aws:sns:eu-central-1:111122223333:alarms")
///     .to_service("cloudwatch.amazonaws.com")
///     .when("StringEquals", "aws:SourceAccount", Pseudo::AccountId);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    sid: Option<&'static str>,
    effect: Effect,
    principals: Vec<Principal>,
    actions: BTreeSet<String>,
    resources: Vec<Value<String>>,
    conditions: BTreeMap<(String, String), Vec<Value<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Principal {
    Everyone,
    Account,
    Service(&'static str),
    RegionalService(&'static str),
}

/// Statements as one policy document.
///
/// Statements that differ in nothing but their actions, or in nothing but their
/// resources, become one; the order is otherwise kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyDocument(Vec<Statement>);

/// A service that a role can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// API Gateway, which writes logs with its role.
    ApiGateway,
    /// AWS Backup, which reads and keeps data with its role.
    Backup,
    /// `CloudTrail`, which writes logs with its role.
    CloudTrail,
    /// EC2, whose instances act with their role.
    Ec2,
    /// Lambda, whose functions act with their role.
    Lambda,
    /// VPC flow logs, which are written with their role.
    VpcFlowLogs,
}

/// A role for one service, with one managed policy.
///
/// The policy is a customer managed one, so that it has a history and can be
/// listed by itself; nothing is in line.
#[derive(Debug, Clone)]
#[must_use = "a role is made once it is added to a stack"]
pub struct Role {
    service: Service,
    description: String,
    policy: PolicyDocument,
}

/// A role that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleRef {
    id: ResourceId,
    policy: Option<ResourceId>,
}

/// Forbids allowing actions by wildcard, such as `s3:*`, in any policy.
///
/// A denial may name every action: it only takes away.
#[derive(Debug, Clone, Copy)]
pub struct NoWildcardActions;

impl Statement {
    /// Allows `actions`, such as `sqs:SendMessage`.
    pub fn allow<A: AsRef<str>>(actions: impl IntoIterator<Item = A>) -> Self {
        Self::new(Effect::Allow, actions)
    }

    /// Denies `actions`, whatever else allows them.
    pub fn deny<A: AsRef<str>>(actions: impl IntoIterator<Item = A>) -> Self {
        Self::new(Effect::Deny, actions)
    }

    /// Names the statement: letters and digits, once in a policy.
    pub fn sid(mut self, sid: &'static str) -> Self {
        self.sid = Some(sid);
        self
    }

    /// Adds a resource, by its ARN.
    pub fn on(mut self, resource: impl Into<Value<String>>) -> Self {
        let resource = resource.into();
        if !self.resources.contains(&resource) {
            self.resources.push(resource);
        }
        self
    }

    /// Makes the statement about every resource.
    ///
    /// For a key's own policy, where every resource is that key, for denials, and
    /// for the few actions that AWS ties to no resource.
    pub fn on_everything(self) -> Self {
        self.on("*")
    }

    /// Makes the statement about everyone, as only denials should be.
    pub fn to_everyone(self) -> Self {
        self.to(Principal::Everyone)
    }

    /// Makes the statement about this account, whose policies then decide.
    pub fn to_account(self) -> Self {
        self.to(Principal::Account)
    }

    /// Makes the statement about a service, such as `sns.amazonaws.com`.
    pub fn to_service(self, service: &'static str) -> Self {
        self.to(Principal::Service(service))
    }

    /// Makes the statement about a service of this region: `logs` is
    /// `logs.eu-central-1.amazonaws.com`.
    pub fn to_regional_service(self, service: &'static str) -> Self {
        self.to(Principal::RegionalService(service))
    }

    /// Adds a condition; the same operator and key again replace it.
    pub fn when(
        self,
        operator: impl Into<String>,
        key: impl Into<String>,
        value: impl Into<Value<String>>,
    ) -> Self {
        self.when_any(operator, key, [value.into()])
    }

    /// Adds a condition that one of `values` meets.
    pub fn when_any(
        mut self,
        operator: impl Into<String>,
        key: impl Into<String>,
        values: impl IntoIterator<Item = Value<String>>,
    ) -> Self {
        self.conditions
            .insert((operator.into(), key.into()), values.into_iter().collect());
        self
    }

    /// Asks that a service acts for this account, and for no other.
    pub fn from_account(self) -> Self {
        self.when("StringEquals", "aws:SourceAccount", Pseudo::AccountId)
    }

    /// Asks that a key is used by way of a service of this region, such as `sqs`.
    pub fn via_service(self, service: &str) -> Self {
        self.when(
            "StringEquals",
            VIA_SERVICE,
            join![service, ".", Pseudo::Region, ".", Pseudo::UrlSuffix],
        )
    }

    /// Returns the actions, sorted.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(String::as_str)
    }

    /// Returns the resources, in the order in which they were added.
    pub fn resources(&self) -> &[Value<String>] {
        &self.resources
    }

    /// Returns the values that a condition asks for, if the statement has it.
    pub fn condition(&self, operator: &str, key: &str) -> Option<&[Value<String>]> {
        self.conditions
            .get(&(operator.to_owned(), key.to_owned()))
            .map(Vec::as_slice)
    }

    /// Returns whether the statement is about what a service does for the caller.
    pub(crate) fn is_via_service(&self) -> bool {
        self.conditions.keys().any(|(_, key)| key == VIA_SERVICE)
    }

    fn new<A: AsRef<str>>(effect: Effect, actions: impl IntoIterator<Item = A>) -> Self {
        Self {
            sid: None,
            effect,
            principals: Vec::new(),
            actions: actions
                .into_iter()
                .map(|action| action.as_ref().to_owned())
                .collect(),
            resources: Vec::new(),
            conditions: BTreeMap::new(),
        }
    }

    fn to(mut self, principal: Principal) -> Self {
        if !self.principals.contains(&principal) {
            self.principals.push(principal);
        }
        self
    }

    /// Takes in `other` if the two can be one statement; gives it back otherwise.
    fn absorb(&mut self, other: Self) -> Option<Self> {
        let is_alike = self.sid == other.sid
            && self.effect == other.effect
            && self.principals == other.principals
            && self.conditions == other.conditions;
        if is_alike && self.resources == other.resources {
            self.actions.extend(other.actions);
            return None;
        }
        if is_alike && self.actions == other.actions {
            for resource in other.resources {
                if !self.resources.contains(&resource) {
                    self.resources.push(resource);
                }
            }
            return None;
        }
        Some(other)
    }
}

impl PolicyDocument {
    /// An empty document, which allows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a statement.
    pub fn with(mut self, statement: Statement) -> Self {
        self.push(statement);
        self
    }

    /// Returns the statements, after merging.
    pub fn statements(&self) -> &[Statement] {
        &self.0
    }

    fn push(&mut self, statement: Statement) {
        let mut rest = Some(statement);
        for present in &mut self.0 {
            let Some(statement) = rest else { break };
            rest = present.absorb(statement);
        }
        self.0.extend(rest);
    }
}

impl Extend<Statement> for PolicyDocument {
    fn extend<I: IntoIterator<Item = Statement>>(&mut self, statements: I) {
        for statement in statements {
            self.push(statement);
        }
    }
}

impl FromIterator<Statement> for PolicyDocument {
    fn from_iter<I: IntoIterator<Item = Statement>>(statements: I) -> Self {
        let mut document = Self::new();
        document.extend(statements);
        document
    }
}

impl From<PolicyDocument> for Tree {
    fn from(document: PolicyDocument) -> Self {
        Self::object([
            ("Version", "2012-10-17".into()),
            ("Statement", document.0.into()),
        ])
    }
}

impl From<Statement> for Tree {
    fn from(statement: Statement) -> Self {
        let effect = match statement.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        let mut entries = Vec::with_capacity(6);
        entries.extend(statement.sid.map(|sid| ("Sid", sid.into())));
        entries.push(("Effect", effect.into()));
        if !statement.principals.is_empty() {
            entries.push(("Principal", principals(&statement.principals)));
        }
        entries.push(("Action", statement.actions.into_iter().collect()));
        if !statement.resources.is_empty() {
            entries.push(("Resource", one_or_many(statement.resources)));
        }
        if !statement.conditions.is_empty() {
            entries.push(("Condition", conditions(statement.conditions)));
        }
        Self::object(entries)
    }
}

impl Service {
    const fn principal(self) -> &'static str {
        match self {
            Self::ApiGateway => "apigateway.amazonaws.com",
            Self::Backup => "backup.amazonaws.com",
            Self::CloudTrail => "cloudtrail.amazonaws.com",
            Self::Ec2 => "ec2.amazonaws.com",
            Self::Lambda => "lambda.amazonaws.com",
            Self::VpcFlowLogs => "vpc-flow-logs.amazonaws.com",
        }
    }

    /// Trusts the service, for this account only where it says whom it acts for.
    ///
    /// The others assume their role without `aws:SourceAccount`, as far as AWS
    /// documents, so that a condition on it would lock them out.
    fn trust(self) -> PolicyDocument {
        let trust = Statement::allow(["sts:AssumeRole"]).to_service(self.principal());
        PolicyDocument::new().with(match self {
            Self::ApiGateway | Self::Backup | Self::CloudTrail | Self::Ec2 | Self::Lambda => trust,
            Self::VpcFlowLogs => trust.from_account(),
        })
    }
}

impl Role {
    /// A role that `service` may assume; the description says what it is for.
    pub fn new(service: Service, description: impl Into<String>) -> Self {
        Self {
            service,
            description: description.into(),
            policy: PolicyDocument::new(),
        }
    }

    /// Allows or denies what `statements` say.
    pub fn with(mut self, statements: impl IntoIterator<Item = Statement>) -> Self {
        self.policy.extend(statements);
        self
    }
}

impl Construct for Role {
    type Handle = RoleRef;

    fn build(self, scope: &mut Scope<'_>) -> RoleRef {
        let mut role =
            cfn::iam::Role::new(self.service.trust()).description(self.description.as_str());
        let mut policy_id = None;
        if !self.policy.statements().is_empty() {
            // The role names the policy and not the other way round, so whoever
            // waits for the role waits for its permissions too.
            let policy = scope.add(
                "Policy",
                cfn::iam::ManagedPolicy::new(self.policy).description(self.description),
            );
            role = role.managed_policy_arns([policy.reference()]);
            policy_id = Some(policy.id());
        }
        RoleRef {
            id: role.build(scope).id(),
            policy: policy_id,
        }
    }
}

impl RoleRef {
    /// Returns the role's ARN.
    pub const fn arn(self) -> Value<Arn<Role>> {
        self.id.attribute("Arn")
    }

    /// Returns the role's name.
    pub const fn name(self) -> Value<String> {
        self.id.reference()
    }

    /// Keeps the role and its policy when their stack goes.
    pub(crate) fn retain(self, scope: &mut Scope<'_>) {
        scope.retain(self.id);
        if let Some(policy) = self.policy {
            scope.retain(policy);
        }
    }
}

impl Check for NoWildcardActions {
    fn rule(&self) -> &'static str {
        "no-wildcard-actions"
    }

    fn check(&self, resource: &Resource, _: &Resources<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (property, tree) in resource.properties().iter() {
            visit_maps(tree, &mut |entry| {
                let actions = match entry.get("Action") {
                    Some(Tree::List(actions)) => actions.iter().collect(),
                    Some(action) => vec![action],
                    None => return,
                };
                if entry.get("Effect").and_then(Tree::as_str) != Some("Allow") {
                    return;
                }
                for action in actions.into_iter().filter_map(Tree::as_str) {
                    if action.contains('*') {
                        findings.push(
                            Finding::new(format!(
                                "`{action}` allows more than it says: name each action"
                            ))
                            .at(property),
                        );
                    }
                }
            });
        }
        findings
    }
}

const VIA_SERVICE: &str = "kms:ViaService";

fn visit_maps<'t>(tree: &'t Tree, visit: &mut impl FnMut(&'t Tree)) {
    match tree {
        Tree::Literal(_) | Tree::Token(_) => (),
        Tree::List(items) => {
            for item in items {
                visit_maps(item, visit);
            }
        }
        Tree::Map(entries) => {
            visit(tree);
            for (_, tree) in entries {
                visit_maps(tree, visit);
            }
        }
    }
}

fn principals(principals: &[Principal]) -> Tree {
    let mut accounts: Vec<Value<String>> = Vec::new();
    let mut services: Vec<Value<String>> = Vec::new();
    for principal in principals {
        match principal {
            Principal::Everyone => accounts.push("*".into()),
            Principal::Account => accounts.push(join![
                "arn:",
                Pseudo::Partition,
                ":iam::",
                Pseudo::AccountId,
                ":root",
            ]),
            Principal::Service(service) => services.push((*service).into()),
            Principal::RegionalService(service) => {
                services.push(join![*service, ".", Pseudo::Region, ".", Pseudo::UrlSuffix]);
            }
        }
    }
    Tree::object(
        [("AWS", accounts), ("Service", services)]
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(kind, values)| (kind, one_or_many(values))),
    )
}

fn conditions(conditions: BTreeMap<(String, String), Vec<Value<String>>>) -> Tree {
    let mut operators: BTreeMap<String, Vec<(String, Tree)>> = BTreeMap::new();
    for ((operator, key), values) in conditions {
        operators
            .entry(operator)
            .or_default()
            .push((key, one_or_many(values)));
    }
    Tree::object(
        operators
            .into_iter()
            .map(|(operator, keys)| (operator, Tree::object(keys))),
    )
}

fn one_or_many(mut values: Vec<Value<String>>) -> Tree {
    match values.pop() {
        Some(only) if values.is_empty() => only.into(),
        Some(last) => {
            values.push(last);
            values.into()
        }
        None => Tree::List(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use lightsout_core::{App, Stage};

    use super::*;
    use crate::fixture::synth;

    #[test]
    fn statements_that_differ_in_actions_or_resources_become_one() {
        let document: PolicyDocument = [
            Statement::allow(["sqs:SendMessage"]).on("a"),
            Statement::allow(["sqs:GetQueueUrl"]).on("a"),
            Statement::allow(["s3:GetObject"]).on("b"),
            Statement::allow(["s3:GetObject"]).on("c"),
            Statement::allow(["s3:GetObject"]).on("c"),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            document.statements(),
            [
                Statement::allow(["sqs:GetQueueUrl", "sqs:SendMessage"]).on("a"),
                Statement::allow(["s3:GetObject"]).on("b").on("c"),
            ]
        );
    }

    #[test]
    fn statements_that_differ_in_more_stay_apart() {
        let document: PolicyDocument = [
            Statement::allow(["sqs:SendMessage"]).on("a"),
            Statement::allow(["sqs:GetQueueUrl"]).on("b"),
            Statement::deny(["sqs:SendMessage"]).on("a"),
            Statement::allow(["sqs:SendMessage"]).on("a").from_account(),
        ]
        .into_iter()
        .collect();
        assert_eq!(document.statements().len(), 4);
    }

    #[test]
    fn a_role_waits_for_its_policy_and_not_the_other_way_round() {
        let assembly = synth(|scope| {
            scope.add(
                "Role",
                Role::new(Service::Ec2, "Test").with([Statement::allow(["s3:GetObject"]).on("a")]),
            );
        });
        let template = assembly.template("Test");
        template.count::<cfn::iam::ManagedPolicy>(1);
        assert_eq!(
            template.json()["Resources"]["Role"]["Properties"]["ManagedPolicyArns"][0]["Ref"],
            "RolePolicy"
        );
    }

    #[test]
    fn an_allowed_wildcard_action_is_a_problem_and_a_denied_one_is_not() {
        let mut app = App::new("clinic", Stage::new("dev"));
        app.check(NoWildcardActions);
        app.stack("Test").add(
            "Policy",
            cfn::iam::ManagedPolicy::new(PolicyDocument::from_iter([
                Statement::allow(["s3:Get*"]).on("a"),
                Statement::deny(["s3:*"]).on("a"),
            ])),
        );
        let error = app.synth().unwrap_err().to_string();
        assert!(error.contains("1 problem"), "{error}");
        assert!(
            error.contains("`s3:Get*` allows more than it says"),
            "{error}"
        );
    }
}

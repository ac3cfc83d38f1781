//! Statements, policies and roles: who may do what.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use lightsout_core::{
    Amend, Arn, Construct, Pseudo, Resource, ResourceId, Scope, Tree, Value, join,
};

use crate::{cfn, limits};

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

#[derive(Debug, Clone, PartialEq)]
enum Principal {
    Everyone,
    Account,
    Service(&'static str),
    RegionalService(&'static str),
    OtherAccount(String),
    Federated(Value<String>),
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
    /// EC2 Image Builder, which deletes images with its role.
    ImageBuilder,
    /// Lambda, whose functions act with their role.
    Lambda,
    /// `EventBridge` Scheduler, whose schedules act with their role.
    Scheduler,
    /// VPC flow logs, which are written with their role.
    VpcFlowLogs,
}

/// A role for one service, account or workload, with one managed policy.
///
/// The policy is a customer managed one, so that it has a history and can be
/// listed by itself; nothing is in line.
///
/// ```
/// use lightsout::{
///     App, Stage, cfn,
///     iam::{Role, Service, Statement},
/// };
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// app.stack("Hosts").add(
///     "Role",
///     Role::new(Service::Ec2, "Reads notes")
///         .with([Statement::allow(["s3:GetObject"]).on("arn:aws:s3:::clinic-notes/*")]),
/// );
///
/// let assembly = app.synth()?;
/// assembly.template("Hosts").count::<cfn::iam::ManagedPolicy>(1);
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a role is made once it is added to a stack"]
pub struct Role {
    trust: Trust,
    description: String,
    policy: PolicyDocument,
    boundary: Option<Value<String>>,
    session: Option<Duration>,
}

/// Who may take on a role, and on what condition.
#[derive(Debug, Clone)]
enum Trust {
    Service(Service, Option<Value<String>>),
    Account { id: String, external_id: String },
    Workload(OidcProviderRef, String),
    Emergency(Vec<Value<String>>),
}

/// A customer managed policy, which roles take as what they may do at most.
///
/// A boundary allows nothing by itself: a role may do what both it and its
/// boundary allow.
#[derive(Debug, Clone)]
pub struct PermissionBoundary {
    description: String,
    policy: PolicyDocument,
}

/// A permission boundary that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermissionBoundaryRef {
    id: ResourceId,
}

/// Gives every role of an app a boundary that the account has already.
///
/// A role that has a boundary of its own keeps it.
///
/// ```
/// use lightsout::{App, Stage, cfn, iam::{BoundEveryRole, Role, Service}};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// app.stack("Hosts").add("Role", Role::new(Service::Ec2, "Reads notes"));
/// app.amend(BoundEveryRole::named("workload-boundary"));
///
/// let assembly = app.synth()?;
/// let json = assembly.template("Hosts").json();
/// assert!(json["Resources"]["Role"]["Properties"]["PermissionsBoundary"].is_object());
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BoundEveryRole(Value<String>);

/// An identity provider outside AWS, such as a build service, for roles without
/// keys that last.
///
/// ```
/// use lightsout::{App, Stage, cfn, iam::{OidcProvider, Role, Statement}};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Deploy");
/// let builds = stack.add("Builds", OidcProvider::new("token.actions.githubusercontent.com", "sts.amazonaws.com"));
/// stack.add(
///     "Deployer",
///     Role::for_workload(&builds, "repo:clinic/pipeline:ref:refs/heads/main", "Deploys the pipeline")
///         .with([Statement::allow(["cloudformation:DescribeStacks"]).on("arn:aws:cloudformation:eu-central-1:111122223333:stack/clinic-dev-*")]),
/// );
/// assert!(app.synth().is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct OidcProvider {
    host: String,
    audience: String,
}

/// An identity provider that was added to a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcProviderRef {
    id: ResourceId,
    host: String,
    audience: String,
}

/// A role for emergencies: for named people, with a second factor, for an hour.
///
/// Taking it on is in `CloudTrail` by its ARN, which an alarm can be about. 45 CFR
/// 164.312(a)(2)(ii) asks for a way to the data in an emergency.
///
/// ```
/// use lightsout::{App, Stage, cfn, iam::{BreakGlass, Statement}};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// app.stack("Emergency").add(
///     "BreakGlass",
///     BreakGlass::new(["arn:aws:iam::111122223333:role/on-call"])
///         .with([Statement::allow(["s3:GetObject"]).on("arn:aws:s3:::clinic-results/*")]),
/// );
///
/// let assembly = app.synth()?;
/// assembly.template("Emergency").has(cfn::iam::Role::matching().max_session_duration(3600));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BreakGlass {
    people: Vec<Value<String>>,
    policy: PolicyDocument,
}

/// A role that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleRef {
    id: ResourceId,
    policy: Option<ResourceId>,
}

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

    /// Returns whether the statement allows `action` on `resource` by that name.
    pub(crate) fn allows(&self, action: &str, resource: &Value<String>) -> bool {
        self.effect == Effect::Allow
            && self.actions.contains(action)
            && self.resources.contains(resource)
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
            Self::ImageBuilder => "imagebuilder.amazonaws.com",
            Self::Lambda => "lambda.amazonaws.com",
            Self::Scheduler => "scheduler.amazonaws.com",
            Self::VpcFlowLogs => "vpc-flow-logs.amazonaws.com",
        }
    }

    /// Trusts the service, for this account only where it says whom it acts for.
    ///
    /// The others assume their role without `aws:SourceAccount`, as far as AWS
    /// documents, so that a condition on it would lock them out.
    fn trust(self) -> Statement {
        let trust = Statement::allow(["sts:AssumeRole"]).to_service(self.principal());
        match self {
            Self::ApiGateway
            | Self::Backup
            | Self::CloudTrail
            | Self::Ec2
            | Self::ImageBuilder
            | Self::Lambda => trust,
            Self::Scheduler | Self::VpcFlowLogs => trust.from_account(),
        }
    }
}

impl Trust {
    fn statement(self) -> Statement {
        match self {
            Self::Service(service, None) => service.trust(),
            Self::Service(service, Some(source)) => {
                service
                    .trust()
                    .from_account()
                    .when("ArnEquals", "aws:SourceArn", source)
            }
            Self::Account { id, external_id } => Statement::allow(["sts:AssumeRole"])
                .to(Principal::OtherAccount(id))
                .when("StringEquals", "sts:ExternalId", external_id),
            Self::Workload(provider, subject) => {
                let claim = |name: &str| format!("{}:{name}", provider.host);
                Statement::allow(["sts:AssumeRoleWithWebIdentity"])
                    .to(Principal::Federated(provider.id.reference()))
                    .when("StringEquals", claim("aud"), provider.audience.as_str())
                    .when("StringEquals", claim("sub"), subject)
            }
            Self::Emergency(people) => Statement::allow(["sts:AssumeRole"])
                .to_account()
                .when("Bool", "aws:MultiFactorAuthPresent", "true")
                .when("NumericLessThan", "aws:MultiFactorAuthAge", "3600")
                .when_any("ArnEquals", "aws:PrincipalArn", people),
        }
    }

    /// Notes a problem if the trust says less than it seems to.
    fn check(&self, scope: &mut Scope<'_>) {
        const TRUST: &str = "AssumeRolePolicyDocument";
        match self {
            Self::Service(..) => (),
            Self::Account { id, external_id } => {
                if id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
                    scope.problem(
                        TRUST,
                        format_args!("trusts account `{id}`"),
                        "use the account's 12 digits",
                    );
                }
                limits::text(
                    scope,
                    TRUST,
                    external_id,
                    &(2..=1224),
                    |c| c.is_ascii_alphanumeric() || "+=,.@:/-_".contains(c),
                    "letters, digits and `+=,.@:/-_` as the external id",
                );
            }
            Self::Workload(_, subject) => {
                if subject.is_empty() || subject.contains(['*', '?']) {
                    scope.problem(
                        TRUST,
                        format_args!("trusts every workload like `{subject}`"),
                        "name one subject without `*` and `?`, and add a role for each",
                    );
                }
            }
            Self::Emergency(people) => {
                if people.is_empty() {
                    scope.problem(
                        TRUST,
                        "can be taken on by nobody",
                        "name the roles of the people who may",
                    );
                }
            }
        }
    }
}

impl Role {
    /// A role that `service` may assume; the description says what it is for.
    pub fn new(service: Service, description: impl Into<String>) -> Self {
        Self::trusting(Trust::Service(service, None), description)
    }

    /// A role for another account, given by its 12 digits, which must tell the
    /// external id that was agreed on.
    pub fn for_account(
        account: impl Into<String>,
        external_id: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let trust = Trust::Account {
            id: account.into(),
            external_id: external_id.into(),
        };
        Self::trusting(trust, description)
    }

    /// A role for one workload that an identity provider vouches for.
    pub fn for_workload(
        provider: &OidcProviderRef,
        subject: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self::trusting(
            Trust::Workload(provider.clone(), subject.into()),
            description,
        )
    }

    /// Lets the service assume the role for one resource of this account alone.
    ///
    /// This is for services that say whom they act for, and has no effect on a role
    /// that is not for a service.
    pub fn for_source(mut self, arn: impl Into<Value<String>>) -> Self {
        if let Trust::Service(_, source) = &mut self.trust {
            *source = Some(arn.into());
        }
        self
    }

    /// Allows no more than a boundary does.
    pub fn boundary(mut self, boundary: &PermissionBoundaryRef) -> Self {
        self.boundary = Some(boundary.arn());
        self
    }

    /// Lets a session last this long at most, 1 to 12 hours; 1 hour unless said.
    pub fn longest_session(mut self, duration: Duration) -> Self {
        self.session = Some(duration);
        self
    }

    fn trusting(trust: Trust, description: impl Into<String>) -> Self {
        Self {
            trust,
            description: description.into(),
            policy: PolicyDocument::new(),
            boundary: None,
            session: None,
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
        self.trust.check(scope);
        let trust = PolicyDocument::new().with(self.trust.statement());
        let mut role = cfn::iam::Role::new(trust).description(self.description.as_str());
        if let Some(boundary) = self.boundary {
            role = role.permissions_boundary(boundary);
        }
        if let Some(session) = self.session {
            let seconds = limits::seconds(scope, "MaxSessionDuration", session, &(3600..=43_200));
            role = role.max_session_duration(seconds);
        }
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

impl PermissionBoundary {
    /// A boundary of what `statements` allow; the description says what it is for.
    pub fn new(
        description: impl Into<String>,
        statements: impl IntoIterator<Item = Statement>,
    ) -> Self {
        Self {
            description: description.into(),
            policy: statements.into_iter().collect(),
        }
    }
}

impl Construct for PermissionBoundary {
    type Handle = PermissionBoundaryRef;

    fn build(self, scope: &mut Scope<'_>) -> PermissionBoundaryRef {
        let policy = cfn::iam::ManagedPolicy::new(self.policy)
            .description(self.description)
            .build(scope);
        PermissionBoundaryRef { id: policy.id() }
    }
}

impl PermissionBoundaryRef {
    /// Returns the policy's ARN.
    pub const fn arn(self) -> Value<String> {
        self.id.reference()
    }
}

impl BoundEveryRole {
    /// Bounds roles by the policy of this name in the account.
    pub fn named(policy: impl Into<String>) -> Self {
        let policy: String = policy.into();
        Self(join![
            "arn:",
            Pseudo::Partition,
            ":iam::",
            Pseudo::AccountId,
            ":policy/",
            policy
        ])
    }
}

impl Amend for BoundEveryRole {
    fn amend(&self, resource: &mut Resource) {
        const BOUNDARY: &str = "PermissionsBoundary";
        if resource.is::<cfn::iam::Role>() && resource.get(BOUNDARY).is_none() {
            let boundary = Tree::from(self.0.clone());
            resource.properties_mut().set(BOUNDARY, boundary);
        }
    }
}

impl OidcProvider {
    /// The provider at `host`, such as `token.actions.githubusercontent.com`, whose
    /// tokens are for `audience`.
    pub fn new(host: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            audience: audience.into(),
        }
    }
}

impl Construct for OidcProvider {
    type Handle = OidcProviderRef;

    fn build(self, scope: &mut Scope<'_>) -> OidcProviderRef {
        if self.host.contains("://") || self.host.is_empty() {
            scope.problem(
                "Url",
                format_args!("has `{}` as its provider's host", self.host),
                "write it without `https://`",
            );
        }
        let provider = cfn::iam::OidcProvider::new()
            .url(format!("https://{}", self.host))
            .client_id_list([self.audience.as_str()])
            .build(scope);
        OidcProviderRef {
            id: provider.id(),
            host: self.host,
            audience: self.audience,
        }
    }
}

impl BreakGlass {
    /// A role for whoever acts as one of these principals, by their ARNs.
    pub fn new<P: Into<Value<String>>>(people: impl IntoIterator<Item = P>) -> Self {
        Self {
            people: people.into_iter().map(Into::into).collect(),
            policy: PolicyDocument::new(),
        }
    }

    /// Allows or denies what `statements` say.
    pub fn with(mut self, statements: impl IntoIterator<Item = Statement>) -> Self {
        self.policy.extend(statements);
        self
    }
}

impl Construct for BreakGlass {
    type Handle = RoleRef;

    fn build(self, scope: &mut Scope<'_>) -> RoleRef {
        Role::trusting(
            Trust::Emergency(self.people),
            "For emergencies: each use is an incident to explain",
        )
        .with(self.policy.0)
        .longest_session(Duration::from_hours(1))
        .build(scope)
    }
}

const VIA_SERVICE: &str = "kms:ViaService";

fn principals(principals: &[Principal]) -> Tree {
    let mut accounts: Vec<Value<String>> = Vec::new();
    let mut services: Vec<Value<String>> = Vec::new();
    let mut federated: Vec<Value<String>> = Vec::new();
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
            Principal::OtherAccount(id) => {
                accounts.push(join!["arn:", Pseudo::Partition, ":iam::", id, ":root"]);
            }
            Principal::Federated(provider) => federated.push(provider.clone()),
        }
    }
    Tree::object(
        [
            ("AWS", accounts),
            ("Federated", federated),
            ("Service", services),
        ]
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
                Role::new(Service::Ec2, "Test").with([Statement::allow(["s3:GetObject"]).on("*")]),
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
        app.stack("Test").add(
            "Policy",
            cfn::iam::ManagedPolicy::new(PolicyDocument::from_iter([
                Statement::allow(["s3:Get*"]).on("*"),
                Statement::deny(["s3:*"]).on("*"),
            ])),
        );
        let error = app.synth().unwrap_err().to_string();
        assert!(error.contains("1 problem"), "{error}");
        assert!(error.contains("wildcard action `s3:Get*`"), "{error}");
    }

    fn trust(role: Role) -> serde_json::Value {
        let assembly = synth(|scope| {
            scope.add("Role", role);
        });
        let role = &assembly.template("Test").json()["Resources"]["Role"]["Properties"];
        role["AssumeRolePolicyDocument"]["Statement"][0].clone()
    }

    #[test]
    fn another_account_must_tell_the_external_id() {
        let trust = trust(Role::for_account("444455556666", "clinic-7f3a", "Audits"));
        assert_eq!(
            trust["Condition"]["StringEquals"]["sts:ExternalId"],
            "clinic-7f3a"
        );
        let account = trust["Principal"]["AWS"].to_string();
        assert!(account.contains(":iam::444455556666:root"), "{account}");
    }

    #[test]
    fn a_workload_is_known_by_audience_and_subject() {
        let assembly = synth(|scope| {
            let builds = scope.add("Builds", OidcProvider::new("builds.example", "sts"));
            scope.add("Role", Role::for_workload(&builds, "repo:main", "Deploys"));
        });
        let role = &assembly.template("Test").json()["Resources"]["Role"]["Properties"];
        let statement = &role["AssumeRolePolicyDocument"]["Statement"][0];
        assert_eq!(statement["Action"][0], "sts:AssumeRoleWithWebIdentity");
        let condition = &statement["Condition"]["StringEquals"];
        assert_eq!(condition["builds.example:aud"], "sts");
        assert_eq!(condition["builds.example:sub"], "repo:main");
        assert_eq!(statement["Principal"]["Federated"]["Ref"], "Builds");
    }

    #[test]
    fn the_emergency_role_takes_a_second_factor_and_lasts_an_hour() {
        let assembly = synth(|scope| {
            scope.add(
                "BreakGlass",
                BreakGlass::new(["arn:aws:iam::111122223333:role/on-call"]),
            );
        });
        let role = &assembly.template("Test").json()["Resources"]["BreakGlass"]["Properties"];
        assert_eq!(role["MaxSessionDuration"], 3600);
        let condition = &role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"];
        assert_eq!(condition["Bool"]["aws:MultiFactorAuthPresent"], "true");
        assert_eq!(
            condition["ArnEquals"]["aws:PrincipalArn"],
            "arn:aws:iam::111122223333:role/on-call"
        );
    }

    #[test]
    fn a_boundary_limits_a_role() {
        let assembly = synth(|scope| {
            let most = Statement::allow(["s3:GetObject"]).on("arn:aws:s3:::clinic/*");
            let boundary = scope.add("Boundary", PermissionBoundary::new("Most", [most]));
            scope.add("Role", Role::new(Service::Ec2, "Test").boundary(&boundary));
        });
        let role = &assembly.template("Test").json()["Resources"]["Role"]["Properties"];
        assert_eq!(role["PermissionsBoundary"]["Ref"], "Boundary");
    }

    #[test]
    fn trust_that_is_too_wide_is_a_problem() {
        let mut app = App::new("clinic", Stage::new("dev"));
        let mut scope = app.stack("Test");
        let builds = scope.add("Builds", OidcProvider::new("https://builds.example", "sts"));
        scope.add("Any", Role::for_workload(&builds, "repo:*", "Deploys"));
        scope.add("Account", Role::for_account("4444", "x", "Audits"));
        scope.add("Nobody", BreakGlass::new(<[&str; 0]>::default()));
        let long = Role::new(Service::Ec2, "Test").longest_session(Duration::from_mins(1));
        scope.add("Long", long);
        let problems = app.synth().unwrap_err().problems;
        assert_eq!(problems.len(), 6, "{problems:#?}");
    }
}

//! Pools of users, and the programs and groups that they use.

use std::time::Duration;

use lightsout_core::{Arn, Construct, Id, Pseudo, ResourceId, Scope, Value, join};

use crate::{cfn::cognito, kms::KeyRef, limits};

/// A pool of users, whom an administrator adds.
///
/// Each signs in with a password of 14 characters at least and a second factor.
/// Sign-ins that look like an attack are stopped, and only an administrator can
/// let somebody in who has forgotten everything. The pool is encrypted with a key
/// of the account, and protected against deletion.
///
/// ```
/// use lightsout::{App, Stage, cfn, cognito::{Client, ResourceServer, UserPool}, kms::Key};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("People");
/// let key = stack.add("Key", Key::new("People"));
/// let pool = stack.add("Pool", UserPool::new(&key));
/// let [read, write] = stack.add(
///     "Charts",
///     ResourceServer::new(&pool, "charts", [("read", "Reads charts"), ("write", "Changes charts")]),
/// );
/// stack.add("Portal", Client::for_people(&pool, ["https://portal.clinic.example/signed-in"]).scope(&read));
/// stack.add("Importer", Client::for_machines(&pool, [&write]));
/// let authorizer = pool.authorizer().scope(&read).scope(&write);
///
/// let assembly = app.synth()?;
/// let template = assembly.template("People");
/// template.has(cfn::cognito::UserPool::new().mfa_configuration("ON"));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
pub struct UserPool {
    key: KeyRef,
    shortest_password: u32,
}

/// A user pool that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserPoolRef {
    id: ResourceId,
}

/// The demand for a token of a pool, for
/// [`Authorization::UserPool`](crate::apigateway::Authorization::UserPool).
#[derive(Debug, Clone)]
pub struct UserPoolAuthorizer {
    pool: UserPoolRef,
    scopes: Vec<OAuthScope>,
}

/// What tokens can be about: a service, with `N` scopes.
#[derive(Debug, Clone)]
pub struct ResourceServer<const N: usize> {
    pool: UserPoolRef,
    identifier: String,
    scopes: [(String, String); N],
}

/// A scope of a [`ResourceServer`] that was added to a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthScope {
    server: ResourceId,
    name: String,
}

/// A program that gets tokens of a pool.
///
/// It has a secret, and tokens that last an hour at most. Tokens never come in an
/// address: there is no implicit grant.
#[derive(Debug, Clone)]
pub struct Client {
    pool: UserPoolRef,
    flow: Flow,
    scopes: Vec<OAuthScope>,
    token: Duration,
    session: Duration,
}

#[derive(Debug, Clone)]
enum Flow {
    People(Vec<String>),
    Machines,
}

/// A client that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientRef {
    id: ResourceId,
}

/// A group of a pool's users, which their tokens name.
#[derive(Debug, Clone)]
pub struct Group {
    pool: UserPoolRef,
    name: String,
    description: String,
}

/// The address where a pool's users sign in:
/// `https://<prefix>.auth.<region>.amazoncognito.com`.
#[derive(Debug, Clone)]
pub struct SignInDomain {
    pool: UserPoolRef,
    prefix: String,
}

/// A sign-in domain that was added to a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInDomainRef {
    prefix: String,
}

impl UserPool {
    /// An empty pool, encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            shortest_password: 14,
        }
    }

    /// Takes no shorter passwords than this, 14 to 99 characters; 14 unless said.
    pub fn shortest_password(mut self, characters: u32) -> Self {
        self.shortest_password = characters;
        self
    }
}

impl Construct for UserPool {
    type Handle = UserPoolRef;

    fn build(self, scope: &mut Scope<'_>) -> UserPoolRef {
        limits::within(
            scope,
            "Policies.PasswordPolicy.MinimumLength",
            self.shortest_password,
            &(14..=99),
            " characters",
        );
        self.key.serve_user_pools(scope);
        let passwords = cognito::UserPoolPasswordPolicy::new()
            .minimum_length(self.shortest_password)
            .password_history_size(24)
            .require_lowercase(true)
            .require_numbers(true)
            .require_symbols(true)
            .require_uppercase(true)
            .temporary_password_validity_days(1);
        let recovery = cognito::UserPoolRecoveryOption::new()
            .name("admin_only")
            .priority(1);
        let protection = match self.key.removal() {
            crate::Removal::Keep => "ACTIVE",
            crate::Removal::Destroy => "INACTIVE",
        };
        let pool = cognito::UserPool::new()
            .user_pool_tier("PLUS")
            .user_pool_add_ons(cognito::UserPoolAddOns::new().advanced_security_mode("ENFORCED"))
            .mfa_configuration("ON")
            .enabled_mfas(["SOFTWARE_TOKEN_MFA"])
            .policies(cognito::UserPoolPolicies::new().password_policy(passwords))
            .admin_create_user_config(
                cognito::UserPoolAdminCreateUserConfig::new().allow_admin_create_user_only(true),
            )
            .account_recovery_setting(
                cognito::UserPoolAccountRecoverySetting::new().recovery_mechanisms([recovery]),
            )
            .key_configuration(
                cognito::UserPoolKeyConfiguration::new()
                    .key_type("CUSTOMER_MANAGED_KEY")
                    .kms_key_arn(self.key.arn()),
            )
            .deletion_protection(protection)
            .build(scope);
        self.key.removal().apply(scope, pool.id());
        UserPoolRef { id: pool.id() }
    }
}

impl UserPoolRef {
    /// Returns the pool's ARN.
    pub const fn arn(self) -> Value<Arn<UserPool>> {
        self.id.attribute("Arn")
    }

    /// Returns the pool's id.
    pub const fn id(self) -> Value<Id<UserPool>> {
        self.id.reference()
    }

    /// Returns who says that a token is true: the `iss` of each.
    pub fn issuer(self) -> Value<String> {
        join!["https://", self.id.attribute::<String>("ProviderName")]
    }

    /// Asks for a token of this pool: one of a person, unless
    /// [scopes](UserPoolAuthorizer::scope) are named.
    pub const fn authorizer(self) -> UserPoolAuthorizer {
        UserPoolAuthorizer {
            pool: self,
            scopes: Vec::new(),
        }
    }
}

impl UserPoolAuthorizer {
    /// Takes an access token with this scope, or with another that is named.
    pub fn scope(mut self, scope: &OAuthScope) -> Self {
        self.scopes.push(scope.clone());
        self
    }

    /// Returns the ARN of the pool.
    pub(crate) const fn pool(&self) -> Value<Arn<UserPool>> {
        self.pool.arn()
    }

    /// Returns the names of the scopes, of which a token needs one.
    pub(crate) fn scope_names(&self) -> Vec<&str> {
        self.scopes.iter().map(OAuthScope::name).collect()
    }
}

impl<const N: usize> ResourceServer<N> {
    /// A service by its identifier, with the name and the meaning of each scope.
    pub fn new<S: Into<String>, T: Into<String>>(
        pool: &UserPoolRef,
        identifier: impl Into<String>,
        scopes: [(S, T); N],
    ) -> Self {
        Self {
            pool: *pool,
            identifier: identifier.into(),
            scopes: scopes.map(|(name, description)| (name.into(), description.into())),
        }
    }
}

impl<const N: usize> Construct for ResourceServer<N> {
    type Handle = [OAuthScope; N];

    fn build(self, scope: &mut Scope<'_>) -> [OAuthScope; N] {
        for (name, _) in &self.scopes {
            limits::text(
                scope,
                "Scopes.ScopeName",
                name,
                &(1..=256),
                |c| c.is_ascii_graphic() && !matches!(c, '/' | '"' | '\\'),
                "visible characters without `/`, `\"` and `\\`",
            );
        }
        let scopes = self.scopes.iter().map(|(name, description)| {
            cognito::UserPoolResourceServerResourceServerScopeType::new(
                description.as_str(),
                name.as_str(),
            )
        });
        let identifier = self.identifier.as_str();
        let server = cognito::UserPoolResourceServer::new(identifier, identifier, self.pool.id())
            .scopes(scopes.collect::<Vec<_>>())
            .build(scope)
            .id();
        self.scopes.map(|(name, _)| OAuthScope {
            server,
            name: format!("{}/{name}", self.identifier),
        })
    }
}

impl OAuthScope {
    /// Returns the scope's name, with its service's identifier.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Client {
    /// A program that people sign in to, and come back from to these addresses.
    pub fn for_people<U: Into<String>>(
        pool: &UserPoolRef,
        callbacks: impl IntoIterator<Item = U>,
    ) -> Self {
        let flow = Flow::People(callbacks.into_iter().map(Into::into).collect());
        Self::with_flow(*pool, flow, Vec::new())
    }

    /// A program that acts for itself, within these scopes.
    pub fn for_machines<'a>(
        pool: &UserPoolRef,
        scopes: impl IntoIterator<Item = &'a OAuthScope>,
    ) -> Self {
        let scopes = scopes.into_iter().cloned().collect();
        Self::with_flow(*pool, Flow::Machines, scopes)
    }

    /// Lets the program ask for tokens with this scope too.
    pub fn scope(mut self, scope: &OAuthScope) -> Self {
        self.scopes.push(scope.clone());
        self
    }

    /// Makes a token last this long, 5 to 60 minutes; 60 unless said.
    pub fn token_lasts(mut self, period: Duration) -> Self {
        self.token = period;
        self
    }

    /// Asks a person to sign in anew after this long, 1 to 24 hours; 8 unless said.
    pub fn session_lasts(mut self, period: Duration) -> Self {
        self.session = period;
        self
    }

    fn with_flow(pool: UserPoolRef, flow: Flow, scopes: Vec<OAuthScope>) -> Self {
        Self {
            pool,
            flow,
            scopes,
            token: Duration::from_hours(1),
            session: Duration::from_hours(8),
        }
    }
}

impl Construct for Client {
    type Handle = ClientRef;

    fn build(self, scope: &mut Scope<'_>) -> ClientRef {
        let token = limits::minutes(scope, "AccessTokenValidity", self.token, &(5..=60));
        let session = limits::minutes(scope, "RefreshTokenValidity", self.session, &(60..=1440));
        let mut client = cognito::UserPoolClient::new(self.pool.id())
            .generate_secret(true)
            .access_token_validity(token)
            .id_token_validity(token)
            .refresh_token_validity(session)
            .token_validity_units(
                cognito::UserPoolClientTokenValidityUnits::new()
                    .access_token("minutes")
                    .id_token("minutes")
                    .refresh_token("minutes"),
            )
            .enable_token_revocation(true)
            .prevent_user_existence_errors("ENABLED")
            .allowed_oauth_flows_user_pool_client(true);
        let mut scopes: Vec<&str> = self.scopes.iter().map(OAuthScope::name).collect();
        client = match &self.flow {
            Flow::Machines => {
                if scopes.is_empty() {
                    scope.problem(
                        "AllowedOAuthScopes",
                        "acts for itself, within no scope",
                        "name the scopes that it needs",
                    );
                }
                client.allowed_oauth_flows(["client_credentials"])
            }
            Flow::People(callbacks) => {
                for callback in callbacks {
                    if !callback.starts_with("https://") || callback.contains(['*', '#']) {
                        scope.problem(
                            "CallbackURLs",
                            format_args!("comes back to `{callback}`"),
                            "use an address with `https://`, without `*` and `#`",
                        );
                    }
                }
                scopes.insert(0, "openid");
                client
                    .allowed_oauth_flows(["code"])
                    .supported_identity_providers(["COGNITO"])
                    .explicit_auth_flows(["ALLOW_USER_SRP_AUTH"])
                    .refresh_token_rotation(
                        cognito::UserPoolClientRefreshTokenRotation::new()
                            .feature("ENABLED")
                            .retry_grace_period_seconds(10),
                    )
                    .callback_urls(callbacks.clone())
            }
        };
        let client = client.allowed_oauth_scopes(scopes).build(scope);
        for oauth_scope in &self.scopes {
            scope.depends_on(client.id(), oauth_scope.server);
        }
        ClientRef { id: client.id() }
    }
}

impl ClientRef {
    /// Returns the client's id, which is no secret.
    pub const fn id(self) -> Value<Id<Client>> {
        self.id.reference()
    }
}

impl Group {
    /// A group of this name; the description says who is in it.
    pub fn new(
        pool: &UserPoolRef,
        name: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            pool: *pool,
            name: name.into(),
            description: description.into(),
        }
    }
}

impl Construct for Group {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        limits::text(
            scope,
            "GroupName",
            &self.name,
            &(1..=128),
            |c| c.is_ascii_graphic(),
            "visible characters",
        );
        cognito::UserPoolGroup::new(self.pool.id())
            .group_name(self.name)
            .description(self.description)
            .build(scope);
    }
}

impl SignInDomain {
    /// The address that begins with `prefix`.
    pub fn new(pool: &UserPoolRef, prefix: impl Into<String>) -> Self {
        Self {
            pool: *pool,
            prefix: prefix.into(),
        }
    }
}

impl Construct for SignInDomain {
    type Handle = SignInDomainRef;

    fn build(self, scope: &mut Scope<'_>) -> SignInDomainRef {
        limits::text(
            scope,
            "Domain",
            &self.prefix,
            &(1..=63),
            |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
            "lower-case letters, digits and `-`",
        );
        cognito::UserPoolDomain::new(self.prefix.as_str(), self.pool.id())
            .managed_login_version(2)
            .build(scope);
        SignInDomainRef {
            prefix: self.prefix,
        }
    }
}

impl SignInDomainRef {
    /// Returns the address where people sign in.
    pub fn url(&self) -> Value<String> {
        join![
            "https://",
            &self.prefix,
            ".auth.",
            Pseudo::Region,
            ".amazoncognito.com",
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{key, synth};

    #[test]
    fn a_pool_without_options_asks_for_two_factors_and_strong_passwords() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Pool", UserPool::new(&key));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let pool = &json["Pool"]["Properties"];
        assert_eq!(pool["MfaConfiguration"], "ON");
        assert_eq!(pool["EnabledMfas"][0], "SOFTWARE_TOKEN_MFA");
        let passwords = &pool["Policies"]["PasswordPolicy"];
        assert_eq!(passwords["MinimumLength"], 14);
        for class in ["Lowercase", "Numbers", "Symbols", "Uppercase"] {
            assert_eq!(passwords[format!("Require{class}")], true, "{class}");
        }
        assert_eq!(
            pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"],
            true
        );
        assert_eq!(pool["UserPoolAddOns"]["AdvancedSecurityMode"], "ENFORCED");
        assert_eq!(pool["UserPoolTier"], "PLUS");
        assert_eq!(pool["DeletionProtection"], "ACTIVE");
        assert_eq!(
            pool["KeyConfiguration"]["KmsKeyArn"]["Fn::GetAtt"][0],
            "Key"
        );
        assert_eq!(json["Pool"]["DeletionPolicy"], "Retain");
        let policy = json["Key"]["Properties"]["KeyPolicy"].to_string();
        assert!(policy.contains("cognito-idp.amazonaws.com"), "{policy}");
    }

    #[test]
    fn clients_have_secrets_short_tokens_and_no_implicit_grant() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let pool = scope.add("Pool", UserPool::new(&key));
            let [read] = scope.add(
                "Charts",
                ResourceServer::new(&pool, "charts", [("read", "Reads")]),
            );
            scope.add(
                "People",
                Client::for_people(&pool, ["https://a.example/in"]),
            );
            scope.add("Machines", Client::for_machines(&pool, [&read]));
        });
        let json = &assembly.template("Test").json()["Resources"];
        for (id, flow) in [("People", "code"), ("Machines", "client_credentials")] {
            let client = &json[id]["Properties"];
            assert_eq!(client["GenerateSecret"], true, "{id}");
            assert_eq!(client["AccessTokenValidity"], 60, "{id}");
            assert_eq!(
                client["TokenValidityUnits"]["AccessToken"], "minutes",
                "{id}"
            );
            assert_eq!(client["PreventUserExistenceErrors"], "ENABLED", "{id}");
            assert_eq!(client["AllowedOAuthFlows"].as_array().unwrap().len(), 1);
            assert_eq!(client["AllowedOAuthFlows"][0], flow);
        }
        assert_eq!(
            json["Machines"]["Properties"]["AllowedOAuthScopes"][0],
            "charts/read"
        );
        assert_eq!(json["Machines"]["DependsOn"][0], "Charts");
    }

    #[test]
    fn what_is_weaker_than_it_may_be_is_a_problem() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let mut scope = app.stack("Test");
        let key = key(&mut scope);
        let pool = scope.add("Pool", UserPool::new(&key).shortest_password(8));
        let client = Client::for_people(&pool, ["http://a.example"])
            .token_lasts(Duration::from_hours(2))
            .session_lasts(Duration::from_hours(48));
        scope.add("People", client);
        scope.add("Machines", Client::for_machines(&pool, []));
        scope.add("Domain", SignInDomain::new(&pool, "Clinic"));
        scope.add("Group", Group::new(&pool, "", "Nobody"));
        let problems = app.synth().unwrap_err().problems;
        assert_eq!(problems.len(), 7, "{problems:#?}");
    }
}

//! How an API knows its callers.

use std::time::Duration;

use lightsout_core::{Pseudo, ResourceId, Scope, Value, join};

use crate::{cfn::apigateway, cognito::UserPoolAuthorizer, lambda::FunctionRef, limits};

/// How an API knows its callers; there is no way not to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Authorization {
    /// Requests are signed with AWS credentials, and IAM policies decide.
    Iam,
    /// Requests carry a token of a user pool: see
    /// [`UserPoolRef::authorizer`](crate::cognito::UserPoolRef::authorizer).
    UserPool(UserPoolAuthorizer),
    /// Requests carry a token that a function judges.
    Lambda(LambdaAuthorizer),
}

/// A function that judges the token in a request's `Authorization` header.
///
/// Each request is judged anew unless [told otherwise](Self::remember), so that a
/// token that was taken back is of no use at once.
#[derive(Debug, Clone)]
pub struct LambdaAuthorizer {
    function: FunctionRef<()>,
    remember: Duration,
}

impl LambdaAuthorizer {
    /// Asks `function` about each request.
    pub fn new<P>(function: &FunctionRef<P>) -> Self {
        Self {
            function: function.untyped(),
            remember: Duration::ZERO,
        }
    }

    /// Remembers a judgement on a whole token for up to 300 seconds.
    pub fn remember(mut self, period: Duration) -> Self {
        self.remember = period;
        self
    }
}

impl Authorization {
    /// Returns the type of a method that asks this way.
    pub(super) const fn method_type(&self) -> &'static str {
        match self {
            Self::Iam => "AWS_IAM",
            Self::UserPool(_) => "COGNITO_USER_POOLS",
            Self::Lambda(_) => "CUSTOM",
        }
    }

    /// Returns the variable that names the caller: never a person's name.
    pub(super) const fn caller(&self) -> &'static str {
        match self {
            Self::Iam => "$context.identity.userArn",
            Self::UserPool(_) => "$context.authorizer.claims.sub",
            Self::Lambda(_) => "$context.authorizer.principalId",
        }
    }

    /// Returns what tells this way from others, the same in each synth.
    pub(super) fn description(&self) -> String {
        match self {
            Self::Iam => self.method_type().to_owned(),
            Self::UserPool(pool) => format!("{} {:?}", self.method_type(), pool.scope_names()),
            Self::Lambda(lambda) => format!(
                "{} {:016x} {:?}",
                self.method_type(),
                lambda.function.fingerprint(),
                lambda.remember
            ),
        }
    }

    /// Returns the scopes of which a token needs one.
    pub(super) fn scopes(&self) -> Vec<&str> {
        match self {
            Self::UserPool(pool) => pool.scope_names(),
            Self::Iam | Self::Lambda(_) => Vec::new(),
        }
    }

    /// Adds the authorizer to an API and returns its id, if the way has one.
    pub(super) fn add(&self, scope: &mut Scope<'_>, api: ResourceId) -> Option<Value<String>> {
        let name = "callers";
        let id = match self {
            Self::Iam => return None,
            Self::UserPool(pool) => {
                let authorizer = apigateway::Authorizer::new(
                    name,
                    api.reference::<String>(),
                    "COGNITO_USER_POOLS",
                )
                .identity_source(TOKEN)
                .provider_arns([pool.pool()]);
                scope.add("Authorizer", authorizer).id()
            }
            Self::Lambda(lambda) => {
                let seconds = limits::seconds(
                    scope,
                    "AuthorizerResultTtlInSeconds",
                    lambda.remember,
                    &(0..=300),
                );
                let authorizer =
                    apigateway::Authorizer::new(name, api.reference::<String>(), "TOKEN")
                        .identity_source(TOKEN)
                        .authorizer_uri(invocation(&lambda.function))
                        .authorizer_result_ttl_in_seconds(seconds);
                let authorizer = scope.add("Authorizer", authorizer).id();
                let source = join![
                    "arn:",
                    Pseudo::Partition,
                    ":execute-api:",
                    Pseudo::Region,
                    ":",
                    Pseudo::AccountId,
                    ":",
                    api.reference::<String>(),
                    "/authorizers/",
                    authorizer.reference::<String>(),
                ];
                lambda.function.admit(
                    scope,
                    "AuthorizerPermission",
                    "apigateway.amazonaws.com",
                    source,
                );
                authorizer
            }
        };
        Some(id.reference())
    }
}

/// The whole token, which a judgement is remembered by.
const TOKEN: &str = "method.request.header.Authorization";

/// Returns how API Gateway names the invocation of a function.
pub(super) fn invocation(function: &FunctionRef<()>) -> Value<String> {
    join![
        "arn:",
        Pseudo::Partition,
        ":apigateway:",
        Pseudo::Region,
        ":lambda:path/2015-03-31/functions/",
        function.arn(),
        "/invocations",
    ]
}

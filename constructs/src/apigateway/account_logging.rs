//! The account's permission for APIs to write logs.

use lightsout_core::{Construct, Pseudo, ResourceId, Scope, join};

use crate::{
    cfn::apigateway,
    iam::{Role, Service, Statement},
};

/// Lets the APIs of this account and region write logs; one for each of both.
///
/// Every API refers to it, because without it none may log. It stays when its
/// stack goes: other APIs would lose their logs.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountLogging;

/// The account's logging that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountLoggingRef {
    id: ResourceId,
}

impl AccountLogging {
    /// The logging of this account and region.
    pub fn new() -> Self {
        Self
    }
}

impl Construct for AccountLogging {
    type Handle = AccountLoggingRef;

    fn build(self, scope: &mut Scope<'_>) -> AccountLoggingRef {
        let groups = join![
            "arn:",
            Pseudo::Partition,
            ":logs:",
            Pseudo::Region,
            ":",
            Pseudo::AccountId,
            ":log-group:*",
        ];
        let write = Statement::allow([
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
        ]);
        let role = scope.add(
            "Role",
            Role::new(Service::ApiGateway, "Writes the logs of APIs").with([
                write.on(groups),
                Statement::allow(["logs:DescribeLogGroups"]).on_everything(),
            ]),
        );
        let account = apigateway::Account::new()
            .cloud_watch_role_arn(role.arn())
            .build(scope);
        role.retain(scope);
        scope.retain(account.id());
        AccountLoggingRef { id: account.id() }
    }
}

impl AccountLoggingRef {
    /// Returns the resource that allows it, for others to wait for.
    pub(super) const fn id(self) -> ResourceId {
        self.id
    }
}

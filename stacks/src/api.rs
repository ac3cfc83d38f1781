//! How results are read.

use std::time::Duration;

use lightsout::{
    Asset, Construct, Removal, Scope,
    apigateway::{AccountLogging, Authorization, RestApi, RestApiRef},
    contract::Program,
    ec2::NetworkRef,
    kms::Key,
    lambda::{Code, Function},
};
use lightsout_protocol::environment::{self, ApiEnvironment};

use crate::{assets::AssetsRef, environment::Settings, fleet::architecture, storage::StorageRef};

/// The query API: callers sign with IAM, a function answers.
pub(crate) struct Api<'a> {
    pub(crate) name: String,
    pub(crate) removal: Removal,
    pub(crate) settings: &'a Settings,
    pub(crate) assets: &'a AssetsRef,
    pub(crate) network: &'a NetworkRef,
    pub(crate) storage: &'a StorageRef,
}

/// API Gateway itself waits no longer.
const TIMEOUT: Duration = Duration::from_secs(29);

impl Construct for Api<'_> {
    type Handle = RestApiRef;

    fn build(self, scope: &mut Scope<'_>) -> RestApiRef {
        let key = scope.add(
            "Key",
            Key::new("Logs of the query API").removal(self.removal),
        );
        let code = scope.asset(Asset::program("Api", environment::Api::BINARY));
        let function = Function::new(
            environment::Api,
            ApiEnvironment {
                results: self.storage.results.reader(),
                large_results: self.storage.large_results.reader(),
                control: self.storage.control.reader(),
            },
            Code::new(code, self.assets.bucket.name()),
            self.network,
            &key,
        )
        .architecture(architecture(self.settings))
        .timeout(TIMEOUT);
        let function = scope.add("Query", function);
        let logging = scope.add("Logging", AccountLogging::new());
        let api = scope.add(
            "Rest",
            RestApi::new(&self.name, &function, Authorization::Iam, &logging, &key),
        );
        scope.output(output::ADDRESS, api.url(), "Where results are asked for");
        scope.output(output::REST_API, api.id(), "The API's id");
        api
    }
}

/// The outputs of this stack that tools read.
pub mod output {
    /// The API's address.
    pub const ADDRESS: &str = "ApiAddress";
    /// The API's id.
    pub const REST_API: &str = "RestApiId";
}

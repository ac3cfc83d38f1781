//! One stack, for tests of what a construct becomes.

use lightsout_contract::{Binary, Program, Setting, Side, binary, environment};
use lightsout_core::{App, Assembly, Asset, Problem, Scope, Stage};

use crate::{
    ec2::{Endpoint, Network, NetworkRef, Zones},
    kms::{Key, KeyRef},
    lambda::{Code, Function, FunctionRef},
    s3::Bucket,
    setting,
};

environment! {
    /// What the test program needs.
    pub(crate) struct ProbeEnvironment {
        /// Any text.
        greeting: Setting<String> = "GREETING",
    }
}

/// A program that needs next to nothing.
pub(crate) struct Probe;

impl Program for Probe {
    const BINARY: Binary = binary!("probe" in "examples/programs");
    type Message = ();
    type Environment<S: Side> = ProbeEnvironment<S>;
}

/// Builds the stack `Test`, which has no problems.
pub(crate) fn synth(build: impl FnOnce(&mut Scope<'_>)) -> Assembly {
    let mut app = App::new("clinic", Stage::new("dev"));
    let mut scope = app.stack("Assets");
    let key = key(&mut scope);
    let assets = scope.add("Bucket", Bucket::<()>::new(&key));
    app.asset_store("Assets", assets.id());
    build(&mut app.stack("Test"));
    app.synth().unwrap()
}

/// Builds the stack `Test`, which has problems, and returns them.
pub(crate) fn problems(build: impl FnOnce(&mut Scope<'_>)) -> Vec<Problem> {
    let mut app = App::new("clinic", Stage::new("dev"));
    build(&mut app.stack("Test"));
    app.synth().unwrap_err().problems
}

pub(crate) fn key(scope: &mut Scope<'_>) -> KeyRef {
    scope.add("Key", Key::new("Test"))
}

pub(crate) fn network(scope: &mut Scope<'_>) -> NetworkRef {
    let cidr = "10.20.0.0/16".parse().unwrap();
    scope.add(
        "Network",
        Network::new(cidr, Zones::Two)
            .endpoint(Endpoint::Sqs)
            .endpoint(Endpoint::Ec2),
    )
}

/// Builds the stack `Test` around a function that nothing was changed about.
pub(crate) fn with_function(
    build: impl FnOnce(&mut Scope<'_>, KeyRef, FunctionRef<Probe>),
) -> Assembly {
    synth(|scope| {
        let key = key(scope);
        let network = network(scope);
        let code = Code::new(scope.asset(asset()), "assets");
        let environment = ProbeEnvironment {
            greeting: setting("hello"),
        };
        let function = Function::new(Probe, environment, code, &network, &key);
        let function = scope.add("Function", function);
        build(scope, key, function);
    })
}

pub(crate) fn asset() -> Asset {
    Asset::program("Probe", Probe::BINARY)
}

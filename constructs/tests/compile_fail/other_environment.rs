use lightsout::{
    contract::{Binary, Program, Setting, Side, binary, environment},
    ec2::NetworkRef,
    kms::KeyRef,
    lambda::{Code, Function},
    setting,
};

environment! {
    /// What the launcher needs.
    struct LauncherEnvironment {
        /// Seconds until a run is given up.
        deadline: Setting<u64> = "DEADLINE",
    }
}

environment! {
    /// What the worker needs.
    struct WorkerEnvironment {
        /// How many notes are coded at once.
        batch: Setting<u32> = "BATCH",
    }
}

struct Worker;

impl Program for Worker {
    // The binary of the package that these files are compiled in.
    const BINARY: Binary = binary!("lightsout-tests");
    type Message = ();
    type Environment<S: Side> = WorkerEnvironment<S>;
}

fn other_environment(code: Code, network: &NetworkRef, key: &KeyRef) {
    let environment = LauncherEnvironment { deadline: setting(60) };
    let _ = Function::new(Worker, environment, code, network, key);
}

fn main() {}

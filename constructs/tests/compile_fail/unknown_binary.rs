use lightsout::contract::{Binary, Program, Setting, Side, binary, environment};

environment! {
    /// What the worker needs.
    struct WorkerEnvironment {
        /// How many notes are coded at once.
        batch: Setting<u32> = "BATCH",
    }
}

struct Worker;

impl Program for Worker {
    const BINARY: Binary = binary!("wroker");
    type Message = ();
    type Environment<S: Side> = WorkerEnvironment<S>;
}

fn main() {}

use lightsout::contract::{Endpoint, Live, SendTo, environment};

struct Job;
struct Coded;

environment! {
    /// What the worker needs.
    struct WorkerEnvironment {
        /// Finished codings.
        results: SendTo<Coded> = "RESULTS",
    }
}

/// What a program sends with.
fn send<M>(_: &Endpoint<SendTo<M>>, _: &M) {}

fn wrong_message(environment: &WorkerEnvironment<Live>) {
    send(&environment.results, &Job);
}

fn main() {}

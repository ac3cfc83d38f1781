use lightsout::contract::{Endpoint, Live, ReceiveFrom, SendTo, environment};

struct Job;

environment! {
    /// What the worker needs.
    struct WorkerEnvironment {
        /// Jobs to do.
        jobs: ReceiveFrom<Job> = "JOBS",
    }
}

/// What a program sends with.
fn send<M>(_: &Endpoint<SendTo<M>>, _: &M) {}

fn read_only_endpoint(environment: &WorkerEnvironment<Live>) {
    send(&environment.jobs, &Job);
}

fn main() {}

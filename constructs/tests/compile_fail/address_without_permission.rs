use lightsout::{Infra, contract::{SendTo, environment}, sqs::QueueRef};

struct Job;

environment! {
    /// What the sender needs.
    struct SenderEnvironment {
        /// Where jobs go.
        jobs: SendTo<Job> = "JOBS",
    }
}

fn address_without_permission(jobs: QueueRef<Job>) -> SenderEnvironment<Infra> {
    SenderEnvironment { jobs: jobs.url() }
}

fn main() {}

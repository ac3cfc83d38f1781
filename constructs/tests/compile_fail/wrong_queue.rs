use lightsout::{
    Infra,
    contract::{ReadObjects, SendTo, environment},
    s3::BucketRef,
    sqs::QueueRef,
};

struct Job;
struct Coded;

environment! {
    /// What the worker needs.
    struct WorkerEnvironment {
        /// Notes to code.
        notes: ReadObjects<Job> = "NOTES",
        /// Finished codings.
        results: SendTo<Coded> = "RESULTS",
    }
}

fn wrong_queue(notes: BucketRef<Job>, jobs: QueueRef<Job>) -> WorkerEnvironment<Infra> {
    WorkerEnvironment {
        notes: notes.reader(),
        results: jobs.sender(),
    }
}

fn main() {}

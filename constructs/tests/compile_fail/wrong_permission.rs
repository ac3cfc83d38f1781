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

fn wrong_permission(notes: BucketRef<Job>, results: QueueRef<Coded>) -> WorkerEnvironment<Infra> {
    WorkerEnvironment {
        notes: notes.reader(),
        results: results.receiver(),
    }
}

fn main() {}

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

fn missing_variable(notes: BucketRef<Job>, _: QueueRef<Coded>) -> WorkerEnvironment<Infra> {
    WorkerEnvironment {
        notes: notes.reader(),
    }
}

fn main() {}

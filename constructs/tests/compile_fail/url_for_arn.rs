use lightsout::{Arn, Value, sqs::{Queue, QueueRef}};

struct Job;

fn wants_arn(_: Value<Arn<Queue<Job>>>) {}

fn url_for_arn(jobs: QueueRef<Job>) {
    wants_arn(jobs.url());
}

fn main() {}

use lightsout::{cloudwatch::Alarm, sqs::QueueRef};

struct Job;

fn silent_alarm(jobs: QueueRef<Job>) -> Alarm {
    jobs.oldest_message_age().above(900)
}

fn main() {}

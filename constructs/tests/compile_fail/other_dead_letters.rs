use lightsout::{kms::KeyRef, sqs::{DeadLettersRef, Queue}};

struct Job;
struct Coded;

fn other_dead_letters(key: KeyRef, failed: DeadLettersRef<Coded>) {
    let _ = Queue::<Job>::new(&key).dead_letter(&failed, 3);
}

fn main() {}

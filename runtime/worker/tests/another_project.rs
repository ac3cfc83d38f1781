//! Does the worker's loop do the work of another project?

use std::{sync::Arc, time::Duration};

use lightsout_contract::Live;
use lightsout_protocol::{coding::Outcome, environment::FleetWorkerEnvironment};
use lightsout_worker::{
    drain::Drain,
    leave::Leave,
    memory::{MemoryInbox, MemoryQueue, MemoryResults},
    patience::Patience,
    queue::Queue,
};
use serde_json::json;
use tokio::sync::watch;

#[path = "../examples/bytes.rs"]
#[expect(dead_code, reason = "the example's own `main` is not called here")]
mod bytes;

#[tokio::test]
async fn another_work_drains_the_queue_and_what_fails_comes_again() {
    let queue = Arc::new(MemoryQueue::new(Duration::from_millis(200), 3));
    let objects = MemoryInbox::default();
    let counts = Arc::new(MemoryResults::default());
    for number in 0..50_usize {
        objects.put(&format!("o/{number:02}"), &vec![0; number]);
        let event = json!({"Records": [{
            "eventVersion": "2.1", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "objects"}, "object": {"key": format!("o/{number:02}")}}
        }]});
        queue.send(&number.to_string(), &event.to_string());
    }
    queue.send("foreign", "hello");
    counts.fail(true);
    let (leave, left) = watch::channel(None);
    let drain = Drain {
        queue: Arc::clone(&queue),
        work: Arc::new(bytes::Bytes {
            objects,
            counts: Arc::clone(&counts),
        }),
        lanes: 2,
        extend_every: Duration::from_millis(50),
        patience: Patience {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(1),
            whole: Duration::from_millis(2),
        },
    };
    let running = tokio::spawn(async move { drain.run(&left).await });
    while !queue.waiting().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    counts.fail(false);
    while !queue.depth().await.unwrap().is_zero() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    leave.send(Some(Leave::Drained)).unwrap();
    let summary = running.await.unwrap();

    assert_eq!(queue.dead(), ["foreign"]);
    assert_eq!(summary.tally.coded, 50);
    let stored = counts.outcomes();
    assert_eq!(stored.len(), 50);
    for (number, outcome) in stored.values().enumerate() {
        let Outcome::Coded { coding, .. } = outcome else {
            panic!("a count is no rejection");
        };
        assert_eq!(*coding, json!({ "bytes": number }));
    }
}

#[test]
fn its_environment_has_what_every_worker_of_a_fleet_needs() {
    for variable in FleetWorkerEnvironment::<Live>::VARIABLES {
        let declared = bytes::BytesEnvironment::<Live>::VARIABLES;
        assert!(declared.contains(variable), "`{variable}`");
    }
}

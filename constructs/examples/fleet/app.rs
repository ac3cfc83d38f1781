//! Documents come in, and the text of each is drawn out: what a project writes to
//! have that done by machines that turn themselves off.

use std::time::Duration;

use lightsout::{
    App, Pseudo, Stage, Tag,
    batch_fleet::{BatchFleet, Hosts, Limits, Triggers},
    contract::{
        Binary, Program, ReadObjects, ReceiveFrom, Side, WriteObjects, binary, environment,
    },
    ec2::UserDataFits,
    join,
    kms::Key,
    s3::{Bucket, LogBucket},
    sqs::{DeadLetters, Queue},
};
use lightsout_protocol::environment::{Launcher, Master, ProgramArchive, Reaper};

/// A document, as it was scanned.
pub(crate) enum Document {}
/// The text of a document.
pub(crate) enum Text {}
/// That a document has arrived.
pub(crate) enum Arrival {}

environment! {
    /// What the worker needs.
    pub(crate) struct ReaderEnvironment {
        /// Documents that have arrived.
        work: ReceiveFrom<Arrival> = "WORK_QUEUE",
        /// The documents themselves.
        documents: ReadObjects<Document> = "DOCUMENTS",
        /// Where their text goes.
        texts: WriteObjects<Text> = "TEXTS",
    }
}

/// Draws text out of documents.
pub(crate) struct Reader;

impl Program for Reader {
    const BINARY: Binary = binary!("reader" in "examples/programs");
    type Message = Arrival;
    type Environment<S: Side> = ReaderEnvironment<S>;
}

/// The whole system, for a stage of this name.
pub(crate) fn app(stage: &str) -> App {
    let mut app = App::new("archive", Stage::new(stage));
    app.amend(Tag::new("Project", "archive"));
    app.check(UserDataFits);

    let mut storage = app.stack("Storage");
    let key = storage.add("Key", Key::new("Documents, their text, and programs"));
    let access = storage.add("AccessLogs", LogBucket::new());
    let programs = Bucket::<ProgramArchive>::new(&key).access_logs(&access, "programs/");
    let programs = storage.add("Programs", programs);
    let texts = Bucket::<Text>::new(&key).access_logs(&access, "texts/");
    let texts = storage.add("Texts", texts);
    // The queue must be there before the bucket that tells it, hence a name.
    let name = join![format!("archive-{stage}-documents-"), Pseudo::AccountId];
    let failed = storage.add("Failed", DeadLetters::new(&key));
    let work = Queue::new(&key)
        .dead_letter(&failed, 3)
        .accepts_from_bucket(name.clone());
    let work = storage.add("Work", work);
    let documents = Bucket::<Document>::new(&key)
        .named(name)
        .access_logs(&access, "documents/")
        .notify(&work, "scans/");
    let documents = storage.add("Documents", documents);
    storage.output("Inbox", documents.name(), "Where documents are dropped");
    app.asset_store("Storage", programs.id());

    let fleet = BatchFleet::new(Launcher, Master, Reaper, Reader, &programs, |fleet| {
        ReaderEnvironment {
            work: fleet.jobs.receiver(),
            documents: documents.reader(),
            texts: texts.writer(),
        }
    })
    .jobs(&work, &failed)
    .limits(Limits::new().most_workers(20).messages_per_worker(500))
    .triggers(Triggers::new().backlog(50).oldest(Duration::from_hours(1)))
    .hosts(
        Hosts::arm64()
            .worker_types(["c7g.large", "m7g.large"])
            .spot_percent(80),
    );
    app.stack("Reading").add("Fleet", fleet);
    app
}

//! Writing the trail.

use lightsout_phi::AuditContext;
use tokio::sync::Mutex;

use crate::{Access, Entry, Ledger, LedgerError, Opened, REGISTER, Said, entry::NOTHING};

/// How often a writer tries to have its stream registered while others do the same.
const ATTEMPTS: u32 = 64;

/// Writes records, each behind the one before it.
///
/// Records of one trail are written one after the other. Another process has a trail of its own.
#[derive(Debug)]
pub struct Trail<L> {
    ledger: L,
    writer: String,
    stream: Mutex<Stream>,
}

/// Where the next record goes.
#[derive(Debug)]
struct Stream {
    /// How many streams were begun, the one that is open included.
    begun: u64,
    /// The number and hash of the last record; none before the first.
    last: Option<(u64, String)>,
}

/// The proof that an access is recorded, which opens patient data.
///
/// Only [`Trail::record`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    stream: String,
    number: u64,
    hash: String,
}

/// Why an access is not recorded; there must be no answer then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrailError {
    /// The ledger failed.
    #[error("the access cannot be recorded")]
    Ledger(#[from] LedgerError),
    /// Others were always faster.
    #[error("the access cannot be recorded: {ATTEMPTS} attempts to begin a stream failed")]
    Crowded,
}

/// Returns a stable code of why an access is not recorded, for logs.
pub fn code(error: &TrailError) -> &str {
    match error {
        TrailError::Ledger(LedgerError::Taken) => "taken",
        TrailError::Ledger(LedgerError::Failed { code }) => code,
        TrailError::Crowded => "crowded",
    }
}

impl<L: Ledger> Trail<L> {
    /// A trail in `ledger`; no other process may ever use the same name for its writer.
    pub fn new(ledger: L, writer: impl Into<String>) -> Self {
        Self {
            ledger,
            writer: writer.into(),
            stream: Mutex::new(Stream {
                begun: 0,
                last: None,
            }),
        }
    }

    /// Returns the ledger.
    pub fn ledger(&self) -> &L {
        &self.ledger
    }

    /// Writes a record, and returns when it is durable.
    pub async fn record(&self, access: &Access) -> Result<Receipt, TrailError> {
        let mut stream = self.stream.lock().await;
        let said = Said::Access(Box::new(access.clone()));
        // Until its end is known the stream counts as left: this may be dropped half way, and
        // what is not known to be written must not be built upon.
        let entry = if let Some((number, hash)) = stream.last.take() {
            let name = self.name(stream.begun);
            let entry = Entry::new(&name, number + 1, &hash, said);
            self.ledger.append(std::slice::from_ref(&entry)).await?;
            entry
        } else {
            stream.begun += 1;
            let entry = Entry::new(&self.name(stream.begun), 1, NOTHING, said);
            self.open(&entry).await?;
            entry
        };
        stream.last = Some((entry.number, entry.hash.clone()));
        Ok(Receipt {
            stream: entry.stream,
            number: entry.number,
            hash: entry.hash,
        })
    }

    /// Writes a stream's first record together with the register's record of it.
    async fn open(&self, first: &Entry) -> Result<(), TrailError> {
        for _ in 0..ATTEMPTS {
            let last = self.ledger.last(REGISTER).await?;
            let (number, previous) =
                last.map_or((0, NOTHING.to_owned()), |entry| (entry.number, entry.hash));
            let opened = Said::Opened(Opened {
                stream: first.stream.clone(),
                first: first.hash.clone(),
            });
            let registered = Entry::new(REGISTER, number + 1, &previous, opened);
            match self.ledger.append(&[registered, first.clone()]).await {
                Ok(()) => return Ok(()),
                Err(LedgerError::Taken) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(TrailError::Crowded)
    }

    fn name(&self, begun: u64) -> String {
        format!("{}.{begun}", self.writer)
    }
}

impl Receipt {
    /// Returns the stream that the record stands in.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Returns the record's number there.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the record's hash.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl AuditContext for Receipt {
    fn record(&self) -> &str {
        &self.hash
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::{MemoryLedger, verify};

    fn access(request: usize) -> Access {
        Access {
            request: request.to_string(),
            ..Access::default()
        }
    }

    #[tokio::test]
    async fn without_a_ledger_there_is_no_receipt_and_afterwards_another_stream() {
        let trail = Trail::new(MemoryLedger::default(), "w");
        let first = trail.record(&access(1)).await.unwrap();
        trail.ledger().fail(true);
        assert!(matches!(
            trail.record(&access(2)).await,
            Err(TrailError::Ledger(LedgerError::Failed { .. }))
        ));
        trail.ledger().fail(false);
        let third = trail.record(&access(3)).await.unwrap();
        assert_eq!((first.stream(), third.stream()), ("w.1", "w.2"));
        assert!(verify(trail.ledger().entries(), None).is_whole());
    }

    #[tokio::test]
    async fn a_record_that_was_given_up_half_way_breaks_no_chain() {
        let trail = Trail::new(MemoryLedger::default(), "w");
        trail.record(&access(1)).await.unwrap();
        {
            let given_up = trail.stream.lock().await.last.take();
            assert!(given_up.is_some());
        }
        assert_eq!(trail.record(&access(2)).await.unwrap().stream(), "w.2");
        assert!(verify(trail.ledger().entries(), None).is_whole());
    }

    /// A ledger that lets others go first between each reading and writing.
    struct Slow(MemoryLedger);

    impl Ledger for Slow {
        async fn append(&self, entries: &[Entry]) -> Result<(), LedgerError> {
            tokio::task::yield_now().await;
            self.0.append(entries).await
        }

        async fn last(&self, stream: &str) -> Result<Option<Entry>, LedgerError> {
            let last = self.0.last(stream).await;
            tokio::task::yield_now().await;
            last
        }
    }

    #[tokio::test]
    async fn many_writers_at_once_have_one_whole_trail_with_each_of_their_records() {
        let ledger: &'static Slow = Box::leak(Box::new(Slow(MemoryLedger::default())));
        let mut tasks = Vec::new();
        for writer in 0..8 {
            let trail = Arc::new(Trail::new(ledger, format!("w{writer}")));
            for request in 0..25 {
                let trail = Arc::clone(&trail);
                let number = writer * 100 + request;
                tasks.push(tokio::spawn(async move {
                    trail.record(&access(number)).await.unwrap();
                }));
            }
        }
        for task in tasks {
            task.await.unwrap();
        }
        let entries = ledger.0.entries();
        let verdict = verify(entries.clone(), None);
        assert!(verdict.is_whole(), "{:?}", verdict.broken);
        assert_eq!((verdict.records, verdict.streams), (200, 8));
        let requests: BTreeSet<_> = entries
            .iter()
            .filter_map(|entry| match entry.link().unwrap().said {
                Said::Access(access) => Some(access.request),
                Said::Opened(_) => None,
            })
            .collect();
        assert_eq!(requests.len(), 200);
    }
}

//! Where the trail is kept.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::Entry;

/// Why an entry was not appended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Another record has one of the places; nothing was written.
    #[error("another record stands at that place of the trail")]
    Taken,
    /// The ledger did not answer, or answered with an error: it may have written or not.
    #[error("the ledger of the audit trail failed with `{code}`")]
    Failed {
        /// The code that the service, or the connection to it, gave.
        code: String,
    },
}

/// A store in which each place (stream and number) is taken once only.
pub trait Ledger: Send + Sync {
    /// Writes all of these or none of them, durably; if one of the places is taken, none.
    fn append(&self, entries: &[Entry]) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Returns the last entry of a stream, as of now.
    fn last(&self, stream: &str)
    -> impl Future<Output = Result<Option<Entry>, LedgerError>> + Send;
}

/// A ledger in memory, to try out what writes to one.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    entries: Mutex<BTreeMap<(String, u64), Entry>>,
    fails: AtomicBool,
}

impl MemoryLedger {
    /// Lets it fail from now on, or work again.
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// Returns what was written, by stream and number.
    pub fn entries(&self) -> Vec<Entry> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.values().cloned().collect()
    }

    fn check(&self) -> Result<(), LedgerError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(LedgerError::Failed {
                code: "told_to_fail".to_owned(),
            });
        }
        Ok(())
    }
}

impl Ledger for MemoryLedger {
    async fn append(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        self.check()?;
        let mut kept = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |entry: &Entry| (entry.stream.clone(), entry.number);
        if entries.iter().any(|entry| kept.contains_key(&place(entry))) {
            return Err(LedgerError::Taken);
        }
        kept.extend(entries.iter().map(|entry| (place(entry), entry.clone())));
        Ok(())
    }

    async fn last(&self, stream: &str) -> Result<Option<Entry>, LedgerError> {
        self.check()?;
        let kept = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = stream.to_owned();
        let mut of_stream = kept.range((stream.clone(), 0)..=(stream, u64::MAX));
        Ok(of_stream.next_back().map(|(_, entry)| entry.clone()))
    }
}

impl<L: Ledger> Ledger for &L {
    async fn append(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        L::append(self, entries).await
    }

    async fn last(&self, stream: &str) -> Result<Option<Entry>, LedgerError> {
        L::last(self, stream).await
    }
}

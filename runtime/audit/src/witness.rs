//! What else knows how far the trail went: the API's log, and the bucket of sealed records.

use serde::Deserialize;
use serde_json::Value;

use crate::{Head, Heads, entry::SEALED};

/// What a line of the log says of a record; lines have more than that.
#[derive(Deserialize)]
struct Witnessed {
    stream: String,
    number: u64,
    hash: String,
}

/// Returns how far each stream went, as the API's log tells.
///
/// Each record's place and hash stand in the log too, which another service keeps, with another
/// key: who cuts the end off a stream would have to change both. `log` is lines that hold a line
/// of the log, whatever stands before it, or what `aws logs filter-log-events` answers; whatever
/// says nothing of a record is passed over.
///
/// ```
/// use lightsout_audit::heads_in_log;
///
/// let heads = heads_in_log(
///     "2026-11-29T10:00:00 {\"event\":\"access\",\"stream\":\"w.1\",\"number\":7,\"hash\":\"ab\"}\n\
///      {\"event\":\"access\",\"stream\":\"w.1\",\"number\":6,\"hash\":\"cd\"}\n",
/// );
/// assert_eq!(heads.0["w.1"].number, 7);
/// ```
pub fn heads_in_log(log: &str) -> Heads {
    let mut heads = Heads::default();
    let answer: Option<Value> = serde_json::from_str(log).ok();
    let events = answer
        .as_ref()
        .and_then(|answer| answer["events"].as_array());
    match events {
        Some(events) => {
            let messages = events.iter().filter_map(|event| event["message"].as_str());
            messages.for_each(|message| heads.note(message));
        }
        None => log.lines().for_each(|line| heads.note(line)),
    }
    heads
}

/// Returns how far each stream went, as the [keys](crate::Entry::sealed_key) of sealed records
/// tell; other keys are passed over.
pub fn heads_in_keys<'k>(keys: impl IntoIterator<Item = &'k str>) -> Heads {
    let mut heads = Heads::default();
    for key in keys {
        let Some(rest) = key.strip_prefix(SEALED) else {
            continue;
        };
        let parts: Vec<_> = rest.split('/').collect();
        if let [stream, number, hash] = parts[..]
            && let Ok(number) = number.parse()
        {
            let hash = hash.to_owned();
            heads.add(stream.to_owned(), Head { number, hash });
        }
    }
    heads
}

impl Heads {
    /// Adds what another witness saw: of each stream, what goes further.
    pub fn and(mut self, other: Self) -> Self {
        for (stream, head) in other.0 {
            self.add(stream, head);
        }
        self
    }

    fn note(&mut self, line: &str) {
        let Some(start) = line.find('{') else {
            return;
        };
        if let Ok(seen) = serde_json::from_str::<Witnessed>(line[start..].trim_end()) {
            let head = Head {
                number: seen.number,
                hash: seen.hash,
            };
            self.add(seen.stream, head);
        }
    }

    fn add(&mut self, stream: String, head: Head) {
        let is_further = |known: &Head| head.number > known.number;
        if self.0.get(&stream).is_none_or(is_further) {
            self.0.insert(stream, head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, Entry, Flaw, MemoryLedger, Trail, verify};

    #[tokio::test]
    async fn an_end_that_was_cut_off_is_known_by_the_log_and_by_what_is_sealed() {
        let trail = Trail::new(MemoryLedger::default(), "w");
        let mut lines = Vec::new();
        for _ in 0..5 {
            let receipt = trail.record(&Access::default()).await.unwrap();
            lines.push(
                serde_json::json!({
                    "event": "access", "status": 200, "stream": receipt.stream(),
                    "number": receipt.number(), "hash": receipt.hash(),
                })
                .to_string(),
            );
        }
        let whole = trail.ledger().entries();
        let mut cut = whole.clone();
        cut.retain(|entry| entry.number < 4);
        assert!(verify(cut.clone(), None).is_whole());
        let events: Vec<_> = lines
            .iter()
            .map(|line| serde_json::json!({"message": line, "eventId": "1"}))
            .collect();
        let answer = serde_json::to_string_pretty(&serde_json::json!({"events": events})).unwrap();
        let tailed = lines.join("\n2026-11-29T10:00:00.000Z START RequestId: 1\n10:00 ");
        let keys: Vec<_> = whole.iter().map(Entry::sealed_key).collect();
        let sealed = heads_in_keys(keys.iter().map(String::as_str));
        // The register is sealed too, and in no log.
        assert_eq!(sealed.0.len(), 2);
        let gone = verify(Vec::new(), Some(&sealed));
        assert_eq!(
            gone.broken.len(),
            2,
            "a trail that is gone as a whole is missed"
        );
        for heads in [heads_in_log(&answer), heads_in_log(&tailed), sealed] {
            assert!(verify(whole.clone(), Some(&heads)).is_whole());
            let verdict = verify(cut.clone(), Some(&heads));
            assert_eq!(
                (verdict.broken[0].number, verdict.broken[0].flaw),
                (4, Flaw::Unlike)
            );
            let earlier = verify(cut.clone(), None).heads;
            assert_eq!(earlier.and(heads.clone()).0["w.1"], heads.0["w.1"]);
        }
        assert_eq!(heads_in_log("no log\n{}\n"), Heads::default());
        assert_eq!(
            heads_in_keys(["exports/ab", "trail/w.1/x/ab"]),
            Heads::default()
        );
    }
}

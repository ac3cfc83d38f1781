//! The work itself: read a chart, code it, store the outcome.

use std::sync::Arc;

use lightsout_formats::{Narrative, Rejection, limits::LARGEST_CHART, read};
use lightsout_nlp::Engine;
use lightsout_protocol::{
    chart::{ChartReference, arrivals},
    coding::{Encoded, LeftOut, Outcome, OutcomeKey, Part, Provenance, Status},
};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::{
    Chain,
    inbox::{Fetched, Inbox},
    results::{Results, Stored},
    work::{Fault, Message, Tally, Verdict, Work},
};

/// Codes the charts that messages announce.
pub struct Charts<I, R> {
    inbox: I,
    results: R,
    bucket: String,
    engine: Arc<Engine>,
    name: String,
    cores: Semaphore,
}

impl<I: Inbox, R: Results> Charts<I, R> {
    /// Reads charts from `bucket` alone, and codes on `cores` cores at once.
    pub fn new(inbox: I, results: R, bucket: &str, engine: Engine, cores: usize) -> Self {
        Self {
            inbox,
            results,
            bucket: bucket.to_owned(),
            name: engine_name(&engine),
            engine: Arc::new(engine),
            cores: Semaphore::new(cores.max(1)),
        }
    }

    async fn outcome(&self, chart: &ChartReference) -> Result<Encoded, Fault> {
        let fetched = self.inbox.fetch(chart, LARGEST_CHART as u64).await;
        match fetched {
            Ok(Fetched::Bytes(bytes)) => Ok(self.code(bytes).await),
            Ok(Fetched::TooLarge(bytes)) => Ok(rejected(
                &lightsout_nlp::Rejection::TooLarge {
                    bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
                    limit: LARGEST_CHART,
                }
                .into(),
            )),
            Ok(Fetched::Missing) => Ok(Encoded::rejected(
                "missing",
                "this version of the file is no longer in the inbox; upload it again",
            )),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "a chart is not read");
                Err(Fault::InboxUnavailable)
            }
        }
    }

    async fn code(&self, bytes: Vec<u8>) -> Encoded {
        // The semaphore is never closed: without a permit the work is merely
        // not bounded.
        let _core = self.cores.acquire().await;
        let engine = Arc::clone(&self.engine);
        let coded = tokio::task::spawn_blocking(move || match read(&bytes) {
            Ok(narrative) => coded(&engine, &bytes, &narrative),
            Err(rejection) => rejected(&rejection),
        });
        coded.await.unwrap_or_else(|_| engine_fault())
    }
}

impl<I: Inbox, R: Results> Work for Charts<I, R> {
    async fn work(&self, message: &Message) -> Verdict {
        let Ok(charts) = arrivals(&message.body) else {
            return Verdict::Again(Fault::Malformed);
        };
        let mut tally = Tally::default();
        for chart in charts {
            if chart.bucket != self.bucket {
                return Verdict::Again(Fault::ForeignBucket);
            }
            let outcome = match self.outcome(&chart).await {
                Ok(outcome) => outcome,
                Err(fault) => return Verdict::Again(fault),
            };
            let key = OutcomeKey {
                chart: chart.id().to_owned(),
                version: chart.version.unwrap_or_else(|| "unversioned".to_owned()),
                engine: self.name.clone(),
            };
            let status = outcome.status();
            match (self.results.store(&key, outcome).await, status) {
                (Ok(Stored::Already), _) => tally.duplicates += 1,
                (Ok(Stored::New), Status::Coded) => tally.coded += 1,
                (Ok(Stored::New), Status::Rejected) => tally.rejected += 1,
                (Err(error), _) => {
                    tracing::warn!(error = %Chain(&error), "an outcome is not stored");
                    return Verdict::Again(Fault::ResultsUnavailable);
                }
            }
        }
        Verdict::Done(tally)
    }
}

/// Names the engine and its terminology: another name codes a chart anew.
pub fn engine_name(engine: &Engine) -> String {
    let edition = engine.dictionary().edition().to_lowercase();
    let words: Vec<&str> = edition
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!("nlp-{}+{}", env!("CARGO_PKG_VERSION"), words.join("-"))
}

/// Codes a narrative and writes the outcome, here and once, where the engine's answer still
/// borrows the text: a copy of it would cost as much as a part of the coding.
fn coded(engine: &Engine, chart: &[u8], narrative: &Narrative<'_>) -> Encoded {
    let outcome = Outcome::Coded {
        coding: engine.code(&narrative.text),
        format: Some(narrative.format.name().to_owned()),
        provenance: Some(provenance(chart, narrative)),
    };
    outcome.encode().unwrap_or_else(|_| engine_fault())
}

fn provenance(chart: &[u8], narrative: &Narrative<'_>) -> Provenance {
    let sha256 = |bytes: &[u8]| format!("{:x}", Sha256::digest(bytes));
    let text = narrative.text.as_bytes();
    let chart_sha256 = sha256(chart);
    let narrative_sha256 = if text == chart {
        chart_sha256.clone()
    } else {
        sha256(text)
    };
    let parts = narrative.parts.iter().map(|part| Part {
        start: part.start,
        end: part.end,
        from: part.from.clone(),
    });
    let left_out = narrative.left_out.iter().map(|left_out| LeftOut {
        from: left_out.from.clone(),
        reason: left_out.because.code().to_owned(),
        detail: left_out.because.to_string(),
    });
    Provenance {
        chart_sha256,
        narrative_sha256,
        narrative_bytes: text.len(),
        parts: parts.collect(),
        left_out: left_out.collect(),
    }
}

fn rejected(rejection: &Rejection) -> Encoded {
    Encoded::rejected(rejection.code(), &rejection.to_string())
}

/// What is stored where the engine itself failed: it would fail again, and
/// another version of it has another name.
fn engine_fault() -> Encoded {
    Encoded::rejected(
        "engine_fault",
        "the engine failed on this file; report its id to the engine's developers",
    )
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Mutex};

    use lightsout_nlp::{Dictionary, LARGEST_TEXT};

    use super::*;
    use crate::{inbox::InboxError, results::ResultsError};

    #[derive(Default)]
    struct Folder(BTreeMap<String, Vec<u8>>);

    impl Inbox for Folder {
        async fn fetch(&self, chart: &ChartReference, limit: u64) -> Result<Fetched, InboxError> {
            if chart.key.ends_with("unreachable") {
                return Err(InboxError("no route".into()));
            }
            Ok(match self.0.get(&chart.key) {
                Some(bytes) if bytes.len() as u64 > limit => Fetched::TooLarge(bytes.len() as u64),
                Some(bytes) => Fetched::Bytes(bytes.clone()),
                None => Fetched::Missing,
            })
        }
    }

    #[derive(Default)]
    struct Shelf(Mutex<BTreeMap<OutcomeKey, Outcome>>);

    impl Results for Arc<Shelf> {
        async fn store(&self, key: &OutcomeKey, outcome: Encoded) -> Result<Stored, ResultsError> {
            let mut kept = self.0.lock().unwrap();
            if kept.contains_key(key) {
                return Ok(Stored::Already);
            }
            let outcome = serde_json::from_str(outcome.json()).unwrap();
            kept.insert(key.clone(), outcome);
            Ok(Stored::New)
        }
    }

    fn charts(files: &[(&str, &[u8])]) -> (Charts<Folder, Arc<Shelf>>, Arc<Shelf>) {
        let folder = files
            .iter()
            .map(|(key, bytes)| (format!("charts/{key}"), bytes.to_vec()))
            .collect();
        let shelf = Arc::new(Shelf::default());
        let engine = Engine::new(Dictionary::fy2026());
        let charts = Charts::new(Folder(folder), Arc::clone(&shelf), "inbox", engine, 2);
        (charts, shelf)
    }

    fn arrival(bucket: &str, key: &str) -> Message {
        let body = serde_json::json!({"Records": [{
            "eventVersion": "2.1", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": bucket},
                   "object": {"key": format!("charts/{key}"), "size": 1, "versionId": "v1"}}
        }]});
        Message {
            id: "m".to_owned(),
            receipt: "r".to_owned(),
            body: body.to_string(),
        }
    }

    fn reasons(shelf: &Shelf) -> Vec<String> {
        let shelf = shelf.0.lock().unwrap();
        let reason = |outcome: &Outcome| match outcome {
            Outcome::Coded { .. } => "coded".to_owned(),
            Outcome::Rejected { reason, .. } => reason.clone(),
        };
        shelf.values().map(reason).collect()
    }

    #[tokio::test]
    async fn a_chart_is_coded_once_however_often_it_is_announced() {
        let (charts, shelf) = charts(&[("1", b"Assessment: type 2 diabetes mellitus.")]);
        let first = charts.work(&arrival("inbox", "1")).await;
        assert_eq!(
            first,
            Verdict::Done(Tally {
                coded: 1,
                ..Tally::default()
            })
        );
        let before = shelf.0.lock().unwrap().clone();
        let second = charts.work(&arrival("inbox", "1")).await;
        assert_eq!(
            second,
            Verdict::Done(Tally {
                duplicates: 1,
                ..Tally::default()
            })
        );
        assert_eq!(*shelf.0.lock().unwrap(), before);
    }

    #[tokio::test]
    async fn a_chart_is_recognised_by_what_it_holds_and_never_by_its_name() {
        let message = b"MSH|^~\\&|a|b|c|d|e||MDM^T02|1|P|2.5.1\rOBX|1|TX|||ASSESSMENT: Gout.\r";
        let (charts, shelf) = charts(&[("note.txt", message)]);
        charts.work(&arrival("inbox", "note.txt")).await;
        let kept = shelf.0.lock().unwrap();
        let Some(Outcome::Coded { coding, format, .. }) = kept.values().next() else {
            panic!("the message is coded");
        };
        assert_eq!(format.as_deref(), Some("hl7"));
        assert_eq!(coding["codes"][0]["code"], "M10.9");
    }

    #[tokio::test]
    async fn evidence_is_found_again_in_the_chart_and_what_was_left_out_is_told() {
        let of = |attachment| {
            let content = [serde_json::json!({ "attachment": attachment })];
            serde_json::json!({"resource": {"resourceType": "DocumentReference", "content": content}})
        };
        let bundle = serde_json::json!({"resourceType": "Bundle", "entry": [
            of(serde_json::json!({"url": "https://elsewhere.example/1"})),
            of(serde_json::json!({"contentType": "text/plain", "data": "QXNzZXNzbWVudDogR291dC4="})),
        ]});
        let chart = bundle.to_string();
        let (charts, shelf) = charts(&[("1", chart.as_bytes())]);
        charts.work(&arrival("inbox", "1")).await;
        let kept = shelf.0.lock().unwrap();
        let Some(Outcome::Coded {
            coding,
            provenance: Some(provenance),
            ..
        }) = kept.values().next()
        else {
            panic!("the chart is coded");
        };

        let again = read(chart.as_bytes()).unwrap();
        assert_eq!(*provenance, super::provenance(chart.as_bytes(), &again));
        assert_ne!(provenance.chart_sha256, provenance.narrative_sha256);
        assert_eq!(provenance.narrative_bytes, again.text.len());
        let evidence = &coding["codes"][0]["evidence"][0];
        let at = |end: &str| usize::try_from(evidence[end].as_u64().unwrap()).unwrap();
        let (start, end) = (at("start"), at("end"));
        assert_eq!(&again.text[start..end], "Gout");
        let part = provenance
            .parts
            .iter()
            .find(|part| part.start <= start && end <= part.end);
        assert_eq!(
            part.unwrap().from,
            "Bundle.entry[1].resource.content[0].attachment"
        );
        let [left_out] = &provenance.left_out[..] else {
            panic!("one attachment is left out");
        };
        assert_eq!(
            left_out.from,
            "Bundle.entry[0].resource.content[0].attachment"
        );
        assert_eq!(left_out.reason, "attachment_elsewhere");
        assert!(!left_out.detail.contains("example"), "{left_out:?}");
    }

    #[test]
    fn plain_text_is_its_own_narrative() {
        let chart = b"Assessment: gout.";
        let provenance = provenance(chart, &read(chart).unwrap());
        assert_eq!(provenance.chart_sha256, provenance.narrative_sha256);
        let sha256sum = "92758b5cd30d0d41df5017b896dd11156136ac20808e0b927cacd4b935af1b2f";
        assert_eq!(provenance.chart_sha256, sha256sum);
        assert_eq!(
            (provenance.parts[0].start, provenance.parts[0].end),
            (0, chart.len())
        );
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_rejected_for_good_with_its_reason() {
        let large = vec![b'a'; LARGEST_TEXT + 1];
        let files: [(&str, &[u8]); 4] = [
            ("a", b""),
            ("b", b"Cough\xff."),
            ("c", b"\x89PNG\r\n\x1a\n"),
            ("d", &large),
        ];
        let (charts, shelf) = charts(&files);
        for key in ["a", "b", "c", "d", "e"] {
            let verdict = charts.work(&arrival("inbox", key)).await;
            assert_eq!(
                verdict,
                Verdict::Done(Tally {
                    rejected: 1,
                    ..Tally::default()
                })
            );
        }
        assert_eq!(
            reasons(&shelf),
            ["empty", "not_utf8", "binary", "too_large", "missing"]
        );
    }

    #[tokio::test]
    async fn what_may_pass_or_is_no_chart_of_ours_is_left() {
        let (charts, shelf) = charts(&[]);
        let mut foreign = arrival("inbox", "1");
        foreign.body = "hello".to_owned();
        for (message, fault) in [
            (arrival("inbox", "unreachable"), Fault::InboxUnavailable),
            (arrival("elsewhere", "1"), Fault::ForeignBucket),
            (foreign, Fault::Malformed),
        ] {
            assert_eq!(charts.work(&message).await, Verdict::Again(fault));
        }
        assert_eq!(reasons(&shelf), [""; 0]);
    }

    #[test]
    fn the_engine_is_named_with_its_terminology() {
        let name = engine_name(&Engine::new(Dictionary::fy2026()));
        assert_eq!(
            name,
            format!(
                "nlp-{}+icd-10-cm-fy2026-april-1-2026",
                env!("CARGO_PKG_VERSION")
            )
        );
    }
}

//! The work itself: read a chart, code it, store the outcome.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use lightsout_contract::Live;
use lightsout_formats::{Narrative, Rejection, limits::LARGEST_CHART, read};
use lightsout_nlp::{Edition, Engine};
use lightsout_phi::{AuditContext, Phi};
use lightsout_protocol::{
    chart::{ChartReference, UNVERSIONED, arrivals},
    coding::{Encoded, LeftOut, OutcomeKey, Part, Provenance, Status},
    environment::WorkerEnvironment,
};
use tokio::sync::Semaphore;

use crate::{
    BoxError, Chain, Host,
    inbox::{Fetched, Inbox, S3},
    results::{Results, ResultsError, Stored, Tables},
    sha256::{of_this_program, sha256},
    work::{Fault, Message, Tally, Verdict, Work},
};

/// Charts of up to so many bytes are coded where their message is handled: it takes some
/// milliseconds. To hand one to a thread of its own takes longer than to code a usual chart.
const AT_ONCE: usize = 32 << 10;

/// Charts are held at once up to so many bytes together, whatever the number of messages; there
/// is room for some of the largest, and for any number of usual ones.
const MOST_HELD: usize = 8 * LARGEST_CHART;

/// The unit of the room for charts: a semaphore counts up to `u32::MAX`.
const PAGE: usize = 4 << 10;

/// Codes the charts that messages announce.
pub struct Charts<I, R> {
    inbox: I,
    results: R,
    bucket: String,
    engine: Arc<Engine>,
    name: String,
    program: Option<Arc<str>>,
    cores: Semaphore,
    room: Semaphore,
}

/// Makes the work of this project's own worker, with the environment that its stacks declared.
pub fn begin(host: &Host) -> Result<Charts<S3, Tables>, BoxError> {
    let environment = WorkerEnvironment::<Live>::from_variables(|name| env::var(name).ok())?;
    let own_endpoint = lightsout_aws::has_own_endpoint(&host.aws);
    let s3 = aws_sdk_s3::config::Builder::from(&host.aws).force_path_style(own_endpoint);
    let s3 = aws_sdk_s3::Client::from_conf(s3.build());
    let results = Tables {
        dynamodb: aws_sdk_dynamodb::Client::new(&host.aws),
        table: environment.results.address().to_owned(),
        s3: s3.clone(),
        bucket: environment.large_results.address().to_owned(),
        run: host.run.clone(),
    };
    let engine = Engine::new(Edition::named(&environment.edition.value())?.dictionary());
    tracing::info!(engine = engine_name(&engine), "charts are coded");
    let inbox = environment.inbox.address();
    let charts = Charts::new(S3::new(s3), results, inbox, engine, host.cores);
    Ok(charts.by_program(&of_this_program()?))
}

impl<I: Inbox, R: Results> Charts<I, R> {
    /// Reads charts from `bucket` alone, and codes on `cores` cores at once.
    pub fn new(
        inbox: I,
        results: R,
        bucket: &str,
        engine: impl Into<Arc<Engine>>,
        cores: usize,
    ) -> Self {
        let engine = engine.into();
        Self {
            inbox,
            results,
            bucket: bucket.to_owned(),
            name: engine_name(&engine),
            program: None,
            engine,
            cores: Semaphore::new(cores.max(1)),
            room: Semaphore::new(MOST_HELD / PAGE),
        }
    }

    /// Has each result say that the program with this SHA-256 made it.
    #[must_use]
    pub fn by_program(self, sha256: &str) -> Self {
        Self {
            program: Some(sha256.into()),
            ..self
        }
    }

    async fn outcome(&self, chart: &ChartReference) -> Result<Encoded, Fault> {
        // As with the cores, this semaphore is never closed.
        let _room = self.room.acquire_many(pages(chart.size)).await;
        let fetched = self.inbox.fetch(chart, LARGEST_CHART as u64).await;
        match fetched {
            Ok(Fetched::Bytes(bytes)) => Ok(self.code(bytes, self.coding_of(chart)).await),
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
            Ok(Fetched::Altered) => Ok(Encoded::rejected(
                "altered",
                "the file is not the one whose SHA-256 was stored with it; upload it again",
            )),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "a chart is not read");
                Err(if error.passes {
                    Fault::INBOX_UNAVAILABLE
                } else {
                    Fault::INBOX_REFUSES
                })
            }
        }
    }

    /// Stores why a message is refused, and leaves it to the dead-letter queue: its text may
    /// be all that tells of a chart, and is kept there until a person has seen it.
    async fn refuse(&self, message: &Message, why: Encoded, fault: Fault) -> Verdict {
        let key = OutcomeKey::of_message(&message.id, &self.name);
        match self.results.store(&key, why).await {
            Ok(_) => Verdict::Again(fault),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "a refusal is not stored");
                Verdict::Again(unstored(&error))
            }
        }
    }

    fn coding_of(&self, chart: &ChartReference) -> ForCoding {
        ForCoding {
            chart: chart.key.clone(),
            program: self.program.clone(),
        }
    }

    async fn code(&self, bytes: Phi<Vec<u8>>, context: ForCoding) -> Encoded {
        if bytes.bytes() <= AT_ONCE {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                read_and_coded(&self.engine, &bytes, &context)
            }));
            return outcome.unwrap_or_else(|_| engine_fault());
        }
        // The semaphore is never closed: without a permit the work is merely
        // not bounded.
        let _core = self.cores.acquire().await;
        let engine = Arc::clone(&self.engine);
        let coded = tokio::task::spawn_blocking(move || read_and_coded(&engine, &bytes, &context));
        coded.await.unwrap_or_else(|_| engine_fault())
    }
}

impl<I: Inbox, R: Results> Work for Charts<I, R> {
    async fn work(&self, message: &Message) -> Verdict {
        let charts = match arrivals(&message.body) {
            Ok(charts) => charts,
            Err(error) => {
                let why = Encoded::rejected(error.code(), error.advice());
                return self.refuse(message, why, Fault::MALFORMED).await;
            }
        };
        let mut tally = Tally::default();
        let mut is_foreign = false;
        for chart in charts {
            if chart.bucket != self.bucket {
                is_foreign = true;
                continue;
            }
            let outcome = match self.outcome(&chart).await {
                Ok(outcome) => outcome,
                Err(fault) => return Verdict::Again(fault),
            };
            let key = OutcomeKey {
                chart: chart.id().to_owned(),
                version: chart.version.unwrap_or_else(|| UNVERSIONED.to_owned()),
                engine: self.name.clone(),
            };
            let status = outcome.status();
            match (self.results.store(&key, outcome).await, status) {
                (Ok(Stored::Already), _) => tally.duplicates += 1,
                (Ok(Stored::New), Status::Coded) => tally.coded += 1,
                (Ok(Stored::New), Status::Rejected) => tally.rejected += 1,
                (Err(error), _) => {
                    tracing::warn!(error = %Chain(&error), "an outcome is not stored");
                    return Verdict::Again(unstored(&error));
                }
            }
        }
        if is_foreign {
            let why = Encoded::rejected(
                "foreign_bucket",
                "the message speaks of a bucket that is not the inbox; remove the notification \
                 that sends it",
            );
            return self.refuse(message, why, Fault::FOREIGN_BUCKET).await;
        }
        Verdict::Done(tally)
    }
}

/// Returns the room that a chart takes, of which no more is read than of the largest.
fn pages(size: u64) -> u32 {
    let bytes = usize::try_from(size).unwrap_or(LARGEST_CHART);
    let pages = bytes.min(LARGEST_CHART).div_ceil(PAGE).max(1);
    u32::try_from(pages).unwrap_or(u32::MAX)
}

fn unstored(error: &ResultsError) -> Fault {
    if error.passes {
        Fault::RESULTS_UNAVAILABLE
    } else {
        Fault::RESULTS_REFUSE
    }
}

/// The coding of a chart by a run.
///
/// Its record is the outcome, which is stored under the chart's id with the run that read it,
/// before the message is deleted.
struct ForCoding {
    chart: String,
    program: Option<Arc<str>>,
}

impl AuditContext for ForCoding {
    fn record(&self) -> &str {
        &self.chart
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
fn coded(engine: &Engine, chart: &[u8], narrative: &Narrative<'_>, context: &ForCoding) -> Encoded {
    let coding = engine.code(narrative.text.open(context));
    let codes = coding.codes.iter().map(|code| code.code.to_string());
    let codes = codes.collect();
    let provenance = Provenance {
        program_sha256: context.program.as_deref().map(str::to_owned),
        ..provenance(chart, narrative, context)
    };
    let encoded = Encoded::coded(
        |json| coding.push_json(json),
        narrative.format.name(),
        &provenance,
    );
    match encoded {
        Ok(encoded) => encoded.with_codes(codes),
        Err(_) => engine_fault(),
    }
}

fn provenance(chart: &[u8], narrative: &Narrative<'_>, context: &dyn AuditContext) -> Provenance {
    let text = narrative.text.open(context).as_bytes();
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
        program_sha256: None,
    }
}

fn rejected(rejection: &Rejection) -> Encoded {
    Encoded::rejected(rejection.code(), &rejection.to_string())
}

fn read_and_coded(engine: &Engine, bytes: &Phi<Vec<u8>>, context: &ForCoding) -> Encoded {
    let chart = bytes.open(context);
    match read(chart) {
        Ok(narrative) => coded(engine, chart, &narrative, context),
        Err(rejection) => rejected(&rejection),
    }
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
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::Duration,
    };

    use lightsout_nlp::{Dictionary, LARGEST_TEXT};
    use lightsout_phi::Synthetic;
    use lightsout_protocol::{chart::LARGEST_MESSAGE, coding::Outcome};
    use tokio::sync::watch;

    use super::*;
    use crate::{
        drain::Drain,
        inbox::InboxError,
        leave::Leave,
        memory::{MemoryInbox, MemoryQueue, MemoryResults},
        patience::Patience,
        queue::Queue,
    };

    type InMemory = Charts<MemoryInbox, Arc<MemoryResults>>;

    fn charts(files: &[(&str, &[u8])]) -> (InMemory, Arc<MemoryResults>) {
        let inbox = MemoryInbox::default();
        for (key, bytes) in files {
            inbox.put(&format!("charts/{key}"), bytes);
        }
        let results = Arc::new(MemoryResults::default());
        let engine = Engine::new(Dictionary::fy2026());
        let charts = Charts::new(inbox, Arc::clone(&results), "inbox", engine, 2);
        (charts, results)
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

    fn reasons(results: &MemoryResults) -> Vec<String> {
        let reason = |outcome: &Outcome| match outcome {
            Outcome::Coded { .. } => "coded".to_owned(),
            Outcome::Rejected { reason, .. } => reason.clone(),
        };
        results.outcomes().values().map(reason).collect()
    }

    #[tokio::test]
    async fn a_chart_is_coded_once_however_often_it_is_announced() {
        let (charts, results) = charts(&[("1", b"Assessment: type 2 diabetes mellitus.")]);
        let first = charts.work(&arrival("inbox", "1")).await;
        assert_eq!(
            first,
            Verdict::Done(Tally {
                coded: 1,
                ..Tally::default()
            })
        );
        let before = results.outcomes();
        let second = charts.work(&arrival("inbox", "1")).await;
        assert_eq!(
            second,
            Verdict::Done(Tally {
                duplicates: 1,
                ..Tally::default()
            })
        );
        assert_eq!(results.outcomes(), before);
    }

    #[tokio::test]
    async fn a_result_says_which_program_made_it() {
        let (charts, results) = charts(&[("1", b"Assessment: gout.")]);
        let program = of_this_program().unwrap();
        let charts = charts.by_program(&program);
        charts.work(&arrival("inbox", "1")).await;
        let kept = results.outcomes();
        let Some(Outcome::Coded { provenance, .. }) = kept.values().next() else {
            panic!("the chart is coded");
        };
        let made_by = provenance
            .as_ref()
            .and_then(|of| of.program_sha256.as_deref());
        assert_eq!((made_by, program.len()), (Some(program.as_str()), 64));
    }

    #[tokio::test]
    async fn a_chart_is_recognised_by_what_it_holds_and_never_by_its_name() {
        let message = b"MSH|^~\\&|a|b|c|d|e||MDM^T02|1|P|2.5.1\rOBX|1|TX|||ASSESSMENT: Gout.\r";
        let (charts, results) = charts(&[("note.txt", message)]);
        charts.work(&arrival("inbox", "note.txt")).await;
        let kept = results.outcomes();
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
        let (charts, results) = charts(&[("1", chart.as_bytes())]);
        charts.work(&arrival("inbox", "1")).await;
        let kept = results.outcomes();
        let Some(Outcome::Coded {
            coding,
            provenance: Some(provenance),
            ..
        }) = kept.values().next()
        else {
            panic!("the chart is coded");
        };

        let again = read(chart.as_bytes()).unwrap();
        assert_eq!(
            *provenance,
            super::provenance(chart.as_bytes(), &again, &Synthetic)
        );
        assert_ne!(provenance.chart_sha256, provenance.narrative_sha256);
        assert_eq!(
            provenance.narrative_bytes,
            again.text.open(&Synthetic).len()
        );
        let evidence = &coding["codes"][0]["evidence"][0];
        let at = |end: &str| usize::try_from(evidence[end].as_u64().unwrap()).unwrap();
        let (start, end) = (at("start"), at("end"));
        assert_eq!(&again.text.open(&Synthetic)[start..end], "Gout");
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
        let provenance = provenance(chart, &read(chart).unwrap(), &Synthetic);
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
        let (charts, results) = charts(&files);
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
            reasons(&results),
            ["empty", "not_utf8", "binary", "too_large", "missing"]
        );
    }

    #[tokio::test]
    async fn a_chart_that_is_not_what_was_sent_is_rejected() {
        let (charts, results) = charts(&[("1", b"Gout."), ("2", b"Gout!")]);
        // `printf Gout. | sha256sum`
        let sent = "d52f39c7165dfce17dd1a1a96d97c52ba1e9ac491f2c3e7dc2c93b56b3121a19";
        for key in ["1", "2"] {
            charts.inbox.hash(&format!("charts/{key}"), sent);
            charts.work(&arrival("inbox", key)).await;
        }
        assert_eq!(reasons(&results), ["coded", "altered"]);
    }

    #[tokio::test]
    async fn what_may_pass_is_left_without_a_word_in_the_results() {
        let (charts, results) = charts(&[]);
        charts.inbox.fail(true);
        let verdict = charts.work(&arrival("inbox", "1")).await;
        assert_eq!(verdict, Verdict::Again(Fault::INBOX_UNAVAILABLE));
        charts.inbox.fail(false);
        results.fail(true);
        for message in [arrival("inbox", "1"), arrival("elsewhere", "1")] {
            let verdict = charts.work(&message).await;
            assert_eq!(verdict, Verdict::Again(Fault::RESULTS_UNAVAILABLE));
        }
        assert_eq!(reasons(&results), [""; 0]);
    }

    #[tokio::test]
    async fn a_message_that_is_refused_is_told_in_the_results_and_ends_as_a_dead_letter() {
        let mut version_3 = arrival("inbox", "1");
        version_3.body = version_3.body.replace("2.1", "3.0");
        let bodies = [
            ("a", "hello".to_owned()),
            ("b", "{}".to_owned()),
            ("c", version_3.body),
            ("d", "x".repeat(LARGEST_MESSAGE + 1)),
            ("e", arrival("elsewhere", "1").body),
            ("f", arrival("inbox", "1").body),
        ];
        let (charts, results) = charts(&[("1", b"Gout.")]);
        let queue = Arc::new(MemoryQueue::new(Duration::from_millis(400), 3));
        for (id, body) in &bodies {
            queue.send(id, body);
        }
        let (leave, left) = watch::channel(None);
        let drain = Drain {
            queue: Arc::clone(&queue),
            work: Arc::new(charts),
            lanes: 2,
            extend_every: Duration::from_millis(50),
            patience: Patience::default(),
        };
        let running = tokio::spawn(async move { drain.run(&left).await });
        while !queue.depth().await.unwrap().is_zero() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        leave.send(Some(Leave::Drained)).unwrap();
        let summary = running.await.unwrap();

        assert_eq!(queue.dead(), ["a", "b", "c", "d", "e"]);
        assert_eq!(queue.deleted(), ["f"]);
        // Each of the five came three times, and no more often.
        assert_eq!((summary.failed, summary.tally.coded), (15, 1));
        let outcomes = results.outcomes();
        let told: Vec<_> = outcomes
            .iter()
            .filter(|(key, _)| key.is_of_message())
            .map(|(key, outcome)| match outcome {
                Outcome::Rejected { reason, .. } => (key.chart.as_str(), reason.as_str()),
                Outcome::Coded { .. } => panic!("`{}` is coded", key.chart),
            })
            .collect();
        assert_eq!(
            told,
            [
                ("a", "message_not_json"),
                ("b", "message_not_an_event"),
                ("c", "message_of_unknown_version"),
                ("d", "message_too_large"),
                ("e", "foreign_bucket"),
            ]
        );
    }

    #[tokio::test]
    async fn a_foreign_record_does_not_keep_the_charts_beside_it_from_being_coded() {
        let (charts, results) = charts(&[("1", b"Gout.")]);
        let mut both: serde_json::Value =
            serde_json::from_str(&arrival("elsewhere", "1").body).unwrap();
        let ours: serde_json::Value = serde_json::from_str(&arrival("inbox", "1").body).unwrap();
        both["Records"]
            .as_array_mut()
            .unwrap()
            .push(ours["Records"][0].clone());
        let mut message = arrival("inbox", "1");
        message.body = both.to_string();
        let verdict = charts.work(&message).await;
        assert_eq!(verdict, Verdict::Again(Fault::FOREIGN_BUCKET));
        assert_eq!(reasons(&results), ["coded", "foreign_bucket"]);
    }

    /// An inbox that counts how many bytes are fetched at once.
    #[derive(Default)]
    struct Counting {
        now: AtomicU64,
        most: Arc<AtomicU64>,
    }

    impl Inbox for Counting {
        async fn fetch(&self, chart: &ChartReference, _: u64) -> Result<Fetched, InboxError> {
            let now = self.now.fetch_add(chart.size, Ordering::Relaxed) + chart.size;
            self.most.fetch_max(now, Ordering::Relaxed);
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            self.now.fetch_sub(chart.size, Ordering::Relaxed);
            Ok(Fetched::Missing)
        }
    }

    #[tokio::test]
    async fn no_more_charts_are_fetched_at_once_than_there_is_room_for() {
        let inbox = Counting::default();
        let most = Arc::clone(&inbox.most);
        let results = Arc::new(MemoryResults::default());
        let engine = Engine::new(Dictionary::fy2026());
        let charts = Arc::new(Charts::new(inbox, results, "inbox", engine, 2));
        let mut working = tokio::task::JoinSet::new();
        for number in 0..40 {
            let charts = Arc::clone(&charts);
            let size = LARGEST_CHART.to_string();
            let mut message = arrival("inbox", &number.to_string());
            message.body = message
                .body
                .replace("\"size\":1", &format!("\"size\":{size}"));
            working.spawn(async move { charts.work(&message).await });
        }
        let verdicts = working.join_all().await;
        let is_rejected =
            |verdict: &Verdict| matches!(verdict, Verdict::Done(tally) if tally.rejected == 1);
        assert!(verdicts.iter().all(is_rejected));
        assert_eq!(most.load(Ordering::Relaxed), MOST_HELD as u64);
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

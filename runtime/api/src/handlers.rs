//! What each route answers.

use lightsout_protocol::{
    coding::{Outcome, OutcomeKey, Provenance},
    run::RunId,
};
use serde_json::{Map, Value, json};

use crate::{
    answer::{Answer, Problem},
    cursor::Cursor,
    request::Request,
    store::{Fault, Store, Summary},
};

/// Entries of a list where the request names no limit.
const USUAL_LIMIT: u32 = 50;

/// Most entries of a list at once.
const MOST: u32 = 200;

/// Why a handler has no answer.
#[derive(Debug)]
pub(crate) enum HandlerError {
    BadParameter {
        name: &'static str,
        wanted: &'static str,
    },
    Fault(Fault),
}

impl From<Fault> for HandlerError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

type Handled = Result<Answer, HandlerError>;

pub(crate) async fn runs(store: &impl Store, request: &Request) -> Handled {
    let after = match cursor(request)? {
        None => None,
        Some(Cursor::Runs { after }) => Some(after),
        Some(_) => return Err(BAD_CURSOR),
    };
    let page = store.runs(limit(request)?, after.as_ref()).await?;
    let next = page.next.map(|after| Cursor::Runs { after }.encode());
    Ok(Answer::ok(&json!({"runs": page.entries, "next": next})))
}

pub(crate) async fn run(store: &impl Store, run: &RunId) -> Handled {
    Ok(match store.run(run).await? {
        Some(record) => Answer::ok(&record),
        None => Answer::problem(Problem::NoSuchRun),
    })
}

pub(crate) async fn charts(store: &impl Store, run: &RunId, request: &Request) -> Handled {
    let limit = limit(request)?;
    let after = match cursor(request)? {
        None => None,
        Some(Cursor::Charts { run: of, after }) if of == *run => Some(after),
        Some(_) => return Err(BAD_CURSOR),
    };
    if store.run(run).await?.is_none() {
        return Ok(Answer::problem(Problem::NoSuchRun));
    }
    let page = store.outcomes_of_run(run, limit, after.as_ref()).await?;
    let charts: Vec<_> = page.entries.iter().map(summarised).collect();
    let next = page.next.map(|after| {
        let run = run.clone();
        Cursor::Charts { run, after }.encode()
    });
    Ok(Answer::ok(&json!({
        "run": run,
        "charts": charts,
        "next": next,
    })))
}

pub(crate) async fn rejected(store: &impl Store, run: &RunId, request: &Request) -> Handled {
    let limit = limit(request)?;
    let after = match cursor(request)? {
        None => None,
        Some(Cursor::Rejected { run: of, after }) if of == *run => Some(after),
        Some(_) => return Err(BAD_CURSOR),
    };
    if store.run(run).await?.is_none() {
        return Ok(Answer::problem(Problem::NoSuchRun));
    }
    let page = store.rejected_in_run(run, limit, after.as_ref()).await?;
    let rejected = page.entries.into_iter().map(|stored| {
        let mut entry = summarised(&stored.summary);
        if let Outcome::Rejected { reason, detail } = stored.outcome {
            entry.insert("reason".to_owned(), Value::from(reason));
            entry.insert("detail".to_owned(), Value::from(detail));
        }
        entry
    });
    let rejected: Vec<_> = rejected.collect();
    let next = page.next.map(|after| {
        let run = run.clone();
        Cursor::Rejected { run, after }.encode()
    });
    Ok(Answer::ok(&json!({
        "run": run,
        "rejected": rejected,
        "next": next,
    })))
}

pub(crate) async fn chart(store: &impl Store, chart: &str, request: &Request) -> Handled {
    let version = single(request, "version")?;
    let engine = single(request, "engine")?;
    let mut found = store.outcomes_of_chart(chart).await?;
    found.sort_by(|a, b| recency(a).cmp(&recency(b)));
    let is_wanted = |key: &OutcomeKey| {
        version.is_none_or(|version| version == key.version)
            && engine.is_none_or(|engine| engine == key.engine)
    };
    let Some(latest) = found.iter().rposition(|summary| is_wanted(&summary.key)) else {
        return Ok(Answer::problem(Problem::NoSuchChart));
    };
    let summary = found.remove(latest);
    let Some(outcome) = store.outcome(&summary).await? else {
        return Ok(Answer::problem(Problem::NoSuchChart));
    };
    let mut body = summarised(&summary);
    match outcome {
        Outcome::Coded {
            coding,
            format,
            provenance,
        } => {
            if let Some(format) = format {
                body.insert("format".to_owned(), Value::from(format));
            }
            if let Some(provenance) = provenance {
                let Provenance {
                    parts, left_out, ..
                } = &provenance;
                body.insert("parts".to_owned(), json!(parts));
                body.insert("left_out".to_owned(), json!(left_out));
                let narrative = json!({
                    "sha256": provenance.narrative_sha256,
                    "bytes": provenance.narrative_bytes,
                    "chart_sha256": provenance.chart_sha256,
                });
                body.insert("narrative".to_owned(), narrative);
            }
            body.insert("coding".to_owned(), coding)
        }
        Outcome::Rejected { reason, detail } => body.insert(
            "rejection".to_owned(),
            json!({"reason": reason, "detail": detail}),
        ),
    };
    let others: Vec<_> = found.iter().rev().map(summarised).collect();
    body.insert("others".to_owned(), Value::from(others));
    Ok(Answer::ok(&body))
}

const BAD_CURSOR: HandlerError = HandlerError::BadParameter {
    name: "cursor",
    wanted: "a `next` of this very list",
};

/// Orders outcomes by the run that stored them: object versions are opaque,
/// and a later run saw a later version. Within one run the order is merely
/// fixed.
fn recency(summary: &Summary) -> (Option<u64>, &RunId, &OutcomeKey) {
    (summary.run.epoch(), &summary.run, &summary.key)
}

fn summarised(summary: &Summary) -> Map<String, Value> {
    let Summary { key, run, status } = summary;
    let what = if key.is_of_message() {
        "message"
    } else {
        "chart"
    };
    let fields = [
        (what, key.chart.as_str()),
        ("version", &key.version),
        ("engine", &key.engine),
        ("run", run.as_str()),
        ("status", status),
    ];
    let text = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
    fields.into_iter().map(text).collect()
}

fn limit(request: &Request) -> Result<u32, HandlerError> {
    let Some(text) = single(request, "limit")? else {
        return Ok(USUAL_LIMIT);
    };
    match text.parse() {
        Ok(limit @ 1..=MOST) => Ok(limit),
        _ => Err(HandlerError::BadParameter {
            name: "limit",
            wanted: "a number from 1 to 200",
        }),
    }
}

fn cursor(request: &Request) -> Result<Option<Cursor>, HandlerError> {
    match single(request, "cursor")? {
        None => Ok(None),
        Some(text) => Cursor::decode(text).map(Some).ok_or(BAD_CURSOR),
    }
}

fn single<'a>(request: &'a Request, name: &'static str) -> Result<Option<&'a str>, HandlerError> {
    match request.query.get(name).map(Vec::as_slice) {
        None | Some([]) => Ok(None),
        Some([value]) => Ok(Some(value)),
        Some(_) => Err(HandlerError::BadParameter {
            name,
            wanted: "given once",
        }),
    }
}

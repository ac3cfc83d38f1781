//! What each operation answers.

use std::cmp::Reverse;

use lightsout_audit::{Access, BreakGlass, Ledger, Seen, Trail, TrailError};
use lightsout_phi::Phi;
use lightsout_protocol::{
    caller::{Caller, Role},
    coding::{Outcome, OutcomeKey, Provenance, Status},
    run::RunId,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    answer::{NEXT_CURSOR, Prepared, Problem, Still},
    bundle,
    cursor::Cursor,
    export::{Format, lines, written},
    log::Line,
    operation::{Fields, Operation},
    request::Request,
    store::{Direction, Fault, Order, Page, Store, Summary, Wanted},
};

/// Entries of a list where the request names no limit.
const USUAL_LIMIT: u32 = 50;

/// Most entries of a list at once.
pub(crate) const MOST: u32 = 200;

/// Most charts that are counted for one answer.
pub(crate) const MOST_COUNTED: u32 = 10_000;

/// Most charts of a list that is written as a whole: it has to be there within the 29 s that
/// API Gateway waits.
const MOST_EXPORTED: usize = 50_000;

/// How long an emergency lasts at most, in minutes.
pub(crate) const LONGEST_EMERGENCY: u64 = 60;

/// How long a reason has to be, in characters, and may be.
pub(crate) const REASON: std::ops::RangeInclusive<usize> = 10..=500;

/// Why a handler has no answer.
#[derive(Debug)]
pub(crate) enum HandlerError {
    BadParameter {
        name: &'static str,
        wanted: &'static str,
    },
    BadBody(&'static str),
    Fault(Fault),
    /// A page of a list could not be recorded.
    NotRecorded(TrailError),
}

impl From<Fault> for HandlerError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Who asks for what, and what may be shown.
pub(crate) struct Asked<'a, S, L> {
    pub(crate) store: &'a S,
    /// Where the pages of a large list are recorded.
    pub(crate) trail: &'a Trail<L>,
    /// What is recorded of the access so far.
    pub(crate) access: &'a Access,
    pub(crate) request: &'a Request,
    pub(crate) caller: &'a Caller,
    pub(crate) operation: Operation,
    /// What stands in the place of the path's parameter.
    pub(crate) subject: &'a str,
    pub(crate) fields: &'static [Fields],
}

type Handled = Result<Prepared, HandlerError>;

/// A list of charts that is asked for.
struct List<'a> {
    name: &'static str,
    run: RunId,
    format: Format,
    wanted: Wanted<'a>,
}

/// A part of a list, as rows that nobody has seen yet.
struct Rows {
    entries: Phi<Value>,
    seen: Vec<Seen>,
    next: Option<OutcomeKey>,
}

impl<S: Store, L: Ledger> Asked<'_, S, L> {
    pub(crate) async fn answer(&self) -> Handled {
        match self.operation {
            Operation::Runs => self.runs().await,
            Operation::Run => self.run().await,
            Operation::Charts => self.charts().await,
            Operation::Rejected => self.rejected().await,
            Operation::Counts => self.counts().await,
            Operation::Chart => self.chart().await,
            Operation::Redrive => self.redrive().await,
            Operation::BreakGlass => self.break_glass().await,
            Operation::OpenApi => Ok(Prepared::plain(&crate::openapi::document())),
            Operation::Docs => Ok(Prepared::of(
                Phi::new(crate::page::page()),
                "text/html; charset=utf-8",
                Vec::new(),
                &[],
            )),
        }
    }

    async fn runs(&self) -> Handled {
        let after = match self.cursor()? {
            None => None,
            Some(Cursor::Runs { after }) => Some(after),
            Some(_) => return Err(BAD_CURSOR),
        };
        let order = match self.single("order")? {
            None | Some("newest") => Order::Newest,
            Some("oldest") => Order::Oldest,
            Some(_) => {
                return Err(HandlerError::BadParameter {
                    name: "order",
                    wanted: "`newest` or `oldest`",
                });
            }
        };
        let state = self.single("state")?;
        let limit = self.limit(Format::Json)?.unwrap_or(USUAL_LIMIT);
        let page = self.store.runs(order, state, limit, after.as_ref()).await?;
        let next = page.next.map(|after| Cursor::Runs { after }.encode());
        Ok(Prepared::plain(
            &json!({"runs": page.entries, "next": next}),
        ))
    }

    async fn run(&self) -> Handled {
        let run = RunId::from_stored(self.subject);
        Ok(match self.store.run(&run).await? {
            Some(record) => Prepared::plain(&record),
            None => Prepared::problem(Problem::NoSuchRun),
        })
    }

    async fn charts(&self) -> Handled {
        let code = self.single("code")?;
        if code.is_some() && !self.shows(Fields::Codes) {
            return Ok(Prepared::problem(Problem::NotAllowed));
        }
        let status @ (None | Some("coded" | "rejected")) = self.single("status")? else {
            return Err(HandlerError::BadParameter {
                name: "status",
                wanted: "`coded` or `rejected`",
            });
        };
        let after = match self.cursor()? {
            None => None,
            Some(Cursor::Charts { run, after }) if run.as_str() == self.subject => Some(after),
            Some(_) => return Err(BAD_CURSOR),
        };
        self.list("charts", status, code, after).await
    }

    async fn rejected(&self) -> Handled {
        let after = match self.cursor()? {
            None => None,
            Some(Cursor::Rejected { run, after }) if run.as_str() == self.subject => Some(after),
            Some(_) => return Err(BAD_CURSOR),
        };
        self.list("rejected", None, None, after).await
    }

    /// Answers with a page of a list, or with all of it.
    async fn list(
        &self,
        name: &'static str,
        status: Option<&str>,
        code: Option<&str>,
        after: Option<OutcomeKey>,
    ) -> Handled {
        let prefix = self.caller.key_of("");
        let list = List {
            name,
            run: RunId::from_stored(self.subject),
            format: self.format()?,
            wanted: Wanted {
                prefix: &prefix,
                status,
                code,
                direction: self.direction()?,
            },
        };
        let limit = self.limit(list.format)?;
        if self.store.run(&list.run).await?.is_none() {
            return Ok(Prepared::problem(Problem::NoSuchRun));
        }
        let most = limit.unwrap_or(MOST);
        let page = self
            .page(&list, most, after.map(|key| self.key(key)))
            .await?;
        if limit.is_none() && page.next.is_some() {
            return self.whole(&list, page).await;
        }
        Ok(self.listed(&list, page))
    }

    async fn page(
        &self,
        list: &List<'_>,
        limit: u32,
        after: Option<OutcomeKey>,
    ) -> Result<Rows, HandlerError> {
        let (run, wanted, after) = (&list.run, list.wanted, after.as_ref());
        if self.operation == Operation::Rejected {
            // A message that announces no chart is no tenant's: who runs the system looks after
            // it.
            let messages = self.caller.role == Role::Operations;
            let page = self
                .store
                .rejected_in_run(run, wanted, messages, limit, after)
                .await?;
            return Ok(self.rows(page, |stored| {
                let reasons = stored.outcome.map(|outcome| match outcome {
                    Outcome::Rejected { reason, detail } => {
                        json!({"reason": reason, "detail": detail})
                    }
                    Outcome::Coded { .. } => json!({}),
                });
                (stored.summary, reasons)
            }));
        }
        let page = self
            .store
            .outcomes_of_run(run, wanted, limit, after)
            .await?;
        let shows_codes = self.shows(Fields::Codes);
        Ok(self.rows(page, |listed| {
            let codes = listed.codes.map(|codes| {
                if shows_codes {
                    json!({"codes": codes})
                } else {
                    json!({})
                }
            });
            (listed.summary, codes)
        }))
    }

    /// Writes the rows of a page: of each entry its summary, and what else is shown of it.
    fn rows<T>(
        &self,
        page: Page<T, OutcomeKey>,
        shown: impl Fn(T) -> (Summary, Phi<Value>),
    ) -> Rows {
        let mut seen = Vec::new();
        let mut rows = Phi::new(Value::Array(Vec::new()));
        for entry in page.entries {
            let (summary, more) = shown(entry);
            let Some(row) = self.summarised(&summary) else {
                continue;
            };
            if !summary.key.is_of_message() {
                seen.push(self.seen(&summary));
            }
            rows = rows.join(&more, |rows, more| {
                let mut row = row;
                row.extend(more.as_object().cloned().unwrap_or_default());
                push(rows, Value::Object(row));
            });
        }
        Rows {
            entries: rows,
            seen,
            next: page.next,
        }
    }

    /// Writes a list into an object, page by page: each is opened by a record of its own, and is
    /// let go of once it is written.
    async fn whole(&self, list: &List<'_>, first: Rows) -> Handled {
        let mut upload = self.store.begin(list.format.content_type())?;
        let (mut page, mut written, mut is_first) = (first, 0, true);
        let next = loop {
            let access = Access {
                status: 303,
                fields: self.fields.iter().map(|of| of.name().to_owned()).collect(),
                charts: page.seen,
                ..self.access.clone()
            };
            written += access.charts.len();
            let recorded = self.trail.record(&access).await;
            let receipt = recorded.map_err(HandlerError::NotRecorded)?;
            Line::of(&access, None, Some(&receipt)).write();
            let text = page
                .entries
                .map(|rows| lines(list.format, list.name, rows, is_first));
            self.store.add(&mut upload, text.release(&receipt)).await?;
            is_first = false;
            match page.next {
                Some(next) if written < MOST_EXPORTED => {
                    page = self.page(list, MOST, Some(next)).await?;
                }
                next => break next,
            }
        };
        let out = self.store.hand_out(upload, self.request.at).await?;
        Ok(Prepared::elsewhere(&out, self.next(list, next)))
    }

    async fn counts(&self) -> Handled {
        let run = RunId::from_stored(self.subject);
        let by_most = match self.single("order")? {
            None | Some("code") => false,
            Some("most") => true,
            Some(_) => {
                return Err(HandlerError::BadParameter {
                    name: "order",
                    wanted: "`code` or `most`",
                });
            }
        };
        let mut after = match self.cursor()? {
            None => None,
            Some(Cursor::Counts { run: of, after }) if of == run => Some(self.key(after)),
            Some(_) => return Err(BAD_CURSOR),
        };
        let prefix = self.caller.key_of("");
        let list = List {
            name: "counts",
            run,
            format: self.format()?,
            wanted: Wanted {
                prefix: &prefix,
                status: Some("coded"),
                ..Wanted::default()
            },
        };
        let Some(record) = self.store.run(&list.run).await? else {
            return Ok(Prepared::problem(Problem::NoSuchRun));
        };
        let mut counted = 0;
        let mut counts = Phi::new(Value::Object(Map::new()));
        loop {
            let page = self
                .store
                .outcomes_of_run(&list.run, list.wanted, MOST, after.as_ref())
                .await?;
            for listed in page.entries {
                counted += 1;
                let codes = listed.codes.map(|codes| json!(codes));
                counts = counts.join(&codes, count);
            }
            after = page.next;
            if after.is_none() || counted >= MOST_COUNTED {
                break;
            }
        }
        let day = day(record.started_at);
        let rows = counts.map(|counts| {
            let mut counts: Vec<_> = counts.as_object().into_iter().flatten().collect();
            if by_most {
                // The sort is stable: as many charts are in the order of their codes.
                counts.sort_by_key(|(_, charts)| Reverse(charts.as_u64()));
            }
            let rows = counts
                .into_iter()
                .map(|(code, charts)| json!({"day": day, "code": code, "charts": charts}));
            Value::Array(rows.collect())
        });
        let page = Rows {
            entries: rows,
            seen: Vec::new(),
            next: after,
        };
        Ok(self.listed(&list, page))
    }

    async fn chart(&self) -> Handled {
        let version = self.single("version")?;
        let engine = self.single("engine")?;
        let is_fhir = match self.single("format")? {
            Some("fhir") => true,
            None => self.request.headers.get("accept").is_some_and(|accept| {
                accept
                    .split(',')
                    .any(|kind| kind.trim().starts_with(bundle::CONTENT_TYPE))
            }),
            Some("json") => false,
            Some(_) => {
                return Err(HandlerError::BadParameter {
                    name: "format",
                    wanted: "`json` or `fhir`",
                });
            }
        };
        if is_fhir && !self.shows(Fields::Codes) {
            return Ok(Prepared::problem(Problem::NotAllowed));
        }
        let key = self.caller.key_of(self.subject);
        let mut found = self.store.outcomes_of_chart(&key).await?;
        found.sort_by(|a, b| recency(a).cmp(&recency(b)));
        let is_wanted = |key: &OutcomeKey| {
            version.is_none_or(|version| version == key.version)
                && engine.is_none_or(|engine| engine == key.engine)
        };
        let Some(latest) = found.iter().rposition(|summary| is_wanted(&summary.key)) else {
            return Ok(Prepared::problem(Problem::NoSuchChart));
        };
        let summary = found.remove(latest);
        let Some(outcome) = self.store.outcome(&summary).await? else {
            return Ok(Prepared::problem(Problem::NoSuchChart));
        };
        let Some(row) = self.summarised(&summary) else {
            return Ok(Prepared::problem(Problem::NoSuchChart));
        };
        let seen = vec![self.seen(&summary)];
        if is_fhir {
            let shows_evidence = self.shows(Fields::Evidence);
            let body = outcome
                .map(|outcome| bundle::bundle(self.subject, outcome, shows_evidence).to_string());
            let kind = format!("{}; charset=utf-8", bundle::CONTENT_TYPE);
            return Ok(Prepared::of(body, &kind, seen, self.fields));
        }
        let others: Vec<_> = found
            .iter()
            .rev()
            .filter_map(|other| self.summarised(other))
            .collect();
        let body = outcome.map(|outcome| {
            let mut body = row;
            self.show(outcome, &mut body);
            body.insert("others".to_owned(), json!(others));
            Value::Object(body).to_string()
        });
        Ok(Prepared::of(body, "application/json", seen, self.fields))
    }

    /// Has a chart that was rejected announced to the workers once more.
    async fn redrive(&self) -> Handled {
        let version = self.single("version")?;
        let key = self.caller.key_of(self.subject);
        let mut found = self.store.outcomes_of_chart(&key).await?;
        found.retain(|summary| version.is_none_or(|version| version == summary.key.version));
        let latest = found.into_iter().max_by(|a, b| recency(a).cmp(&recency(b)));
        let Some((summary, row)) = latest.and_then(|latest| {
            let row = self.summarised(&latest)?;
            Some((latest, row))
        }) else {
            return Ok(Prepared::problem(Problem::NoSuchChart));
        };
        if summary.status != Status::Rejected.name() {
            return Ok(Prepared::problem(Problem::NotRejected));
        }
        let body = Phi::new(Value::Object(row).to_string());
        let seen = vec![self.seen(&summary)];
        let mut answer = Prepared::of(body, "application/json", seen, self.fields);
        answer.status = 202;
        answer.still = Still::Redrive(summary.key);
        Ok(answer)
    }

    async fn break_glass(&self) -> Handled {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wish {
            reason: String,
            minutes: u64,
        }
        const WANTED: &str = "a JSON object with `reason`, 10 to 500 characters, and `minutes`, \
                              1 to 60";
        let wish: Wish =
            serde_json::from_str(&self.request.body).map_err(|_| HandlerError::BadBody(WANTED))?;
        let reason = wish.reason.trim();
        if !REASON.contains(&wish.reason.chars().count())
            || reason.chars().count() < *REASON.start()
            || !(1..=LONGEST_EMERGENCY).contains(&wish.minutes)
        {
            return Err(HandlerError::BadBody(WANTED));
        }
        let glass = BreakGlass {
            reason: reason.to_owned(),
            until: self.request.at + wish.minutes * 60_000,
        };
        self.store.break_glass(self.caller, &glass).await?;
        let until = glass.until / 1_000;
        let mut answer = Prepared::plain(&json!({"until": until}));
        answer.status = 201;
        Ok(answer)
    }

    /// Shows of an outcome what may be shown.
    fn show(&self, outcome: &Outcome, body: &mut Map<String, Value>) {
        match outcome {
            Outcome::Coded {
                coding,
                format,
                provenance,
            } => {
                if self.shows(Fields::Provenance) {
                    if let Some(format) = format {
                        body.insert("format".to_owned(), Value::from(format.as_str()));
                    }
                    if let Some(provenance) = provenance {
                        body.insert("narrative".to_owned(), narrative(provenance));
                        body.insert("left_out".to_owned(), json!(provenance.left_out));
                    }
                }
                if self.shows(Fields::Evidence)
                    && let Some(provenance) = provenance
                {
                    body.insert("parts".to_owned(), json!(provenance.parts));
                }
                if self.shows(Fields::Codes) {
                    let coding = if self.shows(Fields::Evidence) {
                        coding.clone()
                    } else {
                        without_evidence(coding)
                    };
                    body.insert("coding".to_owned(), coding);
                }
            }
            Outcome::Rejected { reason, detail } => {
                if self.shows(Fields::Rejection) {
                    let rejection = json!({"reason": reason, "detail": detail});
                    body.insert("rejection".to_owned(), rejection);
                }
            }
        }
    }

    fn shows(&self, fields: Fields) -> bool {
        self.fields.contains(&fields)
    }

    /// Says what is known without reading an outcome; none where it is another tenant's.
    fn summarised(&self, summary: &Summary) -> Option<Map<String, Value>> {
        let Summary { key, run, status } = summary;
        let (what, id) = if key.is_of_message() {
            ("message", key.chart.as_str())
        } else {
            ("chart", self.caller.own(&key.chart)?)
        };
        let fields = [
            (what, id),
            ("version", &key.version),
            ("engine", &key.engine),
            ("run", run.as_str()),
            ("status", status),
        ];
        let text = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
        Some(fields.into_iter().map(text).collect())
    }

    fn seen(&self, summary: &Summary) -> Seen {
        let chart = self.caller.own(&summary.key.chart).unwrap_or_default();
        Seen {
            chart: chart.to_owned(),
            version: summary.key.version.clone(),
        }
    }

    /// A cursor holds a chart as its tenant knows it: it leads nobody to another's.
    fn key(&self, after: OutcomeKey) -> OutcomeKey {
        if after.is_of_message() {
            return after;
        }
        OutcomeKey {
            chart: self.caller.key_of(&after.chart),
            ..after
        }
    }

    fn unkeyed(&self, after: OutcomeKey) -> Option<OutcomeKey> {
        if after.is_of_message() {
            return Some(after);
        }
        let chart = self.caller.own(&after.chart)?.to_owned();
        Some(OutcomeKey { chart, ..after })
    }

    fn listed(&self, list: &List<'_>, page: Rows) -> Prepared {
        let next = self.next(list, page.next);
        let body = page
            .entries
            .map(|rows| written(list.format, list.name, &list.run, rows, next.as_deref()));
        let mut answer = Prepared::of(body, list.format.content_type(), page.seen, self.fields);
        if let (Some(next), true) = (next, list.format != Format::Json) {
            answer.headers.push((NEXT_CURSOR, next));
        }
        answer
    }

    /// Returns the cursor of what follows.
    fn next(&self, list: &List<'_>, after: Option<OutcomeKey>) -> Option<String> {
        let after = self.unkeyed(after?)?;
        let run = list.run.clone();
        let cursor = match self.operation {
            Operation::Rejected => Cursor::Rejected { run, after },
            Operation::Counts => Cursor::Counts { run, after },
            _ => Cursor::Charts { run, after },
        };
        Some(cursor.encode())
    }

    /// How many entries are wanted; none where it is all of them.
    fn limit(&self, format: Format) -> Result<Option<u32>, HandlerError> {
        let Some(text) = self.single("limit")? else {
            return Ok(Some(USUAL_LIMIT));
        };
        match text.parse() {
            Ok(limit @ 1..=MOST) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Some(limit))
            }
            _ if text == "all" && format != Format::Json => Ok(None),
            _ => Err(HandlerError::BadParameter {
                name: "limit",
                wanted: "a number from 1 to 200, or `all` for a list as CSV or JSON lines",
            }),
        }
    }

    fn direction(&self) -> Result<Direction, HandlerError> {
        match self.single("order")? {
            None | Some("ascending") => Ok(Direction::Ascending),
            Some("descending") => Ok(Direction::Descending),
            Some(_) => Err(HandlerError::BadParameter {
                name: "order",
                wanted: "`ascending` or `descending`",
            }),
        }
    }

    fn format(&self) -> Result<Format, HandlerError> {
        match self.single("format")? {
            None | Some("json") => Ok(Format::Json),
            Some("csv") => Ok(Format::Csv),
            Some("jsonl") => Ok(Format::Lines),
            Some(_) => Err(HandlerError::BadParameter {
                name: "format",
                wanted: "`json`, `csv` or `jsonl`",
            }),
        }
    }

    fn cursor(&self) -> Result<Option<Cursor>, HandlerError> {
        match self.single("cursor")? {
            None => Ok(None),
            Some(text) => Cursor::decode(text).map(Some).ok_or(BAD_CURSOR),
        }
    }

    fn single(&self, name: &'static str) -> Result<Option<&str>, HandlerError> {
        single(self.request, name)
    }
}

const BAD_CURSOR: HandlerError = HandlerError::BadParameter {
    name: "cursor",
    wanted: "a `next` of this very list",
};

/// Returns the one value of a parameter.
pub(crate) fn single<'a>(
    request: &'a Request,
    name: &'static str,
) -> Result<Option<&'a str>, HandlerError> {
    match request.query.get(name).map(Vec::as_slice) {
        None | Some([]) => Ok(None),
        // What is stored has no empty name, and tables take none.
        Some([value]) if !value.is_empty() => Ok(Some(value)),
        Some(_) => Err(HandlerError::BadParameter {
            name,
            wanted: "given once, and not empty",
        }),
    }
}

/// Orders outcomes by the run that stored them: object versions are opaque,
/// and a later run saw a later version. Within one run the order is merely
/// fixed.
fn recency(summary: &Summary) -> (Option<u64>, &RunId, &OutcomeKey) {
    (summary.run.epoch(), &summary.run, &summary.key)
}

fn narrative(provenance: &Provenance) -> Value {
    json!({
        "sha256": provenance.narrative_sha256,
        "bytes": provenance.narrative_bytes,
        "chart_sha256": provenance.chart_sha256,
    })
}

/// The codes without a word of the chart, and without a place in it.
fn without_evidence(coding: &Value) -> Value {
    const SHOWN: [&str; 5] = ["code", "title", "rule", "score", "advice"];
    let only = |from: &Value, names: &[&str]| -> Map<String, Value> {
        names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), from.get(name)?.clone())))
            .collect()
    };
    let mut shown = only(coding, &["edition", "setting"]);
    let codes = coding["codes"].as_array().into_iter().flatten();
    let codes = codes.map(|code| Value::Object(only(code, &SHOWN)));
    shown.insert("codes".to_owned(), Value::Array(codes.collect()));
    Value::Object(shown)
}

fn push(rows: &mut Value, row: Value) {
    if let Value::Array(rows) = rows {
        rows.push(row);
    }
}

fn count(counts: &mut Value, codes: &Value) {
    let Value::Object(counts) = counts else {
        return;
    };
    for code in codes
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let charts = counts.get(code).and_then(Value::as_u64).unwrap_or_default();
        counts.insert(code.to_owned(), Value::from(charts + 1));
    }
}

/// Returns the day of a time in UTC, such as `2026-11-29`: the civil calendar of days since
/// 1970 ([Hinnant](https://howardhinnant.github.io/date_algorithms.html#civil_from_days)).
fn day(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_calendar() {
        for (seconds, wanted) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_767_225_599, "2025-12-31"),
            (1_796_000_000, "2026-11-30"),
        ] {
            assert_eq!(day(seconds), wanted);
        }
    }
}

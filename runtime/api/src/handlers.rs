//! What each operation answers.

use std::cmp::Reverse;

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use lightsout_audit::{Access, BreakGlass, Ledger, Seen, Trail, TrailError};
use lightsout_phi::Phi;
use lightsout_protocol::{
    caller::{Caller, Role, SKEW},
    coding::{Outcome, OutcomeKey, Provenance, Status},
    run::{RunId, UnixSeconds},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    answer::{NEXT_CURSOR, Prepared, Problem, Still},
    bundle,
    cursor::Cursor,
    export::{Format, lines, written},
    log::Line,
    operation::{Fields, Operation},
    request::Request,
    store::{Direction, Done, Fault, Listed, Order, Page, RunRecord, Store, Summary, Wanted},
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

/// Most runs that are read for one answer.
const MOST_RUNS: u32 = 50;

/// How long an emergency lasts at most, in minutes.
pub(crate) const LONGEST_EMERGENCY: u64 = 60;

/// How long a reason has to be, in characters, and may be.
pub(crate) const REASON: std::ops::RangeInclusive<usize> = 10..=500;

/// How long the subject of a token is, in characters.
pub(crate) const SUBJECT: std::ops::RangeInclusive<usize> = 1..=128;

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
    of: Of,
    format: Format,
    wanted: Wanted<'a>,
}

/// Whose charts are listed.
enum Of {
    /// Those of one run.
    Run(RunId),
    /// Those of every run that began on some days.
    Days(Days),
}

/// Days, and in which order their runs are gone through.
#[derive(Clone, Copy)]
struct Days {
    from: UnixSeconds,
    until: UnixSeconds,
    order: Order,
}

/// What runs stored, with the run of each, and where to go on.
struct Stored {
    entries: Vec<(RunRecord, Listed)>,
    next: Option<Place>,
}

/// A place among what many runs stored.
struct Place {
    run: RunId,
    /// Behind this outcome of the run; none where the run is done with.
    after: Option<OutcomeKey>,
}

/// A part of a list, as rows that nobody has seen yet.
struct Rows {
    entries: Phi<Value>,
    seen: Vec<Seen>,
    next: Option<Cursor>,
}

impl<S: Store, L: Ledger> Asked<'_, S, L> {
    pub(crate) async fn answer(&self) -> Handled {
        match self.operation {
            Operation::Runs => self.runs().await,
            Operation::Run => self.run().await,
            Operation::Charts => self.charts(Of::Run(self.run_asked())).await,
            Operation::Found => self.charts(Of::Days(self.days()?)).await,
            Operation::Rejected => self.rejected().await,
            Operation::Counts => self.counts(Of::Run(self.run_asked())).await,
            Operation::Totals => self.counts(Of::Days(self.days()?)).await,
            Operation::Chart => self.chart().await,
            Operation::Redrive => self.redrive().await,
            Operation::BreakGlass => self.break_glass(),
            Operation::Revoke => self.revoke(),
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
        let order = self.order()?;
        let state = self.single("state")?;
        let limit = self.limit(Format::Json)?.unwrap_or(USUAL_LIMIT);
        let page = self.store.runs(order, state, limit, after.as_ref()).await?;
        let next = page.next.map(|after| Cursor::Runs { after }.encode());
        Ok(Prepared::plain(
            &json!({"runs": page.entries, "next": next}),
        ))
    }

    async fn run(&self) -> Handled {
        let run = self.run_asked();
        let Some(record) = self.store.run(&run).await? else {
            return Ok(Prepared::problem(Problem::NoSuchRun));
        };
        let done = self
            .store
            .done_in_run(&run, &self.caller.key_of(""))
            .await?;
        Ok(Prepared::plain(&Progress { record, done }))
    }

    async fn charts(&self, of: Of) -> Handled {
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
        // The order of days is that of their runs.
        let direction = match of {
            Of::Run(_) => self.direction()?,
            Of::Days(_) => Direction::Ascending,
        };
        let prefix = self.caller.key_of("");
        let wanted = Wanted {
            prefix: &prefix,
            status,
            code,
            direction,
        };
        self.list("charts", of, wanted).await
    }

    async fn rejected(&self) -> Handled {
        let prefix = self.caller.key_of("");
        let wanted = Wanted {
            prefix: &prefix,
            direction: self.direction()?,
            ..Wanted::default()
        };
        self.list("rejected", Of::Run(self.run_asked()), wanted)
            .await
    }

    /// Answers with a page of a list, or with all of it.
    async fn list(&self, name: &'static str, of: Of, wanted: Wanted<'_>) -> Handled {
        let list = List {
            name,
            of,
            format: self.format()?,
            wanted,
        };
        let limit = self.limit(list.format)?;
        let cursor = self.cursor()?;
        if let Of::Run(run) = &list.of
            && self.store.run(run).await?.is_none()
        {
            return Ok(Prepared::problem(Problem::NoSuchRun));
        }
        let page = self.page(&list, limit.unwrap_or(MOST), cursor).await?;
        if limit.is_none() && page.next.is_some() {
            return self.whole(&list, page).await;
        }
        Ok(self.listed(&list, page))
    }

    async fn page(
        &self,
        list: &List<'_>,
        limit: u32,
        cursor: Option<Cursor>,
    ) -> Result<Rows, HandlerError> {
        let wanted = list.wanted;
        let run = match &list.of {
            Of::Run(run) => run,
            Of::Days(days) => {
                let stored = self
                    .stored_on(*days, wanted, limit, self.place(cursor)?)
                    .await?;
                let next = stored.next.map(|place| self.cursor_at(place));
                let entries = stored.entries.into_iter().map(|(_, listed)| listed);
                return Ok(self.rows(entries, next, |listed| self.with_codes(listed)));
            }
        };
        let after = self.after(run, cursor)?;
        let after = after.as_ref();
        if self.operation == Operation::Rejected {
            // A message that announces no chart is no tenant's: who runs the system looks after
            // it.
            let messages = self.caller.role == Role::Operations;
            let page = self
                .store
                .rejected_in_run(run, wanted, messages, limit, after)
                .await?;
            let next = page.next.and_then(|key| self.cursor_behind(run, key));
            return Ok(self.rows(page.entries, next, |stored| {
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
        let next = page.next.and_then(|key| self.cursor_behind(run, key));
        Ok(self.rows(page.entries, next, |listed| self.with_codes(listed)))
    }

    /// Shows of a listed chart its codes, where they may be shown.
    fn with_codes(&self, listed: Listed) -> (Summary, Phi<Value>) {
        let shows_codes = self.shows(Fields::Codes);
        let codes = listed.codes.map(|codes| {
            if shows_codes {
                json!({"codes": codes})
            } else {
                json!({})
            }
        });
        (listed.summary, codes)
    }

    /// Reads what the runs of some days stored, one run after the other: at most `limit` charts
    /// of a bounded number of runs, so that there may be fewer, and yet more behind them.
    async fn stored_on(
        &self,
        days: Days,
        wanted: Wanted<'_>,
        limit: u32,
        from: Option<Place>,
    ) -> Result<Stored, HandlerError> {
        let mut entries: Vec<(RunRecord, Listed)> = Vec::new();
        let runs = self.store.runs(
            days.order,
            None,
            MOST_RUNS,
            from.as_ref().map(|place| &place.run),
        );
        let Page {
            entries: runs,
            next,
        } = runs.await?;
        let begun = match from {
            Some(Place {
                run,
                after: Some(after),
            }) => {
                let record = self.store.run(&run).await?;
                record.map(|record| (record, Some(self.key(after))))
            }
            _ => None,
        };
        let runs = runs.into_iter().map(|record| (record, None));
        for (record, after) in begun.into_iter().chain(runs) {
            match days.holds(&record) {
                Among::Yes => {}
                Among::NotYet => continue,
                Among::NoMore => {
                    return Ok(Stored {
                        entries,
                        next: None,
                    });
                }
            }
            let run = record.run.clone();
            // A run that begins where the page is full is left to the next one.
            let rest = limit.saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
            let page = self
                .store
                .outcomes_of_run(&run, wanted, rest.max(1), after.as_ref())
                .await?;
            let listed = page
                .entries
                .into_iter()
                .map(|listed| (record.clone(), listed));
            entries.extend(listed);
            let is_full = entries.len() >= limit as usize;
            if is_full || page.next.is_some() {
                let after = page.next.and_then(|key| self.unkeyed(key));
                let next = Some(Place { run, after });
                return Ok(Stored { entries, next });
            }
        }
        let next = next.map(|run| Place { run, after: None });
        Ok(Stored { entries, next })
    }

    /// Writes the rows of a page: of each entry its summary, and what else is shown of it.
    fn rows<T>(
        &self,
        entries: impl IntoIterator<Item = T>,
        next: Option<Cursor>,
        shown: impl Fn(T) -> (Summary, Phi<Value>),
    ) -> Rows {
        let mut seen = Vec::new();
        let mut rows = Phi::new(Value::Array(Vec::new()));
        for entry in entries {
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
            next,
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
        Ok(Prepared::elsewhere(&out, next.map(|next| next.encode())))
    }

    async fn counts(&self, of: Of) -> Handled {
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
        let prefix = self.caller.key_of("");
        let list = List {
            name: "counts",
            of,
            format: self.format()?,
            wanted: Wanted {
                prefix: &prefix,
                status: Some(Status::Coded.name()),
                ..Wanted::default()
            },
        };
        let cursor = self.cursor()?;
        let (stored, next) = match &list.of {
            Of::Run(run) => {
                let Some(record) = self.store.run(run).await? else {
                    return Ok(Prepared::problem(Problem::NoSuchRun));
                };
                let after = self.after(run, cursor)?;
                let page = self
                    .store
                    .outcomes_of_run(run, list.wanted, MOST_COUNTED, after.as_ref())
                    .await?;
                let next = page.next.and_then(|key| self.cursor_behind(run, key));
                let listed = page.entries.into_iter();
                (
                    listed.map(|listed| (record.clone(), listed)).collect(),
                    next,
                )
            }
            Of::Days(days) => {
                let from = self.place(cursor)?;
                let stored = self
                    .stored_on(*days, list.wanted, MOST_COUNTED, from)
                    .await?;
                let next = stored.next.map(|place| self.cursor_at(place));
                (stored.entries, next)
            }
        };
        let mut counts = Phi::new(Value::Object(Map::new()));
        for (record, listed) in stored {
            let day = day(record.started_at);
            let codes = listed.codes.map(|codes| json!(codes));
            counts = counts.join(&codes, |counts, codes| count(&mut counts[&day], codes));
        }
        let rows = counts.map(|days| {
            let mut rows = Vec::new();
            for (day, counts) in days.as_object().into_iter().flatten() {
                for (code, charts) in counts.as_object().into_iter().flatten() {
                    rows.push(json!({"day": day, "code": code, "charts": charts}));
                }
            }
            if by_most {
                // The sort is stable: as many charts are in the order of days and codes.
                rows.sort_by_key(|row| Reverse(row["charts"].as_u64()));
            }
            Value::Array(rows)
        });
        let page = Rows {
            entries: rows,
            seen: Vec::new(),
            next,
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

    fn break_glass(&self) -> Handled {
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
        let mut answer = Prepared::plain(&json!({"until": glass.until / 1_000}));
        answer.status = 201;
        answer.still = Still::BreakGlass(glass);
        Ok(answer)
    }

    /// Has a person of the caller's tenant sign in again: what they hold lets them in no more.
    fn revoke(&self) -> Handled {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wish {
            who: String,
        }
        const WANTED: &str = "a JSON object with `who`, the subject of the person's tokens, 1 to \
                              128 characters";
        let wish: Wish =
            serde_json::from_str(&self.request.body).map_err(|_| HandlerError::BadBody(WANTED))?;
        if !SUBJECT.contains(&wish.who.chars().count()) {
            return Err(HandlerError::BadBody(WANTED));
        }
        // The provider's clock may be ahead: what it has issued is dated no later than this.
        let until = self.request.at / 1_000 + SKEW;
        let mut answer = Prepared::plain(&json!({"until": until}));
        answer.status = 201;
        answer.still = Still::Revoke(wish.who, until);
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
                        if let Some(sha256) = &provenance.program_sha256 {
                            body.insert("program_sha256".to_owned(), Value::from(sha256.as_str()));
                        }
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
        let next = page.next.map(|next| next.encode());
        let run = match &list.of {
            Of::Run(run) => Some(run),
            Of::Days(_) => None,
        };
        let body = page
            .entries
            .map(|rows| written(list.format, list.name, run, rows, next.as_deref()));
        let mut answer = Prepared::of(body, list.format.content_type(), page.seen, self.fields);
        if let (Some(next), true) = (next, list.format != Format::Json) {
            answer.headers.push((NEXT_CURSOR, next));
        }
        answer
    }

    /// Returns the cursor of what follows an outcome of a run.
    fn cursor_behind(&self, run: &RunId, after: OutcomeKey) -> Option<Cursor> {
        let after = self.unkeyed(after)?;
        let run = run.clone();
        Some(match self.operation {
            Operation::Rejected => Cursor::Rejected { run, after },
            Operation::Counts => Cursor::Counts { run, after },
            _ => Cursor::Charts { run, after },
        })
    }

    /// Reads a cursor of the list of a run.
    fn after(
        &self,
        of: &RunId,
        cursor: Option<Cursor>,
    ) -> Result<Option<OutcomeKey>, HandlerError> {
        let (run, after) = match (self.operation, cursor) {
            (_, None) => return Ok(None),
            (Operation::Rejected, Some(Cursor::Rejected { run, after }))
            | (Operation::Counts, Some(Cursor::Counts { run, after }))
            | (Operation::Charts, Some(Cursor::Charts { run, after })) => (run, after),
            _ => return Err(BAD_CURSOR),
        };
        if run == *of {
            Ok(Some(self.key(after)))
        } else {
            Err(BAD_CURSOR)
        }
    }

    /// Returns the cursor of a place among many runs.
    fn cursor_at(&self, Place { run, after }: Place) -> Cursor {
        match self.operation {
            Operation::Totals => Cursor::Totals { run, after },
            _ => Cursor::Found { run, after },
        }
    }

    /// Reads a cursor of a list of many runs.
    fn place(&self, cursor: Option<Cursor>) -> Result<Option<Place>, HandlerError> {
        match (self.operation, cursor) {
            (_, None) => Ok(None),
            (Operation::Totals, Some(Cursor::Totals { run, after }))
            | (Operation::Found, Some(Cursor::Found { run, after })) => {
                Ok(Some(Place { run, after }))
            }
            _ => Err(BAD_CURSOR),
        }
    }

    fn run_asked(&self) -> RunId {
        RunId::from_stored(self.subject)
    }

    fn order(&self) -> Result<Order, HandlerError> {
        match self.single("order")? {
            None | Some("newest") => Ok(Order::Newest),
            Some("oldest") => Ok(Order::Oldest),
            Some(_) => Err(HandlerError::BadParameter {
                name: "order",
                wanted: "`newest` or `oldest`",
            }),
        }
    }

    /// Reads which days are asked for; of a count the order is that of its rows.
    fn days(&self) -> Result<Days, HandlerError> {
        let order = match self.operation {
            Operation::Totals => Order::Newest,
            _ => self.order()?,
        };
        Ok(Days {
            from: self.first_second("from")?.unwrap_or(0),
            until: self.first_second("until")?.unwrap_or(UnixSeconds::MAX),
            order,
        })
    }

    /// Reads a parameter that is a day in UTC, and returns when it begins.
    fn first_second(&self, name: &'static str) -> Result<Option<UnixSeconds>, HandlerError> {
        let Some(text) = self.single(name)? else {
            return Ok(None);
        };
        let begins = DateTime::from_str(&format!("{text}T00:00:00Z"), DateTimeFormat::DateTime);
        let seconds = begins
            .ok()
            .and_then(|begins| u64::try_from(begins.secs()).ok());
        // Only what is written as days are, and so has ten characters.
        match seconds.filter(|_| text.len() == 10) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(HandlerError::BadParameter {
                name,
                wanted: "a day from 1970 on, such as `2026-11-29`",
            }),
        }
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

/// Adds a chart's codes to those of a day.
fn count(of_day: &mut Value, codes: &Value) {
    let codes = codes.as_array().into_iter().flatten();
    for code in codes.filter_map(Value::as_str) {
        let charts = of_day[code].as_u64().unwrap_or_default();
        of_day[code] = Value::from(charts + 1);
    }
}

/// Returns the day of a time in UTC, such as `2026-11-29`.
fn day(seconds: UnixSeconds) -> String {
    let time = DateTime::from_secs(i64::try_from(seconds).unwrap_or_default());
    let written = time.fmt(DateTimeFormat::DateTime).unwrap_or_default();
    written.chars().take_while(|c| *c != 'T').collect()
}

/// Whether a run is among those of some days, in the order in which they are gone through.
enum Among {
    Yes,
    NotYet,
    NoMore,
}

impl Days {
    fn holds(&self, record: &RunRecord) -> Among {
        let is_early = record.started_at < self.from;
        let is_late = record.started_at >= self.until;
        match (is_early, is_late, self.order) {
            (false, false, _) => Among::Yes,
            (true, _, Order::Newest) | (_, true, Order::Oldest) => Among::NoMore,
            _ => Among::NotYet,
        }
    }
}

/// A run, with how far it is.
#[derive(Serialize)]
struct Progress {
    #[serde(flatten)]
    record: RunRecord,
    #[serde(flatten)]
    done: Done,
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

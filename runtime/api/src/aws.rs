//! The control table, the results table and the results bucket.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    types::AttributeValue,
};
use lightsout_audit::BreakGlass;
use lightsout_aws::SdkConfig;
use lightsout_contract::Live;
use lightsout_phi::Phi;
use lightsout_protocol::{
    audit,
    caller::Caller,
    coding::{Outcome, OutcomeKey, attribute},
    control::{ITEM, PART, RUNS},
    environment::ApiEnvironment,
    run::RunId,
};

use sha2::{Digest, Sha256};

use crate::store::{
    Fault, Listed, Order, Outcomes, Page, RunRecord, Store, StoredOutcome, Summary, Wanted,
};

/// How often a list is read on where what was read is not what is wanted.
const MOST_READS: u32 = 50;

/// The pipeline's tables and bucket.
pub struct Aws {
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    environment: ApiEnvironment<Live>,
}

impl Aws {
    /// Makes the clients that `environment` wants.
    pub fn new(config: &SdkConfig, environment: ApiEnvironment<Live>) -> Self {
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(lightsout_aws::has_own_endpoint(config))
            .build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            environment,
        }
    }

    async fn large_outcome(&self, key: &str) -> Result<Phi<Vec<u8>>, Fault> {
        let what = "a large outcome";
        let object = self
            .s3
            .get_object()
            .bucket(self.environment.large_results.address())
            .key(key)
            .send()
            .await
            .map_err(|error| fault(what, &error))?;
        let body = object.body.collect().await.map_err(|_| Fault {
            what,
            code: "cut_short".to_owned(),
        })?;
        Ok(Phi::new(body.to_vec()))
    }
}

impl Store for Aws {
    async fn runs(
        &self,
        order: Order,
        state: Option<&str>,
        limit: u32,
        after: Option<&RunId>,
    ) -> Result<Page<RunRecord, RunId>, Fault> {
        let what = "the runs";
        let mut start = after.map(|run| {
            Item::from([
                (PART.to_owned(), text(RUNS)),
                (ITEM.to_owned(), text(run.as_str())),
            ])
        });
        let mut entries = Vec::new();
        for _ in 0..MOST_READS {
            let mut call = self
                .dynamodb
                .query()
                .table_name(self.environment.control.address())
                .key_condition_expression("#part = :runs")
                .expression_attribute_names("#part", PART)
                .expression_attribute_values(":runs", text(RUNS))
                .scan_index_forward(order == Order::Oldest)
                .limit(rest(limit, entries.len()))
                .set_exclusive_start_key(start);
            if let Some(state) = state {
                call = call
                    .filter_expression("#state = :state")
                    .expression_attribute_names("#state", "state")
                    .expression_attribute_values(":state", text(state));
            }
            let answer = call.send().await.map_err(|error| fault(what, &error))?;
            for item in answer.items() {
                entries.push(read_run(item)?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() || entries.len() >= limit as usize {
                break;
            }
        }
        let next = match &start {
            None => None,
            Some(key) => Some(RunId::from_stored(attribute(key, ITEM, what)?)),
        };
        Ok(Page { entries, next })
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunRecord>, Fault> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(self.environment.control.address())
            .key(PART, text(RUNS))
            .key(ITEM, text(run.as_str()))
            .send()
            .await
            .map_err(|error| fault("a run", &error))?;
        answer.item.as_ref().map(read_run).transpose()
    }

    async fn outcomes_of_run(
        &self,
        run: &RunId,
        wanted: Wanted<'_>,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Outcomes, Fault> {
        let what = "the charts of a run";
        let mut start = after.map(|key| {
            Item::from([
                (attribute::RUN.to_owned(), text(run.as_str())),
                (attribute::CHART.to_owned(), text(&key.chart)),
                (attribute::CODING.to_owned(), text(&key.sort())),
            ])
        });
        let mut entries = Vec::new();
        for _ in 0..MOST_READS {
            let mut call = self
                .dynamodb
                .query()
                .table_name(self.environment.results.address())
                .index_name(attribute::BY_RUN)
                .key_condition_expression("#run = :run AND begins_with(#chart, :prefix)")
                .projection_expression("#chart, #coding, #run, #status, #codes")
                .expression_attribute_names("#run", attribute::RUN)
                .expression_attribute_names("#chart", attribute::CHART)
                .expression_attribute_names("#coding", attribute::CODING)
                .expression_attribute_names("#status", attribute::STATUS)
                .expression_attribute_names("#codes", attribute::CODES)
                .expression_attribute_values(":run", text(run.as_str()))
                .expression_attribute_values(":prefix", text(wanted.prefix))
                .limit(rest(limit, entries.len()))
                .set_exclusive_start_key(start);
            let mut filters = Vec::new();
            if let Some(status) = wanted.status {
                filters.push("#status = :status");
                call = call.expression_attribute_values(":status", text(status));
            }
            if let Some(code) = wanted.code {
                filters.push("contains(#codes, :code)");
                call = call.expression_attribute_values(":code", text(code));
            }
            if !filters.is_empty() {
                call = call.filter_expression(filters.join(" AND "));
            }
            let answer = call.send().await.map_err(|error| fault(what, &error))?;
            for item in answer.items() {
                entries.push(Listed {
                    summary: read_summary(item, what)?,
                    codes: read_codes(item, what)?,
                });
            }
            start = answer.last_evaluated_key;
            if start.is_none() || entries.len() >= limit as usize {
                break;
            }
        }
        let next = match &start {
            None => None,
            Some(key) => Some(read_key(key, what)?),
        };
        Ok(Page { entries, next })
    }

    async fn rejected_in_run(
        &self,
        run: &RunId,
        prefix: &str,
        messages: bool,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault> {
        let what = "what a run rejected";
        let mut start = after.map(|key| {
            Item::from([
                (attribute::REJECTED_IN.to_owned(), text(run.as_str())),
                (attribute::CHART.to_owned(), text(&key.chart)),
                (attribute::CODING.to_owned(), text(&key.sort())),
            ])
        });
        let mut entries = Vec::new();
        for _ in 0..MOST_READS {
            let call = self
                .dynamodb
                .query()
                .table_name(self.environment.results.address())
                .index_name(attribute::BY_REJECTION)
                .projection_expression("#chart, #coding, #run, #status, #outcome, #sha256")
                .expression_attribute_names("#run", attribute::RUN)
                .expression_attribute_names("#chart", attribute::CHART)
                .expression_attribute_names("#coding", attribute::CODING)
                .expression_attribute_names("#status", attribute::STATUS)
                .expression_attribute_names("#outcome", attribute::OUTCOME)
                .expression_attribute_names("#sha256", attribute::OUTCOME_SHA256)
                .expression_attribute_names("#rejected_in", attribute::REJECTED_IN)
                .expression_attribute_values(":run", text(run.as_str()))
                .limit(rest(limit, entries.len()))
                .set_exclusive_start_key(start);
            // Ids of messages are in no order with charts: both are read, and ours are taken.
            let call = if messages {
                call.key_condition_expression("#rejected_in = :run")
            } else {
                call.key_condition_expression(
                    "#rejected_in = :run AND begins_with(#chart, :prefix)",
                )
                .expression_attribute_values(":prefix", text(prefix))
            };
            let answer = call.send().await.map_err(|error| fault(what, &error))?;
            for item in answer.items() {
                let summary = read_summary(item, what)?;
                if !summary.key.is_of_message() && !summary.key.chart.starts_with(prefix) {
                    continue;
                }
                // A rejection is always short enough to stand in its item.
                let json = Phi::new(attribute(item, attribute::OUTCOME, what)?.into_bytes());
                entries.push(StoredOutcome {
                    summary,
                    outcome: read_outcome(item, &json, what)?,
                });
            }
            start = answer.last_evaluated_key;
            if start.is_none() || entries.len() >= limit as usize {
                break;
            }
        }
        let next = match &start {
            None => None,
            Some(key) => Some(read_key(key, what)?),
        };
        Ok(Page { entries, next })
    }

    async fn outcomes_of_chart(&self, chart: &str) -> Result<Vec<Summary>, Fault> {
        let what = "the outcomes of a chart";
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let answer = self
                .dynamodb
                .query()
                .table_name(self.environment.results.address())
                .key_condition_expression("#chart = :chart")
                .projection_expression("#chart, #coding, #run, #status")
                .expression_attribute_names("#run", attribute::RUN)
                .expression_attribute_names("#chart", attribute::CHART)
                .expression_attribute_names("#coding", attribute::CODING)
                .expression_attribute_names("#status", attribute::STATUS)
                .expression_attribute_values(":chart", text(chart))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| fault(what, &error))?;
            for item in answer.items() {
                found.push(read_summary(item, what)?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    async fn outcome(&self, summary: &Summary) -> Result<Option<Phi<Outcome>>, Fault> {
        let what = "an outcome";
        let answer = self
            .dynamodb
            .get_item()
            .table_name(self.environment.results.address())
            .key(attribute::CHART, text(&summary.key.chart))
            .key(attribute::CODING, text(&summary.key.sort()))
            .send()
            .await
            .map_err(|error| fault(what, &error))?;
        let Some(item) = answer.item else {
            return Ok(None);
        };
        let json = match item.get(attribute::OBJECT) {
            Some(_) => {
                let key = attribute(&item, attribute::OBJECT, what)?;
                self.large_outcome(&key).await?
            }
            None => Phi::new(attribute(&item, attribute::OUTCOME, what)?.into_bytes()),
        };
        read_outcome(&item, &json, what).map(Some)
    }

    async fn break_glass(&self, caller: &Caller, glass: &BreakGlass) -> Result<(), Fault> {
        let number = audit::attribute::number(glass.until);
        self.dynamodb
            .put_item()
            .table_name(self.environment.audit.address())
            .item(audit::attribute::STREAM, text(&glass_of(caller)))
            .item(audit::attribute::NUMBER, text(&number))
            .item(audit::attribute::REASON, text(&glass.reason))
            .send()
            .await
            .map_err(|error| fault("an emergency", &error))?;
        Ok(())
    }

    async fn broken_glass(&self, caller: &Caller) -> Result<Option<BreakGlass>, Fault> {
        let what = "an emergency";
        let answer = self
            .dynamodb
            .query()
            .table_name(self.environment.audit.address())
            .consistent_read(true)
            .key_condition_expression("#stream = :glass")
            .expression_attribute_names("#stream", audit::attribute::STREAM)
            .expression_attribute_values(":glass", text(&glass_of(caller)))
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|error| fault(what, &error))?;
        let Some(item) = answer.items().first() else {
            return Ok(None);
        };
        let until = attribute(item, audit::attribute::NUMBER, what)?;
        Ok(Some(BreakGlass {
            reason: attribute(item, audit::attribute::REASON, what)?,
            until: until.parse().map_err(|_| malformed(what))?,
        }))
    }
}

type Item = HashMap<String, AttributeValue>;

fn read_run(item: &Item) -> Result<RunRecord, Fault> {
    let what = "a run";
    let number = |name: &str| match item.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_n()
            .ok()
            .and_then(|number| number.parse::<u64>().ok())
            .map(Some)
            .ok_or_else(|| malformed(what)),
    };
    Ok(RunRecord {
        run: RunId::from_stored(attribute(item, ITEM, what)?),
        state: attribute(item, "state", what)?,
        started_at: number("started_at")?.unwrap_or_default(),
        ended_at: number("ended_at")?,
        backlog: number("backlog")?.unwrap_or_default(),
        workers: number("workers")?,
        reason: item
            .contains_key("reason")
            .then(|| attribute(item, "reason", what))
            .transpose()?,
    })
}

fn read_summary(item: &Item, what: &'static str) -> Result<Summary, Fault> {
    Ok(Summary {
        key: read_key(item, what)?,
        run: RunId::from_stored(attribute(item, attribute::RUN, what)?),
        status: attribute(item, attribute::STATUS, what)?,
    })
}

fn read_codes(item: &Item, what: &'static str) -> Result<Phi<Vec<String>>, Fault> {
    let codes = match item.get(attribute::CODES) {
        None => Vec::new(),
        Some(AttributeValue::L(codes)) => codes
            .iter()
            .map(|code| code.as_s().cloned().map_err(|_| malformed(what)))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(malformed(what)),
    };
    Ok(Phi::new(codes))
}

/// Reads an outcome, and sees that it is the one that was stored.
fn read_outcome(
    item: &Item,
    json: &Phi<Vec<u8>>,
    what: &'static str,
) -> Result<Phi<Outcome>, Fault> {
    if item.contains_key(attribute::OUTCOME_SHA256) {
        let stored = attribute(item, attribute::OUTCOME_SHA256, what)?;
        if !json.is(|json| format!("{:x}", Sha256::digest(json)) == stored) {
            return Err(Fault {
                what,
                code: "altered".to_owned(),
            });
        }
    }
    json.try_map(|json| serde_json::from_slice(json).map_err(|_| malformed(what)))
}

fn glass_of(caller: &Caller) -> String {
    audit::attribute::glass(&caller.tenant, &caller.who)
}

/// How many entries of a list are wanted still.
fn rest(limit: u32, read: usize) -> i32 {
    let read = u32::try_from(read).unwrap_or(u32::MAX);
    i32::try_from(limit.saturating_sub(read).max(1)).unwrap_or(i32::MAX)
}

fn read_key(item: &Item, what: &'static str) -> Result<OutcomeKey, Fault> {
    let chart = attribute(item, attribute::CHART, what)?;
    let sort = attribute(item, attribute::CODING, what)?;
    OutcomeKey::from_sort(chart, &sort).ok_or_else(|| malformed(what))
}

fn attribute(item: &Item, name: &str, what: &'static str) -> Result<String, Fault> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Ok(text.clone()),
        _ => Err(malformed(what)),
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn malformed(what: &'static str) -> Fault {
    Fault {
        what,
        code: "malformed".to_owned(),
    }
}

/// Keeps the service's code, or how the connection failed; never a message,
/// which may quote what was asked for.
fn fault<E: ProvideErrorMetadata, R>(what: &'static str, error: &SdkError<E, R>) -> Fault {
    Fault {
        what,
        code: code(error).to_owned(),
    }
}

/// Returns the service's code, or how the connection failed.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown"),
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "no_connection",
        SdkError::ResponseError(_) => "unreadable_answer",
        _ => "not_sent",
    }
}

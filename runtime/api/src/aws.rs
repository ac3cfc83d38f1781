//! The control table, the results table and the results bucket.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::query::builders::QueryFluentBuilder,
    types::AttributeValue,
};
use futures_util::future::try_join_all;
use lightsout_audit::BreakGlass;
use lightsout_aws::SdkConfig;
use lightsout_contract::Live;
use lightsout_phi::Phi;
use lightsout_protocol::{
    audit,
    caller::Caller,
    coding::{Outcome, OutcomeKey, Status, attribute},
    control::{ITEM, PART, RUNS},
    environment::ApiEnvironment,
    run::RunId,
    shard::RunShard,
};
use sha2::{Digest, Sha256};

use crate::{
    merge::{Beginning, merged},
    store::{
        Fault, Listed, Order, Outcomes, Page, RunRecord, Store, StoredOutcome, Summary, Wanted,
    },
};

/// How often a list, or a shard of one, is read on where what was read is not what is wanted.
const MOST_READS: u32 = 20;

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

    /// Lists an index by run: its shards are asked together, and merged by chart.
    async fn list(
        &self,
        list: &List<'_>,
        run: &RunId,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<(OutcomeKey, Item), OutcomeKey>, Fault> {
        let shards = RunShard::all(run).map(|shard| self.shard(list, run, shard, limit, after));
        let shards = try_join_all(shards).await?;
        Ok(merged(shards, limit as usize, |(key, _)| key))
    }

    /// Reads the beginning of what one shard holds behind `after`: `limit` entries, all, or what
    /// a bounded number of reads finds.
    async fn shard(
        &self,
        list: &List<'_>,
        run: &RunId,
        shard: RunShard,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Beginning<(OutcomeKey, Item)>, Fault> {
        // All outcomes of one chart are in its own shard, which goes on behind the very
        // outcome; the others go on behind the chart.
        let (mut start, behind) = match after {
            None => (None, None),
            Some(after) if RunShard::of(run, &after.chart) == shard => {
                let key = Item::from([
                    (list.partition.to_owned(), text(shard.as_str())),
                    (attribute::CHART.to_owned(), text(&after.chart)),
                    (attribute::CODING.to_owned(), text(&after.sort())),
                ]);
                (Some(key), None)
            }
            Some(after) => (None, Some(after.chart.as_str())),
        };
        let mut entries = Vec::new();
        for _ in 0..MOST_READS {
            let query = self
                .dynamodb
                .query()
                .table_name(self.environment.results.address())
                .index_name(list.index)
                .expression_attribute_names("#shard", list.partition)
                .expression_attribute_values(":shard", text(shard.as_str()))
                .set_exclusive_start_key(start);
            let query = list.among(query, behind);
            let query = match list.filter() {
                None => query.limit(rest(limit, entries.len())),
                // A limit would count what is filtered out: a megabyte is read at a time.
                Some(filter) => query.filter_expression(filter),
            };
            let answer = query
                .send()
                .await
                .map_err(|error| fault(list.what, &error))?;
            for item in answer.items.unwrap_or_default() {
                let key = read_key(&item, list.what)?;
                if list.wants(&key) {
                    entries.push((key, item));
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() || entries.len() >= limit as usize {
                break;
            }
        }
        if entries.len() > limit as usize {
            entries.truncate(limit as usize);
            let reached = entries.last().map(|(key, _)| key.clone());
            return Ok(Beginning { entries, reached });
        }
        let reached = start.as_ref().map(|key| read_key(key, list.what));
        Ok(Beginning {
            entries,
            reached: reached.transpose()?,
        })
    }
}

/// An index by run that is listed, and what of it is wanted.
struct List<'a> {
    what: &'static str,
    index: &'static str,
    partition: &'static str,
    wanted: Wanted<'a>,
    /// Whether refused messages are wanted too; their ids are in no order with charts.
    messages: bool,
}

impl List<'_> {
    /// Says which keys of a shard are read, from behind a chart of another shard on, and what the
    /// filter compares with.
    fn among(&self, query: QueryFluentBuilder, behind: Option<&str>) -> QueryFluentBuilder {
        let prefix =
            (!self.messages && !self.wanted.prefix.is_empty()).then_some(self.wanted.prefix);
        let condition = match (prefix, behind) {
            (None, None) => "#shard = :shard",
            (None, Some(_)) => "#shard = :shard AND #chart > :behind",
            (Some(_), None) => "#shard = :shard AND begins_with(#chart, :prefix)",
            // One condition on a sort key is all that a query has; what begins with the prefix
            // ends where it is followed by the last of all characters.
            (Some(_), Some(_)) => "#shard = :shard AND #chart BETWEEN :behind AND :last",
        };
        let mut query = query.key_condition_expression(condition);
        if prefix.is_some() || behind.is_some() {
            query = query.expression_attribute_names("#chart", attribute::CHART);
        }
        if let Some(prefix) = prefix {
            query = if behind.is_some() {
                let last = format!("{prefix}{}", char::MAX);
                query.expression_attribute_values(":last", text(&last))
            } else {
                query.expression_attribute_values(":prefix", text(prefix))
            };
        }
        if let Some(behind) = behind {
            query = query.expression_attribute_values(":behind", text(behind));
        }
        if let Some(status) = self.wanted.status {
            query = query
                .expression_attribute_names("#status", attribute::STATUS)
                .expression_attribute_values(":status", text(status));
        }
        if let Some(code) = self.wanted.code {
            query = query
                .expression_attribute_names("#codes", attribute::CODES)
                .expression_attribute_values(":code", text(code));
        }
        query
    }

    fn filter(&self) -> Option<&'static str> {
        match (self.wanted.status, self.wanted.code) {
            (None, None) => None,
            (Some(_), None) => Some("#status = :status"),
            (None, Some(_)) => Some("contains(#codes, :code)"),
            (Some(_), Some(_)) => Some("#status = :status AND contains(#codes, :code)"),
        }
    }

    fn wants(&self, key: &OutcomeKey) -> bool {
        if key.is_of_message() {
            self.messages
        } else {
            key.chart.starts_with(self.wanted.prefix)
        }
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
        let list = List {
            what: "the charts of a run",
            index: attribute::BY_RUN,
            partition: attribute::RUN_SHARD,
            wanted,
            messages: false,
        };
        let page = self.list(&list, run, limit, after).await?;
        page.map(|(key, item)| {
            Ok(Listed {
                summary: Summary {
                    key,
                    run: run.clone(),
                    status: attribute(&item, attribute::STATUS, list.what)?,
                },
                codes: read_codes(&item, list.what)?,
            })
        })
    }

    async fn rejected_in_run(
        &self,
        run: &RunId,
        prefix: &str,
        messages: bool,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault> {
        let list = List {
            what: "what a run rejected",
            index: attribute::BY_REJECTION,
            partition: attribute::REJECTED_SHARD,
            wanted: Wanted {
                prefix,
                ..Wanted::default()
            },
            messages,
        };
        let page = self.list(&list, run, limit, after).await?;
        page.map(|(key, item)| {
            // A rejection is always short enough to stand in its item.
            let json = Phi::new(attribute(&item, attribute::OUTCOME, list.what)?.into_bytes());
            Ok(StoredOutcome {
                summary: Summary {
                    key,
                    run: run.clone(),
                    status: Status::Rejected.name().to_owned(),
                },
                outcome: read_outcome(&item, &json, list.what)?,
            })
        })
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::*;

    #[test]
    fn rows_of_every_version_are_read() {
        let key = OutcomeKey {
            chart: "ward 7/1.txt".to_owned(),
            version: "v1".to_owned(),
            engine: "nlp-0.1.0+fy2026".to_owned(),
        };
        for (form, status) in [("outcome", "coded"), ("rejection", "rejected")] {
            for version in [1, 2] {
                let row = fixture(&format!("{form}-row-{version}"));
                let wanted = Summary {
                    key: key.clone(),
                    run: RunId::new(7, 1_800_000_000),
                    status: status.to_owned(),
                };
                assert_eq!(read_summary(&row, "a row"), Ok(wanted), "{form} {version}");
                let json = attribute(&row, attribute::OUTCOME, "a row").unwrap();
                let outcome: Outcome = serde_json::from_str(&json).unwrap();
                assert_eq!(outcome.status().name(), status);
            }
        }
    }

    /// Reads a row that is written in DynamoDB's JSON.
    fn fixture(name: &str) -> Item {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/fixtures");
        let json = fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
        let row: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&json).unwrap();
        row.into_iter()
            .map(|(name, value)| (name, text(&value["S"])))
            .collect()
    }
}

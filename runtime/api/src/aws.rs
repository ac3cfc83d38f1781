//! The control table, the results table and the results bucket.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    types::AttributeValue,
};
use futures_util::future::try_join_all;
use lightsout_aws::SdkConfig;
use lightsout_contract::Live;
use lightsout_protocol::{
    coding::{Outcome, OutcomeKey, Status, attribute},
    control::{ITEM, PART, RUNS},
    environment::ApiEnvironment,
    run::RunId,
    shard::RunShard,
};

use crate::{
    merge::{Beginning, merged},
    store::{Fault, Outcomes, Page, RunRecord, Store, StoredOutcome, Summary},
};

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

    async fn large_outcome(&self, key: &str) -> Result<Vec<u8>, Fault> {
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
        Ok(body.to_vec())
    }

    /// Lists an index by run: its shards are asked together, and merged by chart.
    async fn list(
        &self,
        list: &List,
        run: &RunId,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<(OutcomeKey, Item), OutcomeKey>, Fault> {
        let shards = RunShard::all(run).map(|shard| self.shard(list, run, shard, limit, after));
        let shards = try_join_all(shards).await?;
        Ok(merged(shards, limit as usize, |(key, _)| key))
    }

    /// Reads the beginning of what one shard holds behind `after`: `limit` entries, or all.
    async fn shard(
        &self,
        list: &List,
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
        let condition = match behind {
            None => "#shard = :shard",
            Some(_) => "#shard = :shard AND #chart > :chart",
        };
        let mut entries = Vec::new();
        loop {
            let wanted = limit - u32::try_from(entries.len()).unwrap_or(limit);
            let query = self
                .dynamodb
                .query()
                .table_name(self.environment.results.address())
                .index_name(list.index)
                .key_condition_expression(condition)
                .expression_attribute_names("#shard", list.partition)
                .expression_attribute_values(":shard", text(shard.as_str()))
                .limit(i32::try_from(wanted).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start);
            let query = match behind {
                None => query,
                Some(chart) => query
                    .expression_attribute_names("#chart", attribute::CHART)
                    .expression_attribute_values(":chart", text(chart)),
            };
            let answer = query
                .send()
                .await
                .map_err(|error| fault(list.what, &error))?;
            for item in answer.items.unwrap_or_default() {
                entries.push((read_key(&item, list.what)?, item));
            }
            start = answer.last_evaluated_key;
            let goes_on = start.is_some();
            // A megabyte is as much as one answer holds.
            if !goes_on || entries.len() >= limit as usize {
                return Ok(Beginning { entries, goes_on });
            }
        }
    }
}

/// An index by run that is listed.
struct List {
    what: &'static str,
    index: &'static str,
    partition: &'static str,
}

impl Store for Aws {
    async fn runs(
        &self,
        limit: u32,
        after: Option<&RunId>,
    ) -> Result<Page<RunRecord, RunId>, Fault> {
        let what = "the runs";
        let start = after.map(|run| {
            Item::from([
                (PART.to_owned(), text(RUNS)),
                (ITEM.to_owned(), text(run.as_str())),
            ])
        });
        let answer = self
            .dynamodb
            .query()
            .table_name(self.environment.control.address())
            .key_condition_expression("#part = :runs")
            .expression_attribute_names("#part", PART)
            .expression_attribute_values(":runs", text(RUNS))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| fault(what, &error))?;
        let next = match &answer.last_evaluated_key {
            None => None,
            Some(key) => Some(RunId::from_stored(attribute(key, ITEM, what)?)),
        };
        let entries = answer
            .items()
            .iter()
            .map(read_run)
            .collect::<Result<_, _>>()?;
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
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Outcomes, Fault> {
        let list = List {
            what: "the charts of a run",
            index: attribute::BY_RUN,
            partition: attribute::RUN_SHARD,
        };
        let page = self.list(&list, run, limit, after).await?;
        let summary = |(key, item): (OutcomeKey, Item)| {
            Ok(Summary {
                key,
                run: run.clone(),
                status: attribute(&item, attribute::STATUS, list.what)?,
            })
        };
        page.map(summary)
    }

    async fn rejected_in_run(
        &self,
        run: &RunId,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault> {
        let list = List {
            what: "what a run rejected",
            index: attribute::BY_REJECTION,
            partition: attribute::REJECTED_SHARD,
        };
        let page = self.list(&list, run, limit, after).await?;
        let stored = |(key, item): (OutcomeKey, Item)| {
            // A rejection is always short enough to stand in its item.
            let json = attribute(&item, attribute::OUTCOME, list.what)?;
            let summary = Summary {
                key,
                run: run.clone(),
                status: Status::Rejected.name().to_owned(),
            };
            Ok(StoredOutcome {
                summary,
                outcome: serde_json::from_str(&json).map_err(|_| malformed(list.what))?,
            })
        };
        page.map(stored)
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

    async fn outcome(&self, summary: &Summary) -> Result<Option<Outcome>, Fault> {
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
            None => attribute(&item, attribute::OUTCOME, what)?.into_bytes(),
        };
        serde_json::from_slice(&json)
            .map(Some)
            .map_err(|_| malformed(what))
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
    let code = match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown"),
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "no_connection",
        SdkError::ResponseError(_) => "unreadable_answer",
        _ => "not_sent",
    };
    Fault {
        what,
        code: code.to_owned(),
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

//! The control table, the results table and the results bucket.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    types::AttributeValue,
};
use lightsout_aws::SdkConfig;
use lightsout_contract::Live;
use lightsout_protocol::{
    coding::{Outcome, OutcomeKey, attribute},
    control::{ITEM, PART, RUNS},
    environment::ApiEnvironment,
    run::RunId,
};

use crate::store::{Fault, Outcomes, Page, RunRecord, Store, StoredOutcome, Summary};

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
        let what = "the charts of a run";
        let start = after.map(|key| {
            Item::from([
                (attribute::RUN.to_owned(), text(run.as_str())),
                (attribute::CHART.to_owned(), text(&key.chart)),
                (attribute::CODING.to_owned(), text(&key.sort())),
            ])
        });
        let answer = self
            .dynamodb
            .query()
            .table_name(self.environment.results.address())
            .index_name(attribute::BY_RUN)
            .key_condition_expression("#run = :run")
            .projection_expression("#chart, #coding, #run, #status")
            .expression_attribute_names("#run", attribute::RUN)
            .expression_attribute_names("#chart", attribute::CHART)
            .expression_attribute_names("#coding", attribute::CODING)
            .expression_attribute_names("#status", attribute::STATUS)
            .expression_attribute_values(":run", text(run.as_str()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| fault(what, &error))?;
        let next = match &answer.last_evaluated_key {
            None => None,
            Some(key) => Some(read_key(key, what)?),
        };
        let read = |item| read_summary(item, what);
        let entries = answer.items().iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { entries, next })
    }

    async fn rejected_in_run(
        &self,
        run: &RunId,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault> {
        let what = "what a run rejected";
        let start = after.map(|key| {
            Item::from([
                (attribute::REJECTED_IN.to_owned(), text(run.as_str())),
                (attribute::CHART.to_owned(), text(&key.chart)),
                (attribute::CODING.to_owned(), text(&key.sort())),
            ])
        });
        let answer = self
            .dynamodb
            .query()
            .table_name(self.environment.results.address())
            .index_name(attribute::BY_REJECTION)
            .key_condition_expression("#rejected_in = :run")
            .projection_expression("#chart, #coding, #run, #status, #outcome")
            .expression_attribute_names("#run", attribute::RUN)
            .expression_attribute_names("#chart", attribute::CHART)
            .expression_attribute_names("#coding", attribute::CODING)
            .expression_attribute_names("#status", attribute::STATUS)
            .expression_attribute_names("#outcome", attribute::OUTCOME)
            .expression_attribute_names("#rejected_in", attribute::REJECTED_IN)
            .expression_attribute_values(":run", text(run.as_str()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| fault(what, &error))?;
        let next = match &answer.last_evaluated_key {
            None => None,
            Some(key) => Some(read_key(key, what)?),
        };
        let read = |item| {
            // A rejection is always short enough to stand in its item.
            let json = attribute(item, attribute::OUTCOME, what)?;
            Ok(StoredOutcome {
                summary: read_summary(item, what)?,
                outcome: serde_json::from_str(&json).map_err(|_| malformed(what))?,
            })
        };
        let entries = answer
            .items()
            .iter()
            .map(read)
            .collect::<Result<_, Fault>>()?;
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

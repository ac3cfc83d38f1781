//! The control table, the results table and the results bucket.

use std::{collections::HashMap, mem, time::Duration};

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        query::builders::QueryFluentBuilder,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure, Select},
};
use aws_sdk_s3::{
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use futures_util::future::try_join_all;
use lightsout_audit::BreakGlass;
use lightsout_aws::SdkConfig;
use lightsout_contract::Live;
use lightsout_phi::Phi;
use lightsout_protocol::{
    audit,
    caller::{self, Caller, LONGEST_LIFE},
    chart::ChartReference,
    coding::{Outcome, OutcomeKey, Status, attribute},
    control::{self, ITEM, RUNS},
    environment::ApiEnvironment,
    run::{RunId, UnixSeconds},
    shard::RunShard,
};
use sha2::{Digest, Sha256};

use crate::{
    ledger::name,
    merge::{Beginning, merged},
    pace::Pace,
    store::{
        Closed, Direction, Done, Fault, HandedOut, Listed, Order, Outcomes, Page, RunRecord, Store,
        StoredOutcome, Summary, Wanted,
    },
};

/// How often a list, or a shard of one, is read on where what was read is not what is wanted.
const MOST_READS: u32 = 20;

/// How long the address of an object opens it.
const HANDED_OUT: Duration = Duration::from_mins(5);

/// How much of an object is sent at once; S3 wants
/// [5 MiB](https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html) at least.
const PART: usize = 8 << 20;

/// The pipeline's tables, buckets and queue.
pub struct Aws {
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    pace: Pace,
    environment: ApiEnvironment<Live>,
}

impl Aws {
    /// Makes the clients that `environment` wants.
    pub fn new(config: &SdkConfig, environment: ApiEnvironment<Live>) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            s3: s3(config),
            sqs: aws_sdk_sqs::Client::new(config),
            pace: Pace {
                rate: environment.caller_rate.value(),
                burst: environment.caller_burst.value(),
            },
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
        let direction = list.wanted.direction;
        Ok(merged(shards, limit as usize, direction, |(key, _)| key))
    }

    /// Counts one shard of a run: what is left in by the filter was rejected, and all else coded.
    async fn done_in_shard(&self, shard: RunShard, prefix: &str) -> Result<Done, Fault> {
        let (mut looked_at, mut rejected) = (0, 0);
        let mut start = None;
        loop {
            let answer = self
                .dynamodb
                .query()
                .table_name(self.environment.results.address())
                .index_name(attribute::BY_RUN)
                .select(Select::Count)
                .key_condition_expression("#shard = :shard AND begins_with(#chart, :prefix)")
                .filter_expression("#status = :rejected")
                .expression_attribute_names("#shard", attribute::RUN_SHARD)
                .expression_attribute_names("#chart", attribute::CHART)
                .expression_attribute_names("#status", attribute::STATUS)
                .expression_attribute_values(":shard", text(shard.as_str()))
                .expression_attribute_values(":prefix", text(prefix))
                .expression_attribute_values(":rejected", text(Status::Rejected.name()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| fault("the progress of a run", &error))?;
            rejected += u64::try_from(answer.count).unwrap_or_default();
            looked_at += u64::try_from(answer.scanned_count).unwrap_or_default();
            start = answer.last_evaluated_key;
            if start.is_none() {
                let coded = looked_at.saturating_sub(rejected);
                return Ok(Done { coded, rejected });
            }
        }
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
                .scan_index_forward(list.wanted.direction == Direction::Ascending)
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
        let direction = self.wanted.direction;
        let condition = match (prefix, behind, direction) {
            (None, None, _) => "#shard = :shard",
            (None, Some(_), Direction::Ascending) => "#shard = :shard AND #chart > :behind",
            (None, Some(_), Direction::Descending) => "#shard = :shard AND #chart < :behind",
            (Some(_), None, _) => "#shard = :shard AND begins_with(#chart, :prefix)",
            // One condition on a sort key is all that a query has; what begins with the prefix
            // ends where it is followed by the last of all characters.
            (Some(_), Some(_), Direction::Ascending) => {
                "#shard = :shard AND #chart BETWEEN :behind AND :last"
            }
            (Some(_), Some(_), Direction::Descending) => {
                "#shard = :shard AND #chart BETWEEN :prefix AND :behind"
            }
        };
        let mut query = query.key_condition_expression(condition);
        if prefix.is_some() || behind.is_some() {
            query = query.expression_attribute_names("#chart", attribute::CHART);
        }
        if let Some(prefix) = prefix {
            query = if behind.is_some() && direction == Direction::Ascending {
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

/// An object that is being written; what is less than a part is still here.
pub struct Upload {
    key: String,
    content_type: String,
    id: Option<String>,
    parts: Vec<CompletedPart>,
    rest: Vec<u8>,
}

impl Aws {
    /// Sends what there is of an object as its next part.
    async fn send_part(&self, upload: &mut Upload) -> Result<(), Fault> {
        let bucket = self.environment.exports.address();
        let id = if let Some(id) = &upload.id {
            id.clone()
        } else {
            let begun = self
                .s3
                .create_multipart_upload()
                .bucket(bucket)
                .key(&upload.key)
                .content_type(&upload.content_type)
                .content_disposition(ATTACHMENT)
                .cache_control(NOT_KEPT)
                .send()
                .await
                .map_err(|error| fault(AN_EXPORT, &error))?;
            let id = begun.upload_id().ok_or_else(|| malformed(AN_EXPORT))?;
            upload.id.insert(id.to_owned()).clone()
        };
        let number = i32::try_from(upload.parts.len() + 1).unwrap_or(i32::MAX);
        let sent = self
            .s3
            .upload_part()
            .bucket(bucket)
            .key(&upload.key)
            .upload_id(id)
            .part_number(number)
            .body(ByteStream::from(mem::take(&mut upload.rest)))
            .send()
            .await
            .map_err(|error| fault(AN_EXPORT, &error))?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32);
        upload.parts.push(part.build());
        Ok(())
    }

    /// Sends what is left of an object, which is then whole.
    async fn end(&self, mut upload: Upload) -> Result<String, Fault> {
        let bucket = self.environment.exports.address();
        if upload.id.is_none() {
            self.s3
                .put_object()
                .bucket(bucket)
                .key(&upload.key)
                .content_type(&upload.content_type)
                .content_disposition(ATTACHMENT)
                .cache_control(NOT_KEPT)
                .body(ByteStream::from(mem::take(&mut upload.rest)))
                .send()
                .await
                .map_err(|error| fault(AN_EXPORT, &error))?;
            return Ok(upload.key);
        }
        if !upload.rest.is_empty() {
            self.send_part(&mut upload).await?;
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(upload.parts));
        self.s3
            .complete_multipart_upload()
            .bucket(bucket)
            .key(&upload.key)
            .set_upload_id(upload.id)
            .multipart_upload(parts.build())
            .send()
            .await
            .map_err(|error| fault(AN_EXPORT, &error))?;
        Ok(upload.key)
    }

    /// Begins to set something of a caller, whose item is needed until a while after `at`, in
    /// seconds since 1970.
    fn set_of(
        &self,
        tenant: &str,
        who: &str,
        set: &str,
        at: UnixSeconds,
    ) -> UpdateItemFluentBuilder {
        // What is said of a token is to outlive it; and so each write moves the end further away.
        let expires = at + LONGEST_LIFE + 60;
        self.dynamodb
            .update_item()
            .table_name(self.environment.callers.address())
            .key(caller::attribute::CALLER, text(&format!("{tenant}/{who}")))
            .update_expression(format!("SET {set}, #expires = :expires"))
            .expression_attribute_names("#expires", caller::attribute::EXPIRES)
            .expression_attribute_values(":expires", number(expires))
    }

    /// Sets when a caller's allowance is whole again, if `condition` holds of when it was, and the
    /// token is not revoked; otherwise returns what is known of the caller.
    async fn set_allowance(
        &self,
        caller: &Caller,
        (set, condition): (&str, &str),
        values: [(&str, u64); 2],
        at: UnixSeconds,
    ) -> Result<Result<(), Item>, Fault> {
        let what = "a caller's allowance";
        let mut call = self
            .set_of(
                &caller.tenant,
                &caller.who,
                &format!("#whole_at = {set}"),
                at,
            )
            .condition_expression(format!(
                "({condition}) AND \
                 (attribute_not_exists(#revoked_at) OR #revoked_at < :issued_at)"
            ))
            .expression_attribute_names("#whole_at", caller::attribute::WHOLE_AT)
            .expression_attribute_names("#revoked_at", caller::attribute::REVOKED_AT)
            .expression_attribute_values(":issued_at", number(caller.issued_at))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in values {
            call = call.expression_attribute_values(name, number(value));
        }
        match call.send().await {
            Ok(_) => Ok(Ok(())),
            Err(SdkError::ServiceError(error)) => match error.err() {
                UpdateItemError::ConditionalCheckFailedException(failed) => {
                    Ok(Err(failed.item.clone().unwrap_or_default()))
                }
                _ => Err(fault(what, &SdkError::ServiceError(error))),
            },
            Err(error) => Err(fault(what, &error)),
        }
    }
}

const AN_EXPORT: &str = "an export";
const ATTACHMENT: &str = "attachment";
const NOT_KEPT: &str = "no-store";

impl Store for Aws {
    type Upload = Upload;

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
                (control::PART.to_owned(), text(RUNS)),
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
                .expression_attribute_names("#part", control::PART)
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
            .key(control::PART, text(RUNS))
            .key(ITEM, text(run.as_str()))
            .send()
            .await
            .map_err(|error| fault("a run", &error))?;
        answer.item.as_ref().map(read_run).transpose()
    }

    async fn done_in_run(&self, run: &RunId, prefix: &str) -> Result<Done, Fault> {
        let shards = RunShard::all(run).map(|shard| self.done_in_shard(shard, prefix));
        let shards = try_join_all(shards).await?;
        Ok(shards.into_iter().fold(Done::default(), |sum, of| Done {
            coded: sum.coded + of.coded,
            rejected: sum.rejected + of.rejected,
        }))
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
        wanted: Wanted<'_>,
        messages: bool,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault> {
        let list = List {
            what: "what a run rejected",
            index: attribute::BY_REJECTION,
            partition: attribute::REJECTED_SHARD,
            wanted,
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

    async fn take(&self, caller: &Caller, at: u64) -> Result<Result<(), Closed>, Fault> {
        let (interval, latest) = (self.pace.interval(), self.pace.latest(at));
        let seconds = latest / 1_000;
        // Whoever asks now and then is through with one write.
        let fresh = (
            ":next",
            "attribute_not_exists(#whole_at) OR #whole_at <= :now",
        );
        let values = [(":next", at + interval), (":now", at)];
        let Err(known) = self.set_allowance(caller, fresh, values, seconds).await? else {
            return Ok(Ok(()));
        };
        let number_of = |name: &str| known.get(name)?.as_n().ok()?.parse::<u64>().ok();
        let revoked_at = number_of(caller::attribute::REVOKED_AT);
        if revoked_at.is_some_and(|revoked_at| caller.issued_at <= revoked_at) {
            return Ok(Err(Closed::Revoked));
        }
        let whole_at = number_of(caller::attribute::WHOLE_AT);
        if let Some(Err(wait)) = whole_at.map(|whole_at| self.pace.take(whole_at, at)) {
            return Ok(Err(Closed::Wait(wait)));
        }
        let further = ("#whole_at + :interval", "#whole_at <= :latest");
        let values = [(":interval", interval), (":latest", latest)];
        let taken = self.set_allowance(caller, further, values, seconds).await?;
        Ok(taken.map_err(|_| Closed::Wait(interval)))
    }

    async fn revoke(&self, tenant: &str, who: &str, at: UnixSeconds) -> Result<(), Fault> {
        self.set_of(tenant, who, "#revoked_at = :at", at)
            .expression_attribute_names("#revoked_at", caller::attribute::REVOKED_AT)
            .expression_attribute_values(":at", number(at))
            .send()
            .await
            .map_err(|error| fault("the tokens of a person", &error))?;
        Ok(())
    }

    async fn redrive(&self, key: &OutcomeKey) -> Result<(), Fault> {
        let inbox = self.environment.inbox.value();
        let chart = ChartReference::again(&inbox, &key.chart, &key.version);
        self.sqs
            .send_message()
            .queue_url(self.environment.work.address())
            .message_body(chart.announcement())
            .send()
            .await
            .map_err(|error| fault("the work queue", &error))?;
        Ok(())
    }

    fn begin(&self, content_type: &str) -> Result<Upload, Fault> {
        // Nobody can make up the name of another's.
        let name = name().map_err(|_| Fault {
            what: AN_EXPORT,
            code: "no_randomness".to_owned(),
        })?;
        Ok(Upload {
            key: format!("exports/{name}"),
            content_type: content_type.to_owned(),
            id: None,
            parts: Vec::new(),
            rest: Vec::new(),
        })
    }

    async fn add(&self, upload: &mut Upload, text: String) -> Result<(), Fault> {
        upload.rest.extend_from_slice(text.as_bytes());
        if upload.rest.len() >= PART {
            self.send_part(upload).await?;
        }
        Ok(())
    }

    async fn hand_out(&self, upload: Upload, at: u64) -> Result<HandedOut, Fault> {
        let key = self.end(upload).await?;
        let life = PresigningConfig::expires_in(HANDED_OUT).map_err(|_| malformed(AN_EXPORT))?;
        let signed = self
            .s3
            .get_object()
            .bucket(self.environment.exports.address())
            .key(key)
            .presigned(life)
            .await
            .map_err(|error| fault(AN_EXPORT, &error))?;
        Ok(HandedOut {
            url: signed.uri().to_owned(),
            until: at / 1_000 + HANDED_OUT.as_secs(),
        })
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

/// Makes a client of S3, which names buckets in the path where an endpoint of its own is given.
pub(crate) fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(lightsout_aws::has_own_endpoint(config))
        .build();
    aws_sdk_s3::Client::from_conf(config)
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

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
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

//! The queue, the control table and EC2 as AWS has them.

use std::{collections::HashMap, time::SystemTime};

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use aws_sdk_ec2::types::{LaunchTemplateSpecification, ResourceType, Tag, TagSpecification};
use aws_sdk_sqs::types::QueueAttributeName;
use lightsout_aws::SdkConfig;
use lightsout_contract::Live;
use lightsout_protocol::{
    control::{ITEM, LEASE, PART, RUNS},
    environment::LauncherEnvironment,
    fleet::{role, tag},
    launch::{Abandoned, Fault, Standing, Start, Step, Taking, World, Written},
    run::{Depth, Hold, Lease, RunId, RunState, UnixSeconds},
};

/// EC2's codes that mean a launch with this token has happened before.
const HAPPENED_BEFORE: [&str; 1] = ["IdempotentParameterMismatch"];

/// EC2's codes that come with a server's status and yet are a final answer:
/// nothing was started, and asking again at once will not help.
const NO_CAPACITY: [&str; 4] = [
    "InsufficientCapacity",
    "InsufficientHostCapacity",
    "InsufficientInstanceCapacity",
    "InsufficientReservedInstanceCapacity",
];

/// EC2's codes that blame the caller and yet may pass by themselves.
const MAY_PASS: [&str; 3] = ["RequestLimitExceeded", "Throttling", "RequestExpired"];

/// The pipeline's queue, control table and launch template.
pub struct Aws {
    dynamodb: aws_sdk_dynamodb::Client,
    ec2: aws_sdk_ec2::Client,
    sqs: aws_sdk_sqs::Client,
    environment: LauncherEnvironment<Live>,
}

impl Aws {
    /// Makes the clients that `environment` wants.
    pub fn new(config: &SdkConfig, environment: LauncherEnvironment<Live>) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            ec2: aws_sdk_ec2::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            environment,
        }
    }

    async fn item(&self, part: &str, item: &str) -> Result<Option<Item>, Fault> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(self.environment.control.address())
            .key(PART, text(part))
            .key(ITEM, text(item))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| fault(Step::Read, &error))?;
        Ok(answer.item)
    }

    async fn write(&self, step: Step, writes: Vec<TransactWriteItem>) -> Result<Written, Fault> {
        let answer = self
            .dynamodb
            .transact_write_items()
            .set_transact_items(Some(writes))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Done),
            Err(error) if was_outrun(&error) => Ok(Written::TooLate),
            Err(error) => Err(fault(step, &error)),
        }
    }

    fn put(&self) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        Put::builder().table_name(self.environment.control.address())
    }

    fn update(&self, part: &str, item: &str) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(self.environment.control.address())
            .key(PART, text(part))
            .key(ITEM, text(item))
    }

    /// Closes `run` early, provided that it is in `state`.
    fn fail(
        &self,
        run: &RunId,
        state: RunState,
        reason: &str,
        now: UnixSeconds,
    ) -> TransactWriteItem {
        let update = self
            .update(RUNS, run.as_str())
            .update_expression("SET #state = :failed, #reason = :reason, #ended_at = :now")
            .condition_expression("attribute_not_exists(#state) OR #state = :state")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#reason", "reason")
            .expression_attribute_names("#ended_at", "ended_at")
            .expression_attribute_values(":failed", text(RunState::Failed.name()))
            .expression_attribute_values(":state", text(state.name()))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":now", number(now));
        updating(update)
    }

    /// Sets until when `lease` is held, provided that it is still the lease.
    fn hold(&self, lease: &Lease, hold: &Hold) -> TransactWriteItem {
        let update = self
            .update(LEASE, LEASE)
            .update_expression("SET #expires_at = :expires_at")
            .condition_expression("#epoch = :epoch AND #run = :run")
            .expression_attribute_names("#expires_at", "expires_at")
            .expression_attribute_names("#epoch", "epoch")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":expires_at", number(expiry(hold)))
            .expression_attribute_values(":epoch", number(lease.epoch))
            .expression_attribute_values(":run", text(lease.run.as_str()));
        updating(update)
    }
}

impl World for Aws {
    fn now(&self) -> UnixSeconds {
        SystemTime::UNIX_EPOCH
            .elapsed()
            .expect("the clock of a Lambda is past 1970")
            .as_secs()
    }

    async fn depth(&self) -> Result<Depth, Fault> {
        let answer = self
            .sqs
            .get_queue_attributes()
            .queue_url(self.environment.work.address())
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesDelayed)
            .send()
            .await
            .map_err(|error| fault(Step::Measure, &error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let count = |name| {
            attributes
                .get(&name)
                .and_then(|count| count.parse().ok())
                .ok_or_else(|| malformed(Step::Measure))
        };
        Ok(Depth {
            visible: count(QueueAttributeName::ApproximateNumberOfMessages)?,
            in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)?,
            delayed: count(QueueAttributeName::ApproximateNumberOfMessagesDelayed)?,
        })
    }

    async fn standing(&self) -> Result<Standing, Fault> {
        let Some(stored) = self.item(LEASE, LEASE).await? else {
            return Ok(Standing::default());
        };
        let lease = read_lease(&stored).ok_or_else(|| malformed(Step::Read))?;
        let state = match self.item(RUNS, lease.run.as_str()).await? {
            None => None,
            Some(run) => Some(read_state(&run).ok_or_else(|| malformed(Step::Read))?),
        };
        Ok(Standing {
            lease: Some(lease),
            state,
        })
    }

    async fn take(&self, taking: &Taking<'_>) -> Result<Written, Fault> {
        let Taking {
            last,
            next,
            abandoned,
            backlog,
            now,
        } = taking;
        let lease = self
            .put()
            .item(PART, text(LEASE))
            .item(ITEM, text(LEASE))
            .item("epoch", number(next.epoch))
            .item("run", text(next.run.as_str()))
            .item("expires_at", number(expiry(&next.hold)));
        let lease = match last {
            None => lease
                .condition_expression("attribute_not_exists(#part)")
                .expression_attribute_names("#part", PART),
            Some(last) => lease
                .condition_expression("#epoch = :epoch AND #expires_at = :expires_at")
                .expression_attribute_names("#epoch", "epoch")
                .expression_attribute_names("#expires_at", "expires_at")
                .expression_attribute_values(":epoch", number(last.epoch))
                .expression_attribute_values(":expires_at", number(expiry(&last.hold))),
        };
        let run = self
            .put()
            .item(PART, text(RUNS))
            .item(ITEM, text(next.run.as_str()))
            .item("state", text(RunState::Requested.name()))
            .item("epoch", number(next.epoch))
            .item("started_at", number(*now))
            .item("backlog", number(*backlog))
            .condition_expression("attribute_not_exists(#part)")
            .expression_attribute_names("#part", PART);
        let mut writes = vec![putting(lease), putting(run)];
        if let Some(Abandoned { run, state }) = abandoned {
            writes.push(self.fail(run, *state, Abandoned::REASON, *now));
        }
        self.write(Step::Take, writes).await
    }

    async fn start_master(&self, run: &RunId, token: &str) -> Start {
        let template = LaunchTemplateSpecification::builder()
            .launch_template_id(self.environment.master.address())
            .version("$Latest")
            .build();
        let tags = |resource| {
            let with = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
            let pipeline = self.environment.pipeline.address();
            TagSpecification::builder()
                .resource_type(resource)
                .tags(with(tag::PIPELINE, pipeline))
                .tags(with(tag::RUN, run.as_str()))
                .tags(with(tag::ROLE, role::MASTER))
                .tags(with("Name", &format!("{pipeline} {} {run}", role::MASTER)))
                .build()
        };
        let answer = self
            .ec2
            .run_instances()
            .launch_template(template)
            .client_token(token)
            .min_count(1)
            .max_count(1)
            .tag_specifications(tags(ResourceType::Instance))
            .tag_specifications(tags(ResourceType::Volume))
            .send()
            .await;
        match answer {
            Ok(_) => Start::Started,
            Err(error) => {
                let code = code(&error);
                let status = error.raw_response().map(|raw| raw.status().as_u16());
                judge(code, status)
            }
        }
    }

    async fn record_launch(&self, lease: &Lease) -> Result<Written, Fault> {
        let run = self
            .update(RUNS, lease.run.as_str())
            .update_expression("SET #state = :launching")
            .condition_expression("attribute_not_exists(#state) OR #state = :requested")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":launching", text(RunState::Launching.name()))
            .expression_attribute_values(":requested", text(RunState::Requested.name()));
        let writes = vec![self.hold(lease, &lease.hold), updating(run)];
        self.write(Step::RecordLaunch, writes).await
    }

    async fn give_back(
        &self,
        lease: &Lease,
        reason: &str,
        now: UnixSeconds,
    ) -> Result<Written, Fault> {
        let writes = vec![
            self.hold(lease, &Hold::Released),
            self.fail(&lease.run, RunState::Requested, reason, now),
        ];
        self.write(Step::GiveBack, writes).await
    }
}

type Item = HashMap<String, AttributeValue>;

/// Tells a final refusal from an answer that leaves open what happened.
fn judge(code: String, status: Option<u16>) -> Start {
    let is_in = |codes: &[&str]| codes.contains(&code.as_str());
    if is_in(&HAPPENED_BEFORE) {
        Start::Started
    } else if is_in(&NO_CAPACITY)
        || (status.is_some_and(|status| (400..500).contains(&status)) && !is_in(&MAY_PASS))
    {
        Start::Refused(code)
    } else {
        Start::Unanswered(code)
    }
}

fn was_outrun<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return false;
    };
    cancelled
        .cancellation_reasons()
        .iter()
        .filter_map(|reason| reason.code())
        .any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}

fn read_lease(item: &Item) -> Option<Lease> {
    let number = |name: &str| item.get(name)?.as_n().ok()?.parse::<u64>().ok();
    Some(Lease {
        epoch: number("epoch")?,
        run: RunId::from_stored(item.get("run")?.as_s().ok()?),
        hold: match number("expires_at")? {
            0 => Hold::Released,
            expiry => Hold::Until(expiry),
        },
    })
}

fn read_state(item: &Item) -> Option<RunState> {
    RunState::from_name(item.get("state")?.as_s().ok()?)
}

fn expiry(hold: &Hold) -> UnixSeconds {
    match hold {
        Hold::Until(expiry) => *expiry,
        Hold::Released => 0,
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn putting(put: aws_sdk_dynamodb::types::builders::PutBuilder) -> TransactWriteItem {
    let put = put.build().expect("table and item are set above");
    TransactWriteItem::builder().put(put).build()
}

fn updating(update: aws_sdk_dynamodb::types::builders::UpdateBuilder) -> TransactWriteItem {
    let update = update.build().expect("table, key and expression are set");
    TransactWriteItem::builder().update(update).build()
}

fn fault<E: ProvideErrorMetadata, R>(step: Step, error: &SdkError<E, R>) -> Fault {
    Fault {
        step,
        code: code(error),
    }
}

fn malformed(step: Step) -> Fault {
    Fault {
        step,
        code: "malformed".to_owned(),
    }
}

/// Returns the service's code, or how the connection failed; never a message,
/// which may quote what was sent.
fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown"),
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "no_connection",
        SdkError::ResponseError(_) => "unreadable_answer",
        _ => "not_sent",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_final_answer_is_a_refusal() {
        let judge = |code: &str, status| judge(code.to_owned(), status);
        let refused = |code: &str| Start::Refused(code.to_owned());
        let open = |code: &str| Start::Unanswered(code.to_owned());
        assert_eq!(
            judge("UnauthorizedOperation", Some(403)),
            refused("UnauthorizedOperation")
        );
        assert_eq!(
            judge("InsufficientInstanceCapacity", Some(500)),
            refused("InsufficientInstanceCapacity")
        );
        assert_eq!(judge("InternalError", Some(500)), open("InternalError"));
        assert_eq!(
            judge("RequestLimitExceeded", Some(400)),
            open("RequestLimitExceeded")
        );
        assert_eq!(judge("timeout", None), open("timeout"));
    }

    #[test]
    fn a_launch_that_happened_under_other_parameters_counts_as_started() {
        assert_eq!(
            judge("IdempotentParameterMismatch".to_owned(), Some(400)),
            Start::Started
        );
    }

    #[test]
    fn a_lease_is_read_as_it_was_written() {
        for hold in [Hold::Until(77), Hold::Released] {
            let lease = Lease {
                epoch: 3,
                run: RunId::new(3, 9),
                hold,
            };
            let item = Item::from([
                ("epoch".to_owned(), number(lease.epoch)),
                ("run".to_owned(), text(lease.run.as_str())),
                ("expires_at".to_owned(), number(expiry(&lease.hold))),
            ]);
            assert_eq!(read_lease(&item), Some(lease));
        }
    }
}

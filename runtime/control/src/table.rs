//! The lease and the runs.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        Put, TransactWriteItem, Update,
        builders::{PutBuilder, UpdateBuilder},
    },
};
use lightsout_aws::SdkConfig;
use lightsout_protocol::{
    control::{ASKED_AT, ATTEMPT, ITEM, LEASE, PART, RUNS},
    launch::{Standing, Written},
    run::{Asking, Hold, Lease, RunId, RunState, UnixSeconds},
};

use crate::{
    code::{code, malformed},
    expression::{Item, number, text, updating},
};

/// The control table; an error is the [`code`](crate::code()) of the call.
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// The table of that name.
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        Self {
            client: Client::new(config),
            name: name.to_owned(),
        }
    }

    /// Reads one item, with every earlier write seen.
    pub async fn item(&self, part: &str, item: &str) -> Result<Option<Item>, String> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PART, text(part))
            .key(ITEM, text(item))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| code(&error))?;
        Ok(answer.item)
    }

    /// Reads the lease and the state of its run.
    pub async fn standing(&self) -> Result<Standing, String> {
        let Some(stored) = self.item(LEASE, LEASE).await? else {
            return Ok(Standing::default());
        };
        let lease = read_lease(&stored).ok_or_else(malformed)?;
        let run = self.item(RUNS, lease.run.as_str()).await?;
        let state = match &run {
            None => None,
            Some(run) => Some(read_state(run).ok_or_else(malformed)?),
        };
        Ok(Standing {
            asking: run.as_ref().and_then(read_asking),
            state,
            lease: Some(lease),
        })
    }

    /// Applies all of `writes`, or none where a condition does not hold.
    pub async fn write(&self, writes: Vec<TransactWriteItem>) -> Result<Written, String> {
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Done),
            Err(error) if was_outrun(&error) => Ok(Written::TooLate),
            Err(error) => Err(code(&error)),
        }
    }

    /// Begins to put an item.
    pub fn put(&self, part: &str, item: &str) -> PutBuilder {
        Put::builder()
            .table_name(&self.name)
            .item(PART, text(part))
            .item(ITEM, text(item))
    }

    /// Begins to update an item.
    pub fn update(&self, part: &str, item: &str) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.name)
            .key(PART, text(part))
            .key(ITEM, text(item))
    }

    /// Begins to put `lease` in the place of `last`, provided that this is stored.
    pub fn succeed(&self, last: Option<&Lease>, lease: &Lease) -> PutBuilder {
        let put = self
            .put(LEASE, LEASE)
            .item("epoch", number(lease.epoch))
            .item("run", text(lease.run.as_str()))
            .item("expires_at", number(expiry(&lease.hold)));
        match last {
            None => put
                .condition_expression("attribute_not_exists(#part)")
                .expression_attribute_names("#part", PART),
            Some(last) => put
                .condition_expression("#epoch = :epoch AND #expires_at = :expires_at")
                .expression_attribute_names("#epoch", "epoch")
                .expression_attribute_names("#expires_at", "expires_at")
                .expression_attribute_values(":epoch", number(last.epoch))
                .expression_attribute_values(":expires_at", number(expiry(&last.hold))),
        }
    }

    /// Sets until when the lease is held, provided that it is of `lease`'s run and
    /// epoch, whatever it was held until.
    pub fn hold(&self, lease: &Lease, hold: &Hold) -> TransactWriteItem {
        updating(self.holding(lease, hold, "#epoch = :epoch AND #run = :run"))
    }

    /// Releases the lease, provided that it is just as it was read: whoever has
    /// extended it since keeps it.
    pub fn release_untouched(&self, lease: &Lease) -> TransactWriteItem {
        let condition = "#epoch = :epoch AND #run = :run AND #expires_at = :read";
        updating(
            self.holding(lease, &Hold::Released, condition)
                .expression_attribute_values(":read", number(expiry(&lease.hold))),
        )
    }

    /// Closes `run` early, provided that it is in `state`, or left no trace.
    pub fn fail(
        &self,
        run: &RunId,
        state: RunState,
        reason: &str,
        now: UnixSeconds,
    ) -> TransactWriteItem {
        updating(
            self.update(RUNS, run.as_str())
                .update_expression("SET #state = :failed, #reason = :reason, #ended_at = :now")
                .condition_expression("attribute_not_exists(#state) OR #state = :state")
                .expression_attribute_names("#state", "state")
                .expression_attribute_names("#reason", "reason")
                .expression_attribute_names("#ended_at", "ended_at")
                .expression_attribute_values(":failed", text(RunState::Failed.name()))
                .expression_attribute_values(":state", text(state.name()))
                .expression_attribute_values(":reason", text(reason))
                .expression_attribute_values(":now", number(now)),
        )
    }

    /// Stores how `run` asks for its master now, provided that `last` is how it asked
    /// before, and that it has none yet.
    pub fn ask(&self, run: &RunId, last: Option<Asking>, next: Asking) -> TransactWriteItem {
        let update = self
            .update(RUNS, run.as_str())
            .update_expression("SET #attempt = :next_attempt, #asked_at = :next_asked_at")
            .expression_attribute_values(":next_attempt", number(next.attempt.into()))
            .expression_attribute_values(":next_asked_at", number(next.at));
        updating(asked(update, last))
    }

    /// Closes `run` early, provided that it has no master, and that `asking` is how it
    /// asked for one last.
    pub fn fail_asking(
        &self,
        run: &RunId,
        asking: Asking,
        reason: &str,
        now: UnixSeconds,
    ) -> TransactWriteItem {
        let update = self
            .update(RUNS, run.as_str())
            .update_expression("SET #state = :failed, #reason = :reason, #ended_at = :now")
            .expression_attribute_names("#reason", "reason")
            .expression_attribute_names("#ended_at", "ended_at")
            .expression_attribute_values(":failed", text(RunState::Failed.name()))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":now", number(now));
        updating(asked(update, Some(asking)))
    }

    fn holding(&self, lease: &Lease, hold: &Hold, condition: &str) -> UpdateBuilder {
        self.update(LEASE, LEASE)
            .update_expression("SET #expires_at = :expires_at")
            .condition_expression(condition)
            .expression_attribute_names("#expires_at", "expires_at")
            .expression_attribute_names("#epoch", "epoch")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":expires_at", number(expiry(hold)))
            .expression_attribute_values(":epoch", number(lease.epoch))
            .expression_attribute_values(":run", text(lease.run.as_str()))
    }
}

/// Makes `update` depend on a run that has no master, and asked for one as `last` says.
fn asked(update: UpdateBuilder, last: Option<Asking>) -> UpdateBuilder {
    let update = update
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#attempt", ATTEMPT)
        .expression_attribute_names("#asked_at", ASKED_AT)
        .expression_attribute_values(":requested", text(RunState::Requested.name()));
    let has_none = "(attribute_not_exists(#state) OR #state = :requested)";
    match last {
        None => update.condition_expression(format!(
            "{has_none} AND attribute_not_exists(#attempt) AND attribute_not_exists(#asked_at)"
        )),
        Some(last) => update
            .condition_expression(format!(
                "{has_none} AND #attempt = :attempt AND #asked_at = :asked_at"
            ))
            .expression_attribute_values(":attempt", number(last.attempt.into()))
            .expression_attribute_values(":asked_at", number(last.at)),
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

/// Reads how a run asked for its master; one of an older version did not say.
fn read_asking(item: &Item) -> Option<Asking> {
    let number = |name: &str| item.get(name)?.as_n().ok()?.parse::<u64>().ok();
    Some(Asking {
        attempt: number(ATTEMPT)?.try_into().ok()?,
        at: number(ASKED_AT)?,
    })
}

fn expiry(hold: &Hold) -> UnixSeconds {
    match hold {
        Hold::Until(expiry) => *expiry,
        Hold::Released => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    #[test]
    fn rows_of_every_version_are_read() {
        let lease = Lease {
            epoch: 7,
            run: RunId::new(7, 1_800_000_000),
            hold: Hold::Until(1_800_000_060),
        };
        for version in [1, 2] {
            let row = fixture(&format!("lease-row-{version}"));
            assert_eq!(read_lease(&row), Some(lease.clone()), "{version}");
        }
        let asking = Asking {
            attempt: 2,
            at: 1_800_000_003,
        };
        for (version, wanted) in [(1, None), (2, Some(asking))] {
            let row = fixture(&format!("run-row-{version}"));
            assert_eq!(read_state(&row), Some(RunState::Requested));
            assert_eq!(read_asking(&row), wanted, "{version}");
        }
    }

    #[test]
    fn a_lease_is_put_as_its_fixture_says() {
        // The master adds who holds it and how it is heard, which is the second version.
        let table = Table {
            client: Client::from_conf(
                aws_sdk_dynamodb::Config::builder()
                    .behavior_version_latest()
                    .build(),
            ),
            name: "control".to_owned(),
        };
        let lease = read_lease(&fixture("lease-row-1")).unwrap();
        let put = table.succeed(None, &lease).build().unwrap();
        assert_eq!(*put.item(), fixture("lease-row-1"));
    }

    /// Reads a row that is written in DynamoDB's JSON.
    fn fixture(name: &str) -> Item {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/fixtures");
        let json = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
        let row: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&json).unwrap();
        let value = |value: BTreeMap<String, String>| match value.first_key_value().unwrap() {
            (kind, value) if kind == "N" => AttributeValue::N(value.clone()),
            (_, value) => text(value),
        };
        row.into_iter()
            .map(|(name, of)| (name, value(of)))
            .collect()
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

//! The lease and the run in the control table.
//!
//! Every write goes through a [`Tenure`], and its condition is the epoch: a
//! master that lost the lease can write nothing more.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, TransactWriteItem, Update},
};
use lightsout_protocol::{
    control::{HEARTBEAT, HOLDER, ITEM, LEASE, MASTER_KEY, PART, RUNS, hosts_part, master_part},
    fleet::WorkerHost,
    oversight::Ending,
    run::{Depth, Hold, Lease, RunId, RunState, UnixSeconds},
};

use crate::{BoxError, surroundings::Surroundings};

/// The right of this machine to be the master of its run.
#[derive(Debug, Clone)]
pub struct Tenure {
    client: Client,
    table: String,
    run: RunId,
    epoch: u64,
    holder: String,
    lease_seconds: u64,
    heartbeat_seconds: u64,
    started_at: UnixSeconds,
}

/// What a heartbeat reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where the run stands.
    pub state: RunState,
    /// What the queue held when it was last seen.
    pub depth: Option<Depth>,
    /// How many workers are wanted.
    pub workers: u32,
}

/// Why the control table could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Another run holds the lease, or nobody does, or another machine does.
    #[error("the lease is not held by this machine for `{run}`")]
    Lost {
        /// This machine's run.
        run: RunId,
    },
    /// An item lacks an attribute, or the attribute is malformed.
    #[error("the item `{item}` of the control table has no usable `{attribute}`")]
    Malformed {
        /// The item's sort key.
        item: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// The table did not answer as it should.
    #[error("cannot {action} in the control table")]
    Service {
        /// What was tried.
        action: &'static str,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
}

type Item = HashMap<String, AttributeValue>;

impl Tenure {
    /// Takes the lease over from the launcher that took it for this run.
    ///
    /// The same machine may do so again after a restart; another machine of
    /// the same run, started twice by mistake, may not.
    pub async fn claim(around: &Surroundings, now: UnixSeconds) -> Result<Self, ControlError> {
        let client = Client::new(&around.aws);
        let table = around.environment.control.address().to_owned();
        let lost = || ControlError::Lost {
            run: around.run.clone(),
        };
        let lease = read(&client, &table, LEASE, LEASE)
            .await?
            .ok_or_else(lost)?;
        if text(&lease, LEASE, "run")? != around.run.as_str() {
            return Err(lost());
        }
        let epoch = number(&lease, LEASE, "epoch")?;
        let started_at = match read(&client, &table, RUNS, around.run.as_str()).await? {
            Some(run) => number(&run, around.run.as_str(), "started_at").unwrap_or(now),
            None => now,
        };
        let tenure = Self {
            client,
            table,
            run: around.run.clone(),
            epoch,
            holder: format!("{}/{}", around.run, around.instance),
            lease_seconds: around.environment.lease_seconds.value(),
            heartbeat_seconds: around.heartbeat_seconds(),
            started_at,
        };
        tenure
            .heartbeat(
                Progress {
                    state: RunState::Provisioning,
                    depth: None,
                    workers: 0,
                },
                now,
            )
            .await?;
        Ok(tenure)
    }

    /// Returns when the run was started.
    pub fn started_at(&self) -> UnixSeconds {
        self.started_at
    }

    /// Extends the lease and writes the progress, both or neither.
    pub async fn heartbeat(
        &self,
        progress: Progress,
        now: UnixSeconds,
    ) -> Result<(), ControlError> {
        let mut report = Assignments::new("#state = :state, #epoch = :epoch")
            .with("state", string(progress.state.name()))
            .with("epoch", integer(self.epoch))
            .set_once("started_at", integer(self.started_at));
        if let Some(depth) = progress.depth {
            report = report.set("backlog", integer(depth.total()));
        }
        if progress.workers > 0 {
            report = report.set("workers", integer(progress.workers.into()));
        }
        let lease = self.of_lease(now + self.lease_seconds, "#expires_at > :zero AND ");
        self.write(lease, report).await
    }

    /// Closes the run and gives the lease back, both or neither.
    pub async fn close(&self, ending: &Ending, now: UnixSeconds) -> Result<(), ControlError> {
        let (state, reason) = match ending {
            Ending::Done => (RunState::Done, None),
            Ending::Failed(reason) => (RunState::Failed, Some(reason)),
        };
        let mut report = Assignments::new("#state = :state, #epoch = :epoch")
            .with("state", string(state.name()))
            .with("epoch", integer(self.epoch))
            .set("ended_at", integer(now));
        if let Some(reason) = reason {
            report = report.set("reason", string(reason));
        }
        self.write(self.of_lease(0, ""), report).await
    }

    /// Publishes the public key that the workers of this run let in.
    pub async fn publish_key(&self, public_key: &str) -> Result<(), ControlError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item(PART, string(&master_part(&self.run)))
            .item(ITEM, string(MASTER_KEY))
            .item("public_key", string(public_key.trim()));
        put.send()
            .await
            .map(drop)
            .map_err(|error| service("publish the master's key", error))
    }

    fn of_lease(&self, expires_at: UnixSeconds, and: &'static str) -> Assignments {
        let mut lease = Assignments::new("#expires_at = :expires_at, #holder = :holder")
            .with("expires_at", integer(expires_at))
            .with(HOLDER, string(&self.holder))
            .set(HEARTBEAT, integer(self.heartbeat_seconds))
            .with("epoch", integer(self.epoch))
            .with("run", string(self.run.as_str()));
        // Another holder in the name of this run is a second master of it; one
        // in the name of an older run is a remainder.
        lease.condition = format!(
            "{and}#epoch = :epoch AND #run = :run AND (attribute_not_exists(#holder) \
             OR #holder = :holder OR NOT begins_with(#holder, :run))"
        );
        if !and.is_empty() {
            lease = lease.value("zero", integer(0));
        }
        lease
    }

    async fn write(&self, lease: Assignments, mut report: Assignments) -> Result<(), ControlError> {
        "attribute_not_exists(#epoch) OR #epoch = :epoch".clone_into(&mut report.condition);
        let lease = lease.update(&self.table, LEASE, LEASE);
        let report = report.update(&self.table, RUNS, self.run.as_str());
        let answer = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(lease).build())
            .transact_items(TransactWriteItem::builder().update(report).build())
            .send()
            .await;
        answer.map(drop).map_err(|error| {
            if is_refused(&error) {
                ControlError::Lost {
                    run: self.run.clone(),
                }
            } else {
                service("extend the lease", error)
            }
        })
    }
}

/// Reads the lease as it is now, whoever holds it.
pub async fn lease(around: &Surroundings) -> Result<Option<Lease>, ControlError> {
    let client = Client::new(&around.aws);
    let table = around.environment.control.address();
    let Some(item) = read(&client, table, LEASE, LEASE).await? else {
        return Ok(None);
    };
    Ok(Some(Lease {
        epoch: number(&item, LEASE, "epoch")?,
        run: RunId::from_stored(text(&item, LEASE, "run")?),
        hold: match number(&item, LEASE, "expires_at")? {
            0 => Hold::Released,
            expiry => Hold::Until(expiry),
        },
    }))
}

/// Lists the hosts that have announced themselves for the run.
pub async fn announced(around: &Surroundings) -> Result<Vec<WorkerHost>, ControlError> {
    let mut pages = Client::new(&around.aws)
        .query()
        .table_name(around.environment.control.address())
        .consistent_read(true)
        .key_condition_expression("#part = :part")
        .expression_attribute_names("#part", PART)
        .expression_attribute_values(":part", string(&hosts_part(&around.run)))
        .into_paginator()
        .items()
        .send();
    let mut hosts = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item.map_err(|error| service("list the hosts", error))?;
        let name = text(&item, "", ITEM)?.to_owned();
        let field = |attribute| text(&item, &name, attribute).map(str::to_owned);
        hosts.push(WorkerHost {
            instance: field("instance")?,
            address: field("address")?,
            port: field("port")?
                .parse()
                .map_err(|_| malformed(&name, "port"))?,
            user: field("user")?,
            host_key: field("host_key")?,
            directory: field("directory")?,
        });
    }
    Ok(hosts)
}

/// The assignments and the condition of one update.
struct Assignments {
    set: Vec<String>,
    condition: String,
    names: HashMap<String, String>,
    values: Item,
}

impl Assignments {
    fn new(set: &str) -> Self {
        Self {
            set: vec![set.to_owned()],
            condition: String::new(),
            names: HashMap::new(),
            values: HashMap::new(),
        }
    }

    /// Gives the name `#name` and the value `:name` of an expression.
    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.names.insert(format!("#{name}"), name.to_owned());
        self.value(name, value)
    }

    fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(format!(":{name}"), value);
        self
    }

    fn set(mut self, name: &str, value: AttributeValue) -> Self {
        self.set.push(format!("#{name} = :{name}"));
        self.with(name, value)
    }

    fn set_once(mut self, name: &str, value: AttributeValue) -> Self {
        self.set
            .push(format!("#{name} = if_not_exists(#{name}, :{name})"));
        self.with(name, value)
    }

    fn update(self, table: &str, part: &str, item: &str) -> Update {
        Update::builder()
            .table_name(table)
            .key(PART, string(part))
            .key(ITEM, string(item))
            .update_expression(format!("SET {}", self.set.join(", ")))
            .condition_expression(self.condition)
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(Some(self.values))
            .build()
            .expect("table, key and expression are set above")
    }
}

async fn read(
    client: &Client,
    table: &str,
    part: &str,
    item: &str,
) -> Result<Option<Item>, ControlError> {
    client
        .get_item()
        .table_name(table)
        .key(PART, string(part))
        .key(ITEM, string(item))
        .consistent_read(true)
        .send()
        .await
        .map(|answer| answer.item)
        .map_err(|error| service("read the lease", error))
}

/// Tells a condition that does not hold from a fault that may pass.
fn is_refused(error: &SdkError<TransactWriteItemsError>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return false;
    };
    cancelled
        .cancellation_reasons()
        .iter()
        .any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

fn service(action: &'static str, error: impl Into<BoxError>) -> ControlError {
    ControlError::Service {
        action,
        source: error.into(),
    }
}

fn malformed(item: &str, attribute: &'static str) -> ControlError {
    ControlError::Malformed {
        item: item.to_owned(),
        attribute,
    }
}

fn text<'a>(item: &'a Item, name: &str, attribute: &'static str) -> Result<&'a str, ControlError> {
    item.get(attribute)
        .and_then(|value| value.as_s().ok())
        .map(String::as_str)
        .ok_or_else(|| malformed(name, attribute))
}

fn number(item: &Item, name: &str, attribute: &'static str) -> Result<u64, ControlError> {
    item.get(attribute)
        .and_then(|value| value.as_n().ok())
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| malformed(name, attribute))
}

fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn integer(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

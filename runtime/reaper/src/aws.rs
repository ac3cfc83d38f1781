//! EC2, the control table, the queue and the launcher as AWS has them.

use std::time::SystemTime;

use aws_sdk_ec2::types::{Filter, Instance, Reservation, Tag};
use aws_sdk_lambda::types::InvocationType;
use lightsout_aws::SdkConfig;
use lightsout_contract::Live;
use lightsout_control::{Item, Queue, Table, code, malformed, number, text, updating};
use lightsout_protocol::{
    control::REAPER,
    environment::ReaperEnvironment,
    fleet::tag,
    launch::{Standing, Written},
    reap::{InstanceSeen, Limits, Sweep},
    run::{Depth, Lease, RunId, RunState, UnixSeconds},
    sweep::{Fault, Step, World},
};

/// The states of an instance that costs money or may again.
const LIVING: [&str; 4] = ["pending", "running", "stopping", "stopped"];

/// The pipeline's instances, control table, queue and launcher.
pub struct Aws {
    ec2: aws_sdk_ec2::Client,
    lambda: aws_sdk_lambda::Client,
    table: Table,
    queue: Queue,
    environment: ReaperEnvironment<Live>,
}

impl Aws {
    /// Makes the clients that `environment` wants.
    pub fn new(config: &SdkConfig, environment: ReaperEnvironment<Live>) -> Self {
        Self {
            ec2: aws_sdk_ec2::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            table: Table::new(config, environment.control.address()),
            queue: Queue::new(config, environment.work.address()),
            environment,
        }
    }

    /// Returns the value of the tag that every instance of the fleet carries.
    pub fn pipeline(&self) -> &str {
        self.environment.fleet.address()
    }

    /// Returns the limits that the stacks set.
    pub fn limits(&self) -> Limits {
        Limits {
            sweep_seconds: self.environment.sweep_seconds.value(),
            deadline_seconds: self.environment.deadline_seconds.value(),
            grace_seconds: self.environment.grace_seconds.value(),
        }
    }
}

impl World for Aws {
    fn now(&self) -> UnixSeconds {
        SystemTime::UNIX_EPOCH
            .elapsed()
            .expect("the clock of a Lambda is past 1970")
            .as_secs()
    }

    async fn instances(&self) -> Result<Vec<InstanceSeen>, Fault> {
        let filter = |name: String, values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            Filter::builder()
                .name(name)
                .set_values(Some(values))
                .build()
        };
        let mut pages = self
            .ec2
            .describe_instances()
            .filters(filter(format!("tag:{}", tag::PIPELINE), &[self.pipeline()]))
            .filters(filter("instance-state-name".to_owned(), &LIVING))
            .into_paginator()
            .send();
        let mut seen = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| fault(Step::List)(code(&error)))?;
            let instances = page.reservations().iter().flat_map(Reservation::instances);
            seen.extend(instances.filter_map(instance));
        }
        Ok(seen)
    }

    async fn standing(&self) -> Result<Standing, Fault> {
        self.table.standing().await.map_err(fault(Step::Read))
    }

    async fn last_sweep(&self) -> Result<Sweep, Fault> {
        let stored = self.table.item(REAPER, REAPER).await;
        match stored.map_err(fault(Step::Read))? {
            None => Ok(Sweep::default()),
            Some(item) => read_sweep(&item).ok_or_else(|| fault(Step::Read)(malformed())),
        }
    }

    async fn depth(&self) -> Result<Depth, Fault> {
        self.queue.depth().await.map_err(fault(Step::Measure))
    }

    async fn remember(&self, last: &Sweep, next: &Sweep) -> Result<Written, Fault> {
        let json = serde_json::to_string(next).expect("a sweep is plain data");
        let update = self
            .table
            .update(REAPER, REAPER)
            .update_expression("SET #at = :at, #sweep = :sweep")
            .condition_expression("attribute_not_exists(#at) OR #at = :last")
            .expression_attribute_names("#at", "at")
            .expression_attribute_names("#sweep", "sweep")
            .expression_attribute_values(":at", number(next.at))
            .expression_attribute_values(":sweep", text(&json))
            .expression_attribute_values(":last", number(last.at));
        let written = self.table.write(vec![updating(update)]).await;
        written.map_err(fault(Step::Remember))
    }

    async fn close(
        &self,
        lease: &Lease,
        state: Option<RunState>,
        reason: &str,
        now: UnixSeconds,
    ) -> Result<Written, Fault> {
        let mut writes = vec![self.table.release_untouched(lease)];
        if let Some(state) = state {
            writes.push(self.table.fail(&lease.run, state, reason, now));
        }
        self.table.write(writes).await.map_err(fault(Step::Close))
    }

    async fn end(&self, instances: &[String]) -> Result<(), Fault> {
        self.ec2
            .terminate_instances()
            .set_instance_ids(Some(instances.to_vec()))
            .send()
            .await
            .map(drop)
            .map_err(|error| fault(Step::End)(code(&error)))
    }

    async fn wake_launcher(&self) -> Result<(), Fault> {
        self.lambda
            .invoke()
            .function_name(self.environment.launcher.address())
            .invocation_type(InvocationType::Event)
            .send()
            .await
            .map(drop)
            .map_err(|error| fault(Step::Wake)(code(&error)))
    }
}

fn fault(step: Step) -> impl Fn(String) -> Fault {
    move |code| Fault { step, code }
}

/// Reads what the sweep before left; one of an older version is read as none.
fn read_sweep(item: &Item) -> Option<Sweep> {
    let at = item.get("at")?.as_n().ok()?.parse().ok()?;
    let stored = item.get("sweep")?.as_s().ok()?;
    let sweep: Sweep = serde_json::from_str(stored).unwrap_or_default();
    Some(Sweep { at, ..sweep })
}

fn instance(instance: &Instance) -> Option<InstanceSeen> {
    let value_of = |key: &str| {
        let mut tags = instance.tags().iter();
        tags.find(|tag| tag.key() == Some(key))
            .and_then(Tag::value)
            .map(str::to_owned)
    };
    let launched_at = instance.launch_time()?.secs();
    Some(InstanceSeen {
        id: instance.instance_id()?.to_owned(),
        pipeline: value_of(tag::PIPELINE),
        run: value_of(tag::RUN).map(RunId::from_stored),
        launched_at: u64::try_from(launched_at).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::primitives::DateTime;

    use super::*;

    #[test]
    fn an_instance_is_read_with_its_tags_and_ec2s_own_launch_time() {
        let with = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let seen = Instance::builder()
            .instance_id("i-1")
            .launch_time(DateTime::from_secs(1_700_000_000))
            .tags(with(tag::PIPELINE, "lamp"))
            .tags(with(tag::RUN, "run-000001-1"))
            .build();
        let wanted = InstanceSeen {
            id: "i-1".to_owned(),
            pipeline: Some("lamp".to_owned()),
            run: Some(RunId::new(1, 1)),
            launched_at: 1_700_000_000,
        };
        assert_eq!(instance(&seen), Some(wanted));
    }

    #[test]
    fn a_sweep_of_another_version_keeps_its_time_and_accuses_nobody() {
        let item = Item::from([
            ("at".to_owned(), number(77)),
            ("sweep".to_owned(), text(r#"{"accused": []}"#)),
        ]);
        let wanted = Sweep {
            at: 77,
            ..Sweep::default()
        };
        assert_eq!(read_sweep(&item), Some(wanted));
    }
}

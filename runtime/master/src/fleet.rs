//! The worker instances, found by tag and never by a remembered id.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata,
    operation::run_instances::RunInstancesError,
    types::{
        Filter, InstanceMarketOptionsRequest, InstanceStateName, InstanceType,
        LaunchTemplateSpecification, MarketType, Reservation, ResourceType, Tag, TagSpecification,
    },
};
use lightsout_aws::Final;
use lightsout_protocol::{
    fleet::{Choice, Market, Offer, WorkerHost, is_short, offers, role, tag},
    run::RunId,
};
use serde::Serialize;

use crate::{BoxError, surroundings::Surroundings};

/// How often EC2 is asked whether the workers have ended.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// The workers of one run.
pub struct Fleet {
    client: Client,
    run: RunId,
    pipeline: String,
    template: String,
    types: String,
    subnets: String,
    spot_percent: u32,
}

/// One worker that EC2 knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// Its name, which says its number in the run.
    pub name: String,
    /// Whether it runs, starts, or ends.
    pub state: InstanceStateName,
}

/// What [`Fleet::launch`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Launched {
    /// Workers that live now.
    pub alive: u32,
    /// Workers among them that this call started.
    pub started: u32,
}

/// Why the fleet could not be started, found or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// Not one worker could be started.
    #[error("no worker could be started: EC2 says `{code}`")]
    NoCapacity {
        /// EC2's error code.
        code: String,
    },
    /// EC2 refused or did not answer.
    #[error("cannot {action}")]
    Service {
        /// What was tried.
        action: &'static str,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
    /// The instance to be ended is no worker of this run.
    #[error("`{0}` is no worker of this run")]
    Foreign(String),
}

impl Fleet {
    /// Looks at the workers of this machine's run.
    pub fn new(around: &Surroundings) -> Self {
        Self {
            client: Client::from_conf(
                aws_sdk_ec2::config::Builder::from(&around.aws)
                    .retry_classifier(Final::<RunInstancesError>::new(is_short))
                    .build(),
            ),
            run: around.run.clone(),
            pipeline: around.pipeline().to_owned(),
            template: around.environment.workers.address().to_owned(),
            types: around.environment.worker_types.address().to_owned(),
            subnets: around.environment.subnets.address().to_owned(),
            spot_percent: around.environment.spot_percent.value(),
        }
    }

    /// Lists the workers that have not ended for good.
    pub async fn workers(&self) -> Result<Vec<Instance>, FleetError> {
        let filter = |name: &str, values: &[&str]| {
            Filter::builder()
                .name(name)
                .set_values(Some(
                    values.iter().map(|value| (*value).to_owned()).collect(),
                ))
                .build()
        };
        let mut pages = self
            .client
            .describe_instances()
            .filters(filter(&format!("tag:{}", tag::PIPELINE), &[&self.pipeline]))
            .filters(filter(&format!("tag:{}", tag::RUN), &[self.run.as_str()]))
            .filters(filter(&format!("tag:{}", tag::ROLE), &[role::WORKER]))
            .filters(filter(
                "instance-state-name",
                &["pending", "running", "shutting-down", "stopping", "stopped"],
            ))
            .into_paginator()
            .send();
        let mut workers = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| service("list the workers", error))?;
            let instances = page.reservations().iter().flat_map(Reservation::instances);
            workers.extend(instances.filter_map(worker));
        }
        Ok(workers)
    }

    /// Brings the fleet to `wanted` workers, taking over those that live.
    ///
    /// A repeated call with the same `attempt` starts nothing twice: token and
    /// parameters depend on the run, the worker's number and the attempt
    /// alone. Where capacity is short the fleet stays smaller.
    pub async fn launch(&self, wanted: u32, attempt: u32) -> Result<Launched, FleetError> {
        let alive: BTreeMap<String, Instance> = self
            .workers()
            .await?
            .into_iter()
            .filter(Instance::is_alive)
            .map(|worker| (worker.name.clone(), worker))
            .collect();
        let mut launched = Launched {
            alive: u32::try_from(alive.len()).unwrap_or(u32::MAX),
            started: 0,
        };
        for number in 1..=wanted {
            let name = format!("{}-worker-{number}", self.pipeline);
            if alive.contains_key(&name) {
                continue;
            }
            match self.start(number, &name, attempt).await {
                Ok(()) => {
                    launched.alive += 1;
                    launched.started += 1;
                }
                Err(Shortage::Capacity(code)) if launched.alive > 0 => {
                    tracing::warn!(
                        code,
                        alive = launched.alive,
                        wanted,
                        "the fleet stays smaller"
                    );
                    break;
                }
                Err(Shortage::Capacity(code)) => return Err(FleetError::NoCapacity { code }),
                Err(Shortage::Other(error)) => return Err(error),
            }
        }
        Ok(launched)
    }

    /// Ends one worker, if it is of this run.
    pub async fn terminate(&self, instance: &str) -> Result<(), FleetError> {
        let workers = self.workers().await?;
        let Some(worker) = workers.iter().find(|worker| worker.id == instance) else {
            // One that has ended for good is no longer listed, which is as well.
            return if instance.starts_with("i-") {
                Ok(())
            } else {
                Err(FleetError::Foreign(instance.to_owned()))
            };
        };
        self.end(vec![worker.id.clone()]).await
    }

    /// Asks EC2 once to end every worker, and returns how many it still shows.
    pub async fn terminate_all(&self) -> Result<usize, FleetError> {
        let left = self.workers().await?;
        let alive: Vec<String> = left
            .iter()
            .filter(|worker| worker.state != InstanceStateName::ShuttingDown)
            .map(|worker| worker.id.clone())
            .collect();
        if !alive.is_empty() {
            self.end(alive).await?;
        }
        Ok(left.len())
    }

    /// Asks EC2 once to end the workers that are not among these.
    pub async fn terminate_all_but(&self, hosts: &[WorkerHost]) -> Result<(), FleetError> {
        let is_other = |worker: &Instance| hosts.iter().all(|host| host.instance != worker.id);
        let workers = self.workers().await?.into_iter();
        let others: Vec<String> = workers
            .filter(|worker| worker.is_alive() && is_other(worker))
            .map(|worker| worker.id)
            .collect();
        if others.is_empty() {
            return Ok(());
        }
        self.end(others).await
    }

    /// Ends every worker, again and again until EC2 shows none.
    pub async fn terminate_until_none(&self) {
        loop {
            match self.terminate_all().await {
                Ok(0) => return,
                Ok(left) => tracing::info!(left, "workers are ending"),
                Err(error) => {
                    tracing::warn!(error = %crate::Chain(&error), "workers are to be ended again");
                }
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// Ends the master itself.
    pub async fn terminate_itself(&self, instance: &str) -> Result<(), FleetError> {
        self.end(vec![instance.to_owned()]).await
    }

    /// Starts worker `number` in the best way that there is capacity for.
    async fn start(&self, number: u32, name: &str, attempt: u32) -> Result<(), Shortage> {
        let mut short = None;
        let choice = Choice {
            types: &self.types,
            subnets: &self.subnets,
        };
        for (place, offer) in offers(number, choice, self.spot_percent)
            .into_iter()
            .enumerate()
        {
            // Another way is another request, and must have another token.
            let role = match place {
                0 => format!("worker-{number}"),
                _ => format!("worker-{number}-{place}"),
            };
            let token = self.run.client_token(&role, attempt);
            match self.ask_for(offer, name, &token).await {
                Err(Shortage::Capacity(code)) => short = Some(code),
                other => return other,
            }
        }
        Err(Shortage::Capacity(short.unwrap_or_default()))
    }

    async fn ask_for(&self, offer: Offer<'_>, name: &str, token: &str) -> Result<(), Shortage> {
        let tags = [
            ("Name", name),
            (tag::PIPELINE, &self.pipeline),
            (tag::RUN, self.run.as_str()),
            (tag::ROLE, role::WORKER),
        ];
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
        let answer = self
            .client
            .run_instances()
            .launch_template(
                LaunchTemplateSpecification::builder()
                    .launch_template_id(&self.template)
                    .version("$Latest")
                    .build(),
            )
            .min_count(1)
            .max_count(1)
            .client_token(token)
            .set_instance_type(offer.instance_type.map(InstanceType::from))
            .subnet_id(offer.subnet)
            .set_instance_market_options((offer.market == Market::Spot).then(|| {
                // Asked for once, and ended when it is taken away: both are the defaults.
                InstanceMarketOptionsRequest::builder()
                    .market_type(MarketType::Spot)
                    .build()
            }))
            .tag_specifications(
                TagSpecification::builder()
                    .resource_type(ResourceType::Instance)
                    .set_tags(Some(tags.to_vec()))
                    .build(),
            )
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        match error.code() {
            Some(code) if is_short(code) => Err(Shortage::Capacity(code.to_owned())),
            _ => Err(Shortage::Other(service("start a worker", error))),
        }
    }

    async fn end(&self, instances: Vec<String>) -> Result<(), FleetError> {
        self.client
            .terminate_instances()
            .set_instance_ids(Some(instances))
            .send()
            .await
            .map(drop)
            .map_err(|error| service("end instances", error))
    }
}

impl Instance {
    /// Returns whether the instance works or will.
    pub fn is_alive(&self) -> bool {
        matches!(
            self.state,
            InstanceStateName::Pending | InstanceStateName::Running
        )
    }
}

/// Why one instance was not started.
enum Shortage {
    Capacity(String),
    Other(FleetError),
}

fn worker(instance: &aws_sdk_ec2::types::Instance) -> Option<Instance> {
    let name = instance.tags().iter().find(|tag| tag.key() == Some("Name"));
    Some(Instance {
        id: instance.instance_id()?.to_owned(),
        name: name.and_then(Tag::value).unwrap_or_default().to_owned(),
        state: instance.state()?.name()?.clone(),
    })
}

fn service(action: &'static str, error: impl Into<BoxError>) -> FleetError {
    FleetError::Service {
        action,
        source: error.into(),
    }
}

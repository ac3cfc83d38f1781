//! The queue, the control table and EC2 as AWS has them.

use std::time::SystemTime;

use aws_sdk_ec2::{
    operation::run_instances::RunInstancesError,
    types::{
        InstanceMarketOptionsRequest, InstanceType, LaunchTemplateSpecification, MarketType,
        ResourceType, Tag, TagSpecification,
    },
};
use lightsout_aws::{Final, SdkConfig};
use lightsout_contract::Live;
use lightsout_control::{Queue, Table, code, number, putting, text, updating};
use lightsout_protocol::{
    control::{ASKED_AT, ATTEMPT, PART, RUNS},
    environment::LauncherEnvironment,
    fleet::{Choice, Market, Offer, is_short, master_offers, role, tag},
    launch::{Abandoned, Fault, Standing, Start, Step, Taking, World, Written},
    run::{Asking, Depth, Hold, Lease, RunId, RunState, UnixSeconds},
};

/// EC2's codes that mean a launch with this token has happened before.
const HAPPENED_BEFORE: [&str; 1] = ["IdempotentParameterMismatch"];

/// EC2's codes that blame the caller and yet may pass by themselves.
const MAY_PASS: [&str; 3] = ["RequestLimitExceeded", "Throttling", "RequestExpired"];

/// The pipeline's queue, control table and launch template.
pub struct Aws {
    ec2: aws_sdk_ec2::Client,
    table: Table,
    queue: Queue,
    environment: LauncherEnvironment<Live>,
}

impl Aws {
    /// Makes the clients that `environment` wants.
    pub fn new(config: &SdkConfig, environment: LauncherEnvironment<Live>) -> Self {
        Self {
            ec2: aws_sdk_ec2::Client::from_conf(
                aws_sdk_ec2::config::Builder::from(config)
                    .retry_classifier(Final::<RunInstancesError>::new(is_short))
                    .build(),
            ),
            table: Table::new(config, environment.control.address()),
            queue: Queue::new(config, environment.work.address()),
            environment,
        }
    }

    /// Lists how a master may be asked for, the best way first.
    fn offers(&self) -> Vec<Offer<'_>> {
        let choice = Choice {
            types: self.environment.master_types.address(),
            subnets: self.environment.subnets.address(),
        };
        master_offers(choice, self.environment.master_spot.value())
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
        self.queue.depth().await.map_err(fault(Step::Measure))
    }

    async fn standing(&self) -> Result<Standing, Fault> {
        self.table.standing().await.map_err(fault(Step::Read))
    }

    async fn take(&self, taking: &Taking<'_>) -> Result<Written, Fault> {
        let Taking {
            last,
            next,
            abandoned,
            asking,
            backlog,
            now,
        } = taking;
        let run = self
            .table
            .put(RUNS, next.run.as_str())
            .item("state", text(RunState::Requested.name()))
            .item("epoch", number(next.epoch))
            .item("started_at", number(*now))
            .item("backlog", number(*backlog))
            .item(ATTEMPT, number(asking.attempt.into()))
            .item(ASKED_AT, number(asking.at))
            .condition_expression("attribute_not_exists(#part)")
            .expression_attribute_names("#part", PART);
        let mut writes = vec![putting(self.table.succeed(*last, next)), putting(run)];
        if let Some(Abandoned { run, state }) = abandoned {
            writes.push(self.table.fail(run, *state, Abandoned::REASON, *now));
        }
        self.table.write(writes).await.map_err(fault(Step::Take))
    }

    fn ways(&self) -> u32 {
        u32::try_from(self.offers().len()).unwrap_or(u32::MAX)
    }

    async fn ask(
        &self,
        lease: &Lease,
        last: Option<Asking>,
        next: Asking,
    ) -> Result<Written, Fault> {
        let writes = vec![
            self.table.hold(lease, &lease.hold),
            self.table.ask(&lease.run, last, next),
        ];
        self.table.write(writes).await.map_err(fault(Step::Ask))
    }

    async fn start_master(&self, run: &RunId, token: &str, way: u32) -> Start {
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
        let place = usize::try_from(way.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(offer) = self.offers().get(place).copied() else {
            // The stacks had more to offer when this way was stored.
            return Start::Short("NoSuchOffer".to_owned());
        };
        let answer = self
            .ec2
            .run_instances()
            .launch_template(template)
            .client_token(token)
            .set_instance_type(offer.instance_type.map(InstanceType::from))
            .subnet_id(offer.subnet)
            .set_instance_market_options((offer.market == Market::Spot).then(|| {
                // Asked for once, and ended when it is taken away: both are the defaults.
                InstanceMarketOptionsRequest::builder()
                    .market_type(MarketType::Spot)
                    .build()
            }))
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
            .table
            .update(RUNS, lease.run.as_str())
            .update_expression("SET #state = :launching")
            .condition_expression("attribute_not_exists(#state) OR #state = :requested")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":launching", text(RunState::Launching.name()))
            .expression_attribute_values(":requested", text(RunState::Requested.name()));
        let writes = vec![self.table.hold(lease, &lease.hold), updating(run)];
        let written = self.table.write(writes).await;
        written.map_err(fault(Step::RecordLaunch))
    }

    async fn give_back(
        &self,
        lease: &Lease,
        asking: Asking,
        reason: &str,
        now: UnixSeconds,
    ) -> Result<Written, Fault> {
        let writes = vec![
            self.table.hold(lease, &Hold::Released),
            self.table.fail_asking(&lease.run, asking, reason, now),
        ];
        self.table
            .write(writes)
            .await
            .map_err(fault(Step::GiveBack))
    }
}

/// Tells a final refusal from an answer that leaves open what happened.
fn judge(code: String, status: Option<u16>) -> Start {
    let is_in = |codes: &[&str]| codes.contains(&code.as_str());
    if is_in(&HAPPENED_BEFORE) {
        Start::Started
    } else if is_short(&code) {
        // Some of these come with a server's status, and yet are a final answer.
        Start::Short(code)
    } else if status.is_some_and(|status| (400..500).contains(&status)) && !is_in(&MAY_PASS) {
        Start::Refused(code)
    } else {
        Start::Unanswered(code)
    }
}

fn fault(step: Step) -> impl Fn(String) -> Fault {
    move |code| Fault { step, code }
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
            Start::Short("InsufficientInstanceCapacity".to_owned())
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
}

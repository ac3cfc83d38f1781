//! What is recorded of a system, who is told of it, and what is kept for later.

use std::time::Duration;

use lightsout::{
    App, Asset, Pseudo, Removal, Scope, Stage, Tag,
    backup::{BackupRule, Plan, Vault, VaultLock},
    cloudtrail::Trail,
    cloudwatch::{AlarmRef, Dashboard, Expression, Metric, MissingData, Statistic, Widget},
    contract::{Binary, Program, SendInOrder, SendTo, Side, binary, environment},
    dynamodb::{Billing, StreamView, StreamedTableRef, Table, TableRef},
    ec2::{CidrError, Endpoint, Network, Zones},
    events::{EventBus, EventPattern, Schedule, Undelivered},
    join,
    kms::{Key, Wiring},
    lambda::{Code, Function},
    logs::{LogGroup, LogGroupRef, MetricFilter, Retention, Subscription},
    s3::{AuditBucket, Bucket, BucketRef, LogBucket, ObjectLock},
    sns::{FifoTopic, OpsTopic, Topic, TopicRef},
    sqs::{DeadLetters, Deduplication, FifoDeadLetters, FifoQueue, Queue, QueueRef},
};

/// A chart.
pub(crate) struct Chart;
/// What was found in a chart.
pub(crate) struct Coding;
/// A coding that a person has corrected.
pub(crate) struct Correction;
/// What happened to whom.
pub(crate) struct Notice;

environment! {
    /// What the auditor needs.
    pub(crate) struct AuditorEnvironment {
        /// Corrections, in order.
        corrections: SendInOrder<Correction> = "CORRECTIONS_QUEUE",
        /// What people should know.
        notices: SendTo<Notice> = "NOTICES_QUEUE",
    }
}

/// Follows each change to a coding.
pub(crate) struct Auditor;

impl Program for Auditor {
    const BINARY: Binary = binary!("auditor" in "examples/programs");
    type Message = Notice;
    type Environment<S: Side> = AuditorEnvironment<S>;
}

/// What is to be watched.
struct Storage {
    assets: BucketRef<()>,
    charts: BucketRef<Chart>,
    codings: StreamedTableRef<Coding>,
    counters: TableRef<u64>,
}

/// Who is told.
struct Messages {
    people: TopicRef,
    missed: QueueRef<Undelivered>,
    notices: QueueRef<Notice>,
    log: LogGroupRef,
    alarms: Vec<AlarmRef>,
}

/// The whole account, for a stage of this name.
pub(crate) fn app(stage: &str, removal: Removal) -> Result<App, CidrError> {
    let mut app = App::new("audit", Stage::new(stage));
    app.amend(Tag::new("Project", "clinic"));
    let storage = storage(&mut app.stack("Storage"), removal);
    let messages = messages(&mut app.stack("Messages"), removal, &storage)?;
    audit(&mut app.stack("Audit"), removal, &storage, &messages);
    backups(&mut app.stack("Backups"), removal, &storage, &messages);
    app.asset_store("Storage", storage.assets.id());
    Ok(app)
}

fn storage(stack: &mut Scope<'_>, removal: Removal) -> Storage {
    let key = Key::new("Charts and codings")
        .administered_by(join![
            "arn:",
            Pseudo::Partition,
            ":iam::",
            Pseudo::AccountId,
            ":role/keepers"
        ])
        .removal(removal);
    let key = stack.add("Key", key);
    let access = stack.add("AccessLogs", LogBucket::new().removal(removal));
    let charts = Bucket::new(&key)
        .access_logs(&access, "charts/")
        .event_bridge()
        .object_lock(ObjectLock::Each)
        .archive_after(365);
    let codings = Table::new(&key, "chart")
        .sort("version")
        .index("ByRun", "run", "chart")
        .billing(Billing::OnDemandUpTo {
            reads: 1000,
            writes: 1000,
        })
        .streamed(StreamView::Keys);
    let counters = Table::new(&key, "id")
        .ttl("expires")
        .billing(Billing::Provisioned {
            reads: 5,
            writes: 5,
        });
    Storage {
        assets: stack.add("Assets", Bucket::new(&key).access_logs(&access, "assets/")),
        charts: stack.add("Charts", charts),
        codings: stack.add("Codings", codings),
        counters: stack.add("Counters", counters),
    }
}

fn messages(
    stack: &mut Scope<'_>,
    removal: Removal,
    storage: &Storage,
) -> Result<Messages, CidrError> {
    let key = stack.add("Key", Key::new("Messages").removal(removal));
    let lost = stack.add("Lost", Queue::<Notice>::new(&key));
    let people = OpsTopic::new(&key)
        .email("oncall@clinic.example")
        .to_queue(&lost);
    let people = stack.add("People", people);
    let failed = stack.add("Failed", DeadLetters::new(&key).alarm(&people));
    let notices = Queue::new(&key)
        .visibility(Duration::from_mins(5))
        .delay(Duration::from_secs(5))
        .dead_letter(&failed, 3);
    let notices = stack.add("Notices", notices);
    let unordered = stack.add("Unordered", FifoDeadLetters::new(&key).alarm(&people));
    let corrections = FifoQueue::new(&key)
        .dead_letter(&unordered, 3)
        .deduplicate(Deduplication::Content);
    let corrections = stack.add("Corrections", corrections);
    stack.add("Corrected", FifoTopic::new(&key).to_queue(&corrections));

    let cidr = "10.30.0.0/16".parse()?;
    let network = Network::new(cidr, Zones::Two)
        .endpoint(Endpoint::Sqs)
        .flow_logs(&key);
    let network = stack.add("Network", network);
    let asset = stack.asset(Asset::program("Auditor", Auditor::BINARY));
    let environment = AuditorEnvironment {
        corrections: corrections.sender(),
        notices: notices.sender(),
    };
    let code = Code::new(asset, storage.assets.name());
    let failures = stack.add("Failures", Queue::new(&key));
    let auditor = Function::new(Auditor, environment, code, &network, &key)
        .failures_to(&failures)
        .on_changes(&storage.codings, 100)
        .on_messages(&notices, 10);
    let auditor = stack.add("Auditor", auditor);

    let undelivered = stack.add("Undelivered", Queue::new(&key));
    let coded = Topic::new(&key)
        .to_queue(&notices)
        .to_function(&auditor)
        .undelivered_to(&undelivered);
    let coded = stack.add("Coded", coded);
    let inbox = join!["audit-drop-", Pseudo::AccountId];
    let drop = Bucket::<Chart>::new(&key)
        .named(inbox)
        .notify_topic(&coded, "charts/");
    stack.add("Drop", drop);

    let missed = stack.add("Missed", Queue::new(&key));
    let bus = stack.add("Bus", EventBus::new(&key).undelivered_to(&missed));
    let ended = EventPattern::from_source("aws.ec2")
        .detail_type("EC2 Instance State-change Notification")
        .detail("state", ["terminated"]);
    let ended = ended
        .sends_to(&notices)
        .notifies(&coded)
        .invokes(&auditor)
        .sends_in_order(&corrections, "hosts")
        .undelivered_to(&missed)
        .retry(10)
        .give_up_after(Duration::from_hours(1));
    stack.add("Ended", ended);
    let own = EventPattern::from_source("clinic.coder").on_bus(&bus);
    stack.add("Own", own.sends_to(&notices).undelivered_to(&missed));
    let hourly = Schedule::every(Duration::from_hours(1));
    stack.add("Hourly", hourly.sends_to(&notices).undelivered_to(&missed));

    let log = LogGroup::new(&key).retention(Retention::Days90);
    let log = stack.add("Log", log);
    stack.add("Forward", Subscription::new(&log, "ERROR", &auditor));
    let refused = MetricFilter::new(&log, r#"{ $.event = "refused" }"#, "Clinic", "Refused");
    let refused = stack.add("Refused", refused).metric();
    let alarms = alarms(stack, &people, &notices, refused);
    Ok(Messages {
        people,
        missed,
        notices,
        log,
        alarms,
    })
}

fn alarms(
    stack: &mut Scope<'_>,
    people: &TopicRef,
    notices: &QueueRef<Notice>,
    refused: Metric,
) -> Vec<AlarmRef> {
    let of = |name: &str| Metric::new("AWS/Lambda", name).statistic(Statistic::Sum);
    let share = Expression::new("100 * errors / calls")
        .with("errors", of("Errors"))
        .with("calls", of("Invocations"))
        .label("Errors in percent");
    let slow = Metric::new("AWS/Lambda", "Duration").statistic(Statistic::P99);
    let refusals = refused
        .clone()
        .above(0)
        .notifies(people)
        .notifies_recovery(people);
    let alarms = vec![
        stack.add("Refusals", refusals),
        stack.add("Share", share.above(1).for_some(3, 5).notifies(people)),
        stack.add("Slow", slow.above(10_000).notifies(people)),
        stack.add("Unusual", refused.outside_band(3).notifies(people)),
        stack.add(
            "Silent",
            notices
                .depth()
                .below(1)
                .for_periods(60)
                .when_missing(MissingData::Bad)
                .notifies(people),
        ),
    ];
    let trouble = (alarms[0].in_alarm() | alarms[1].in_alarm()) & !alarms[2].in_alarm();
    let minute = Duration::from_mins(1);
    let trouble = trouble
        .notifies(people)
        .silent_during(&alarms[4], minute, minute)
        .describe("Work is refused, and not because all is slow");
    stack.add("Trouble", trouble);
    alarms
}

fn audit(stack: &mut Scope<'_>, removal: Removal, storage: &Storage, messages: &Messages) {
    let key = stack.add("Key", Key::new("Audit records").removal(removal));
    let access = stack.add("AccessLogs", LogBucket::new().removal(removal));
    let records = stack.add("Records", AuditBucket::new(&key, &access, "records/"));
    let trail = Trail::new(&records)
        .objects_of(&storage.charts)
        .items_of(&storage.codings.table())
        .items_of(&storage.counters)
        .watched_by(&messages.people);
    let trail = stack.add("Trail", trail);
    let imported = Key::imported(
        "arn:aws:kms:eu-central-1:111122223333:key/2f1c3c1e-0a5b-4c3d-9e8f-0123456789ab",
    );
    let imported = imported
        .with_statement_in_place(Wiring::LogGroups)
        .removal(removal);
    let elsewhere = stack.add("Elsewhere", imported);
    stack.add("Drills", LogGroup::audit(&elsewhere));
    let board = Dashboard::new()
        .row([Widget::text("# What waits, and what went wrong")])
        .row([
            Widget::graph("Backlog").metric(messages.notices.depth()),
            Widget::number("Oldest notice")
                .metric(messages.notices.oldest_message_age())
                .width(6),
        ])
        .row([
            Widget::alarms("Alarms", messages.alarms.iter().copied()),
            Widget::logs(
                "Errors",
                [messages.log, trail.logs()],
                "filter @message like \"Error\"\n| limit 20",
            ),
        ]);
    stack.add("Board", board);
}

fn backups(stack: &mut Scope<'_>, removal: Removal, storage: &Storage, messages: &Messages) {
    let key = stack.add("Key", Key::new("Backups").removal(removal));
    let vault = Vault::new(&key)
        .lock(VaultLock::Compliance { grace_days: 7 })
        .notifies(&messages.people, &messages.missed);
    let vault = stack.add("Vault", vault);
    let elsewhere = join![
        "arn:",
        Pseudo::Partition,
        ":backup:eu-west-1:",
        Pseudo::AccountId,
        ":backup-vault:copies"
    ];
    let monthly = BackupRule::cron("Monthly", "0 4 1 * ? *")
        .keep_days(2192)
        .cold_after_days(30);
    let plan = Plan::new(&vault, BackupRule::daily().copy_to(elsewhere))
        .rule(monthly)
        .table(&storage.codings.table())
        .table(&storage.counters)
        .bucket(&storage.charts);
    stack.add("Plan", plan);
}

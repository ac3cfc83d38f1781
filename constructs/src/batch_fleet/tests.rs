use std::time::Duration;

use lightsout_contract::{
    Binary, Program, ReceiveFrom, SendTo, Setting, Side, WriteItems, binary, environment,
    fleet::{ControlItem, ProgramArchive},
};
use lightsout_core::{App, Assembly, Stage, SynthError};

use lightsout_protocol::environment::{Launcher, Master, Reaper};

use super::*;
use crate::{
    cfn,
    ec2::{Endpoint, Network, UserDataFits, Zones},
    kms::Key,
    s3::Bucket,
    setting,
};
use lightsout_core::{AssetContents, AssetSource, Scope};

struct Page;

environment! {
    pub(crate) struct ReaderEnvironment {
        work: ReceiveFrom<Page> = "WORK_QUEUE",
        language: Setting<String> = "LANGUAGE",
    }
}

struct Reader;

impl Program for Reader {
    const BINARY: Binary = binary!("worker" in "examples/programs");
    type Message = Page;
    type Environment<S: Side> = ReaderEnvironment<S>;
}

type Reading<'a> = BatchFleet<'a, Launcher, Master, Reaper, Reader>;

/// Builds the stack `Reading` around a fleet that `change` has changed.
fn try_synth<'a>(
    change: impl FnOnce(Reading<'a>, &mut Scope<'_>) -> Reading<'a>,
) -> Result<Assembly, SynthError> {
    let mut app = App::new("library", Stage::new("dev"));
    app.check(UserDataFits);
    let mut storage = app.stack("Storage");
    let key = storage.add("Key", Key::new("Programs"));
    let programs = storage.add("Programs", Bucket::<ProgramArchive>::new(&key));
    app.asset_store("Storage", programs.id());
    let mut stack = app.stack("Reading");
    let fleet = BatchFleet::new(Launcher, Master, Reaper, Reader, &programs, |fleet| {
        ReaderEnvironment {
            work: fleet.jobs.receiver(),
            language: setting("en"),
        }
    });
    let fleet = change(fleet, &mut stack);
    stack.add("Fleet", fleet);
    app.synth()
}

fn synth() -> Assembly {
    try_synth(|fleet, _| fleet).unwrap()
}

fn problems<'a>(
    change: impl FnOnce(Reading<'a>, &mut Scope<'_>) -> Reading<'a>,
) -> Vec<(String, String)> {
    let problems = try_synth(change).unwrap_err().problems;
    problems
        .into_iter()
        .map(|problem| (problem.message, problem.hint.unwrap()))
        .collect()
}

/// The statements of the role that `of` acts with.
fn statements(assembly: &Assembly, of: &str) -> Vec<serde_json::Value> {
    let resources = &assembly.template("Reading").json()["Resources"];
    let policy = &resources[format!("{of}RolePolicy")]["Properties"]["PolicyDocument"];
    policy["Statement"].as_array().unwrap().clone()
}

fn allows(statement: &serde_json::Value, action: &str) -> bool {
    statement["Effect"] == "Allow"
        && statement["Action"]
            .as_array()
            .unwrap()
            .contains(&action.into())
}

#[test]
fn a_fleet_without_options_makes_all_that_it_needs() {
    let assembly = synth();
    let template = assembly.template("Reading");
    template.count::<cfn::sqs::Queue>(4);
    template.count::<cfn::dynamodb::Table>(1);
    template.count::<cfn::lambda::Function>(2);
    template.count::<cfn::ec2::LaunchTemplate>(2);
    template.count::<cfn::iam::InstanceProfile>(2);
    template.count::<cfn::cloudwatch::Alarm>(14);
    template.count::<cfn::events::Rule>(1);
    template.count::<cfn::sns::Topic>(1);
    template.count::<cfn::kms::Key>(1);
}

#[test]
fn nothing_runs_while_nothing_waits() {
    let assembly = synth();
    let template = assembly.template("Reading");
    template.count::<cfn::ec2::Instance>(0);
    template.count::<cfn::ec2::NatGateway>(0);
    template.count::<cfn::ec2::InternetGateway>(0);
    template.count::<cfn::ec2::Eip>(0);
    template.has(cfn::dynamodb::Table::matching().billing_mode("PAY_PER_REQUEST"));
}

#[test]
fn every_machine_is_private_encrypted_and_ends_when_it_is_switched_off() {
    let assembly = synth();
    for (id, template) in assembly
        .template("Reading")
        .resources::<cfn::ec2::LaunchTemplate>()
    {
        let data = &template["Properties"]["LaunchTemplateData"];
        assert_eq!(
            data["InstanceInitiatedShutdownBehavior"], "terminate",
            "{id}"
        );
        assert_eq!(data["MetadataOptions"]["HttpTokens"], "required", "{id}");
        // Who starts it chooses among the zones, none of which gives public addresses.
        assert!(data.get("NetworkInterfaces").is_none(), "{id}");
        assert!(data["SecurityGroupIds"].is_array(), "{id}");
        assert_eq!(
            data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"], true,
            "{id}"
        );
        assert!(data.get("KeyName").is_none(), "{id}");
        let script = data["UserData"]["Fn::Base64"]["Fn::Join"][1]
            .as_array()
            .unwrap();
        let body: String = script
            .iter()
            .filter_map(serde_json::Value::as_str)
            .collect();
        let first = body.lines().find(|line| {
            !line.is_empty()
                && !line.starts_with('#')
                && !line.starts_with("export ")
                && !line.starts_with('\'')
        });
        assert!(
            first
                .unwrap()
                .contains("--on-active=240m systemctl poweroff"),
            "{id}"
        );
    }
}

#[test]
fn only_the_master_reaches_workers_and_only_over_ssh() {
    let assembly = synth();
    let resources = &assembly.template("Reading").json()["Resources"];
    let ingress = |id: &str| resources[id]["Properties"]["SecurityGroupIngress"].clone();
    let into_workers = ingress("FleetWorkerGroup");
    assert_eq!(into_workers.as_array().unwrap().len(), 1);
    assert_eq!(into_workers[0]["FromPort"], 22);
    assert_eq!(into_workers[0]["ToPort"], 22);
    assert_eq!(
        into_workers[0]["SourceSecurityGroupId"]["Fn::GetAtt"][0],
        "FleetMasterGroup"
    );
    assert!(ingress("FleetMasterGroup").is_null());
}

/// What AWS ties to no resource, of all that a fleet's roles may do:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>.
const WITHOUT_RESOURCE: [&str; 9] = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
];

#[test]
fn no_role_has_a_wildcard_but_where_aws_knows_no_resource() {
    let assembly = synth();
    let mut roles = 0;
    for (id, policy) in assembly
        .template("Reading")
        .resources::<cfn::iam::ManagedPolicy>()
    {
        roles += 1;
        let statements = &policy["Properties"]["PolicyDocument"]["Statement"];
        for statement in statements.as_array().unwrap() {
            if statement["Effect"] != "Allow" {
                continue;
            }
            for action in statement["Action"].as_array().unwrap() {
                let action = action.as_str().unwrap();
                assert!(!action.contains('*'), "{id}: {action}");
                assert!(
                    statement["Resource"] != "*" || WITHOUT_RESOURCE.contains(&action),
                    "{id}: {action}"
                );
            }
        }
    }
    assert_eq!(roles, 5, "launcher, reaper, master, worker and flow logs");
}

#[test]
fn the_launcher_starts_masters_of_this_fleet_and_nothing_else() {
    let assembly = synth();
    let runs: Vec<_> = statements(&assembly, "FleetLauncher")
        .into_iter()
        .filter(|statement| allows(statement, "ec2:RunInstances"))
        .collect();
    assert!(!runs.is_empty());
    for run in &runs {
        let template = &run["Condition"]["ArnEquals"]["ec2:LaunchTemplate"];
        assert!(template.to_string().contains("\"FleetMaster\""), "{run}");
        if run.to_string().contains(":instance/*") {
            let equals = &run["Condition"]["StringEquals"];
            assert_eq!(
                equals["aws:RequestTag/lightsout:pipeline"],
                "library-dev-reading-fleet"
            );
            assert_eq!(equals["ec2:InstanceType"], "t4g.small");
        }
    }
    let may = |action: &str| {
        statements(&assembly, "FleetLauncher")
            .iter()
            .any(|statement| allows(statement, action))
    };
    assert!(!may("ec2:TerminateInstances"));
    assert!(!may("sqs:ReceiveMessage"));
    assert!(may("sqs:GetQueueAttributes"));
}

#[test]
fn a_worker_may_do_what_its_environment_says_and_announce_its_host() {
    let assembly = synth();
    let all = statements(&assembly, "FleetWorker");
    let put: Vec<_> = all
        .iter()
        .filter(|statement| allows(statement, "dynamodb:PutItem"))
        .collect();
    assert_eq!(put.len(), 1);
    assert_eq!(
        put[0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"],
        "hosts#*"
    );
    for action in [
        "ec2:RunInstances",
        "ec2:TerminateInstances",
        "sqs:SendMessage",
        "iam:PassRole",
    ] {
        assert!(
            !all.iter().any(|statement| allows(statement, action)),
            "{action}"
        );
    }
}

#[test]
fn the_master_ends_machines_of_this_fleet_only() {
    let assembly = synth();
    let ends: Vec<_> = statements(&assembly, "FleetMaster")
        .into_iter()
        .filter(|statement| allows(statement, "ec2:TerminateInstances"))
        .collect();
    assert_eq!(ends.len(), 2, "workers, and masters");
    for end in ends {
        let tags = &end["Condition"]["StringEquals"];
        assert_eq!(
            tags["aws:ResourceTag/lightsout:pipeline"],
            "library-dev-reading-fleet"
        );
        assert!(tags["aws:ResourceTag/lightsout:role"].is_string());
    }
}

#[test]
fn the_reaper_ends_every_machine_of_this_fleet_and_wakes_its_launcher() {
    let assembly = synth();
    let all = statements(&assembly, "FleetReaper");
    let allowed = |action: &str| -> Vec<&serde_json::Value> {
        all.iter()
            .filter(|statement| allows(statement, action))
            .collect()
    };
    let [end] = allowed("ec2:TerminateInstances")[..] else {
        panic!("one statement lets it end machines");
    };
    let tags = &end["Condition"]["StringEquals"];
    let wanted =
        serde_json::json!({"aws:ResourceTag/lightsout:pipeline": "library-dev-reading-fleet"});
    assert_eq!(*tags, wanted, "of both roles");
    let [wake] = allowed("lambda:InvokeFunction")[..] else {
        panic!("one statement lets it invoke");
    };
    assert_eq!(wake["Resource"]["Fn::GetAtt"][0], "FleetLauncher", "{wake}");
    for action in ["ec2:RunInstances", "iam:PassRole", "sqs:ReceiveMessage"] {
        assert!(allowed(action).is_empty(), "{action}");
    }
}

#[test]
fn the_clock_invokes_the_reaper_which_knows_its_pace_and_its_patience() {
    let limits = Limits::new().boot(Duration::from_mins(7));
    let assembly = try_synth(|fleet, _| fleet.limits(limits)).unwrap();
    let resources = &assembly.template("Reading").json()["Resources"];
    let targets = resources["FleetHeartbeat"]["Properties"]["Targets"].to_string();
    assert!(targets.contains("FleetReaper"), "{targets}");
    let variables = &resources["FleetReaper"]["Properties"]["Environment"]["Variables"];
    assert_eq!(variables["SWEEP_SECONDS"], "300");
    assert_eq!(variables["GRACE_SECONDS"], "840");
    assert_eq!(variables["DEADLINE_SECONDS"], "14400");
    let filter = resources["FleetWakeUpsInVain"]["Properties"]["FilterPattern"].clone();
    assert_eq!(filter, "{ $.rearming = \"at_cap\" }");
}

#[test]
fn runs_start_by_backlog_by_age_and_by_the_clock() {
    let triggers = Triggers::new()
        .backlog(7)
        .oldest(Duration::from_mins(2))
        .heartbeat(Duration::from_mins(10));
    let assembly = try_synth(|fleet, _| fleet.triggers(triggers)).unwrap();
    let template = assembly.template("Reading");
    let resources = &template.json()["Resources"];
    for (id, threshold) in [("FleetBacklog", 7), ("FleetOldest", 120)] {
        let alarm = &resources[id]["Properties"];
        assert_eq!(alarm["Threshold"], threshold);
        assert_eq!(alarm["AlarmActions"][0]["Fn::GetAtt"][0], "FleetLauncher");
        assert_eq!(alarm["TreatMissingData"], "notBreaching");
    }
    template.has(cfn::events::Rule::new().schedule_expression("rate(10 minutes)"));
}

#[test]
fn a_person_is_told_of_dead_letters_errors_and_runs_that_never_end() {
    let assembly = synth();
    let resources = &assembly.template("Reading").json()["Resources"];
    for id in [
        "FleetDeadLetters",
        "FleetLauncherErrors",
        "FleetReaped",
        "FleetReaperErrors",
        "FleetRunTooLong",
        "FleetWorkLeft",
    ] {
        assert_eq!(
            resources[id]["Properties"]["AlarmActions"][0]["Ref"], "FleetAlerts",
            "{id}"
        );
    }
    let too_long = &resources["FleetRunTooLong"]["Properties"];
    assert_eq!(too_long["Threshold"], 4 * 3600 + 900);
    let filter = &resources["FleetRunSeconds"]["Properties"];
    assert_eq!(filter["LogGroupName"]["Ref"], "FleetLauncherLogs");
    assert_eq!(
        filter["MetricTransformations"][0]["MetricNamespace"],
        too_long["Namespace"]
    );
}

#[test]
fn what_is_there_already_is_not_made_again() {
    let assembly = try_synth(|fleet, stack| {
        let key = stack.add("Key", Key::new("All"));
        let network = Network::new("10.9.0.0/16".parse().unwrap(), Zones::Three)
            .endpoint(Endpoint::Ec2)
            .endpoint(Endpoint::Sqs);
        let network = stack.add("Network", network);
        let failed = stack.add("Lost", crate::sqs::DeadLetters::new(&key));
        let jobs = stack.add(
            "Pages",
            crate::sqs::Queue::new(&key).dead_letter(&failed, 2),
        );
        let alerts = stack.add("People", crate::sns::Topic::new(&key));
        fleet
            .key(&key)
            .network(&network)
            .jobs(&jobs, &failed)
            .alerts(&alerts)
    })
    .unwrap();
    let template = assembly.template("Reading");
    template.count::<cfn::kms::Key>(1);
    template.count::<cfn::ec2::Vpc>(1);
    template.count::<cfn::sqs::Queue>(4);
    template.count::<cfn::sns::Topic>(1);
}

#[test]
fn two_fleets_of_one_app_keep_apart() {
    let mut app = App::new("library", Stage::new("dev"));
    let mut storage = app.stack("Storage");
    let key = storage.add("Key", Key::new("Programs"));
    let programs = storage.add("Programs", Bucket::<ProgramArchive>::new(&key));
    app.asset_store("Storage", programs.id());
    let mut stack = app.stack("Reading");
    let names = ["Fast", "Slow"].map(|id| {
        let fleet = BatchFleet::new(Launcher, Master, Reaper, Reader, &programs, |fleet| {
            ReaderEnvironment {
                work: fleet.jobs.receiver(),
                language: setting(id),
            }
        });
        stack.add(id, fleet).name
    });
    assert_eq!(
        names,
        ["library-dev-reading-fast", "library-dev-reading-slow"]
    );
    app.synth().unwrap();
}

#[test]
fn spot_instances_take_what_ec2_needs_for_them() {
    let hosts = Hosts::x86_64()
        .worker_types(["c7i.large", "m7i.large"])
        .spot_percent(70);
    let assembly = try_synth(|fleet, _| fleet.hosts(hosts)).unwrap();
    let all = statements(&assembly, "FleetMaster");
    let linked = all
        .iter()
        .find(|statement| allows(statement, "iam:CreateServiceLinkedRole"))
        .unwrap();
    assert_eq!(
        linked["Condition"]["StringEquals"]["iam:AWSServiceName"],
        "spot.amazonaws.com"
    );
    let instance = all
        .iter()
        .find(|statement| {
            statement["Resource"].to_string().contains(":instance/*")
                && allows(statement, "ec2:RunInstances")
        })
        .unwrap();
    assert_eq!(
        instance["Condition"]["StringEquals"]["ec2:InstanceType"],
        serde_json::json!(["c7i.large", "m7i.large"])
    );
    let resources = &assembly.template("Reading").json()["Resources"];
    let key = resources["FleetKey"]["Properties"]["KeyPolicy"].to_string();
    assert!(key.contains("AWSServiceRoleForEC2Spot"), "{key}");
    let boot = resources["FleetMaster"].to_string();
    assert!(boot.contains("export SPOT_PERCENT='70'"), "{boot}");
    assert!(
        boot.contains("export WORKER_TYPES='c7i.large,m7i.large'"),
        "{boot}"
    );
}

#[test]
fn a_fleet_without_spot_instances_needs_nothing_for_them() {
    let template = synth().template("Reading").json().to_string();
    assert!(!template.contains("spot"), "{template}");
}

#[test]
fn the_bundle_holds_both_programs_and_our_playbooks() {
    let AssetContents::Files(files) =
        bundle::of::<Master, Reader>("Bundle".to_owned(), None).contents
    else {
        panic!("a bundle has several files");
    };
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "master",
            "worker",
            "playbooks/ansible.cfg",
            "playbooks/callback_plugins/run_events.py",
            "playbooks/site.yml",
        ]
    );
    let AssetContents::Files(files) =
        bundle::of::<Master, Reader>("Bundle".to_owned(), Some("ops".to_owned())).contents
    else {
        panic!("a bundle has several files");
    };
    assert_eq!(files[2].source, AssetSource::Path("ops".to_owned()));
}

#[test]
fn every_embedded_playbook_is_listed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/batch_fleet/playbooks");
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    assert_eq!(count(folder), 3);
    assert_eq!(count(&format!("{folder}/callback_plugins")), 1);
}

#[test]
fn limits_that_cannot_be_are_reported_together_with_what_would_do() {
    let limits = Limits::new()
        .most_workers(0)
        .messages_per_worker(0)
        .attempts(0)
        .visibility(Duration::from_hours(13))
        .lease(Duration::from_mins(4))
        .deadline(Duration::from_hours(49));
    let found = problems(|fleet, _| fleet.limits(limits).triggers(Triggers::new().backlog(0)));
    for (wrong, hint) in [
        (
            "has `0` as its most workers",
            "give `Limits::most_workers` 1 to 500",
        ),
        (
            "has `0` messages for a worker",
            "give `Limits::messages_per_worker` at least 1",
        ),
        (
            "has `0` attempts for a message",
            "give `Limits::attempts` 1 to 1000",
        ),
        (
            "has `46800 s` as its `Limits::visibility`",
            "give `Limits::visibility` 10 to 43200 seconds",
        ),
        (
            "has `176400 s` as its `Limits::deadline`",
            "give `Limits::deadline` 300 to 172800 seconds",
        ),
        (
            "starts a run for `0` messages",
            "give `Triggers::backlog` at least 1",
        ),
    ] {
        let problem = (format!("`Reading/Fleet` {wrong}"), hint.to_owned());
        assert!(found.contains(&problem), "{wrong}: {found:?}");
    }
    let told_by_the_fleet = |(wrong, _): &&(String, String)| wrong.starts_with("`Reading/Fleet` ");
    assert_eq!(found.iter().filter(told_by_the_fleet).count(), 6);
}

#[test]
fn a_lease_as_long_as_the_deadline_is_a_problem() {
    let limits = Limits::new()
        .lease(Duration::from_mins(10))
        .deadline(Duration::from_mins(10));
    let found = problems(|fleet, _| fleet.limits(limits));
    assert_eq!(
        found[0].0,
        "`Reading/Fleet` has a lease of 600 s, as long as its deadline of 600 s"
    );
}

#[test]
fn machines_that_cannot_be_are_problems() {
    let none: [&str; 0] = [];
    let found = problems(|fleet, _| fleet.hosts(Hosts::arm64().worker_types(none)));
    assert_eq!(
        found[0].1,
        "give `Hosts::worker_types` at least one, such as `c7g.large`"
    );
    let hosts = Hosts::arm64()
        .master_types(["large"])
        .worker_types(["c7i.large", "c7g.large", "c7g.large"])
        .spot_percent(101);
    let found: Vec<_> = problems(|fleet, _| fleet.hosts(hosts))
        .into_iter()
        .map(|(wrong, _)| wrong)
        .collect();
    for wrong in [
        "names the instance type `c7g.large` twice",
        "has the instance type `large`, which is none",
        "has the instance type `c7i.large`, which is of another processor",
        "asks for `101` spot instances of a hundred",
    ] {
        assert!(
            found.contains(&format!("`Reading/Fleet` {wrong}")),
            "{found:?}"
        );
    }
}

#[test]
fn a_given_network_gets_the_endpoints_that_the_machines_call() {
    let assembly = try_synth(|fleet, stack| {
        let network = Network::new("10.9.0.0/16".parse().unwrap(), Zones::Two);
        fleet.network(&stack.add("Network", network))
    })
    .unwrap();
    let template = assembly.template("Reading");
    for endpoint in ["NetworkEc2Endpoint", "NetworkSqsEndpoint"] {
        assert!(
            template.json()["Resources"][endpoint].is_object(),
            "{endpoint}"
        );
    }
}

#[test]
fn a_name_that_is_no_tag_is_a_problem() {
    for name in ["", "kö", "a b", &"x".repeat(129)] {
        let found = problems(|fleet, _| fleet.named(name));
        assert_eq!(found[0].0, format!("`Reading/Fleet` is named `{name}`"));
    }
}

environment! {
    pub(crate) struct IdleEnvironment {
        elsewhere: SendTo<Page> = "ELSEWHERE",
        control: Setting<String> = "CONTROL_TABLE",
    }
}

struct Idle;

impl Program for Idle {
    const BINARY: Binary = binary!("worker" in "examples/programs");
    type Message = Page;
    type Environment<S: Side> = IdleEnvironment<S>;
}

#[test]
fn a_worker_that_does_not_receive_or_hides_the_control_table_is_a_problem() {
    let mut app = App::new("library", Stage::new("dev"));
    let mut stack = app.stack("Reading");
    let key = stack.add("Key", Key::new("Programs"));
    let programs = stack.add("Programs", Bucket::<ProgramArchive>::new(&key));
    let fleet = BatchFleet::new(Launcher, Master, Reaper, Idle, &programs, |fleet| {
        IdleEnvironment {
            elsewhere: fleet.jobs.sender(),
            control: setting("mine"),
        }
    });
    stack.add("Fleet", fleet);
    app.asset_store("Reading", programs.id());
    let error = app.synth().unwrap_err().to_string();
    assert!(
        error.contains("has a worker that does not receive from the fleet's queue"),
        "{error}"
    );
    assert!(
        error.contains("has a worker with a variable `CONTROL_TABLE` of its own"),
        "{error}"
    );
}

environment! {
    pub(crate) struct AwareEnvironment {
        work: ReceiveFrom<Page> = "WORK_QUEUE",
        control: WriteItems<ControlItem> = "CONTROL_TABLE",
    }
}

struct Aware;

impl Program for Aware {
    const BINARY: Binary = binary!("worker" in "examples/programs");
    type Message = Page;
    type Environment<S: Side> = AwareEnvironment<S>;
}

#[test]
fn a_worker_may_look_at_its_run() {
    let mut app = App::new("library", Stage::new("dev"));
    let mut storage = app.stack("Storage");
    let key = storage.add("Key", Key::new("Programs"));
    let programs = storage.add("Programs", Bucket::<ProgramArchive>::new(&key));
    let fleet = BatchFleet::new(Launcher, Master, Reaper, Aware, &programs, |fleet| {
        AwareEnvironment {
            work: fleet.jobs.receiver(),
            control: fleet.control.writer(),
        }
    });
    app.stack("Reading").add("Fleet", fleet);
    app.asset_store("Storage", programs.id());
    let assembly = app.synth().unwrap();
    let script = assembly.template("Reading").json()["Resources"]["FleetWorker"].to_string();
    assert_eq!(script.matches("export CONTROL_TABLE=").count(), 1);
}

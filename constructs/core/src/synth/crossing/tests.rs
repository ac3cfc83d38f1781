use serde_json::{Value as Json, json};

use crate::{
    App, Arn, Assembly, Environment, Part, Problem, ProblemKind, RawResource, Stage, Value,
    fixtures::{Queue, Table, Vpc, dev},
    join, select,
};

fn here() -> App {
    App::new(
        "lightsout",
        Stage::new("dev")
            .region("eu-central-1")
            .account("111122223333"),
    )
}

fn problem(app: &App) -> Problem {
    let problems = app.synth().unwrap_err().problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].clone()
}

/// What the queue `Jobs` in the stack `Api` has as its name.
fn name(assembly: &Assembly) -> Json {
    assembly.template("Api").json()["Resources"]["Jobs"]["Properties"]["QueueName"].clone()
}

fn outputs(assembly: &Assembly) -> Json {
    assembly.template("Storage").json()["Outputs"].clone()
}

#[test]
fn a_weak_reference_reads_an_output_that_is_not_exported() {
    let mut app = dev();
    let table = app.stack("Storage").add("Charts", Table::new());
    let text: Value<String> = table.get(Table::ARN).weak().into();
    app.stack("Api").add("Jobs", Queue::new().queue_name(text));
    let assembly = app.synth().unwrap();
    assert_eq!(
        name(&assembly),
        json!({"Fn::GetStackOutput": {
            "StackName": "lightsout-dev-storage",
            "OutputName": "ExportChartsArn",
        }})
    );
    let value = json!({"Value": {"Fn::GetAtt": ["Charts", "Arn"]}});
    assert_eq!(outputs(&assembly), json!({"ExportChartsArn": value}));
    assert_eq!(assembly.stack("Api").unwrap().dependencies(), ["Storage"]);
}

#[test]
fn a_whole_app_can_refer_weakly() {
    let mut app = dev();
    app.weak_references();
    let table = app.stack("Storage").add("Charts", Table::new());
    let text = join!["arn is ", table.get(Table::ARN)];
    app.stack("Api").add("Jobs", Queue::new().queue_name(text));
    let assembly = app.synth().unwrap();
    assert!(name(&assembly)["Fn::Join"][1][1]["Fn::GetStackOutput"].is_object());
    assert!(
        outputs(&assembly)["ExportChartsArn"]
            .get("Export")
            .is_none()
    );
}

#[test]
fn within_its_stack_a_weak_reference_is_like_any_other() {
    let mut app = dev();
    let mut stack = app.stack("Api");
    let table = stack.add("Charts", Table::new());
    let text: Value<String> = table.get(Table::ARN).weak().into();
    stack.add("Jobs", Queue::new().queue_name(text));
    let assembly = app.synth().unwrap();
    assert_eq!(name(&assembly), json!({"Fn::GetAtt": ["Charts", "Arn"]}));
}

#[test]
fn who_imports_and_who_reads_share_an_output() {
    let mut app = dev();
    let table = app.stack("Storage").add("Charts", Table::new());
    let text = || -> Value<String> { table.get(Table::ARN).into() };
    app.stack("Api")
        .add("Jobs", Queue::new().queue_name(text().weak()));
    app.stack("Fleet")
        .add("Jobs", Queue::new().queue_name(text()));
    let assembly = app.synth().unwrap();
    let export = &outputs(&assembly)["ExportChartsArn"]["Export"]["Name"];
    assert_eq!(export, "lightsout-dev-storage:ChartsArn");
    assert!(name(&assembly)["Fn::GetStackOutput"].is_object());
}

#[test]
fn a_list_is_joined_on_one_side_and_split_on_the_other() {
    for is_weak in [false, true] {
        let mut app = dev();
        let network = app
            .stack("Storage")
            .add("Net", Vpc::new().cidr_block("10.0.0.0/16"));
        let list = network.get(Vpc::CIDR_BLOCKS);
        let list = if is_weak { list.weak() } else { list };
        app.stack("Api")
            .add("Jobs", Queue::new().queue_name(select(0, list)));
        let assembly = app.synth().unwrap();
        let list = &name(&assembly)["Fn::Select"][1];
        assert_eq!(list["Fn::Split"][0], "||");
        let import = if is_weak {
            "Fn::GetStackOutput"
        } else {
            "Fn::ImportValue"
        };
        assert!(list["Fn::Split"][1].get(import).is_some(), "{list}");
        assert_eq!(
            outputs(&assembly)["ExportNetCidrBlockAssociations"]["Value"],
            json!({"Fn::Join": ["||", {"Fn::GetAtt": ["Net", "CidrBlockAssociations"]}]})
        );
    }
    // In its own stack it is a list as it is.
    let mut app = dev();
    let mut stack = app.stack("Api");
    let network = stack.add("Net", Vpc::new().cidr_block("10.0.0.0/16"));
    stack.add(
        "Jobs",
        Queue::new().queue_name(select(0, network.get(Vpc::CIDR_BLOCKS))),
    );
    let assembly = app.synth().unwrap();
    assert_eq!(
        name(&assembly)["Fn::Select"][1]["Fn::GetAtt"],
        json!(["Net", "CidrBlockAssociations"])
    );
}

fn across(
    app: &mut App,
    environment: Environment,
    change: impl Fn(Value<String>) -> Value<String>,
) {
    let table = app
        .stack_in("Storage", environment)
        .add("Charts", Table::new());
    let text = change(table.get(Table::ARN).into());
    app.stack("Api").add("Jobs", Queue::new().queue_name(text));
}

#[test]
fn a_reference_across_regions_is_refused_unless_it_is_weak() {
    let there = || Environment::new().region("us-east-1");
    let mut app = here();
    across(&mut app, there(), |text| text);
    let refused = problem(&app);
    assert_eq!(refused.kind, ProblemKind::Environment);
    assert_eq!(refused.path, "Api/Jobs");
    assert_eq!(refused.property.as_deref(), Some("QueueName"));
    assert_eq!(
        refused.found.as_deref(),
        Some("aws://111122223333/us-east-1")
    );
    assert!(refused.hint.unwrap().contains("`.weak()`"));

    let mut app = here();
    across(&mut app, there(), Value::weak);
    let assembly = app.synth().unwrap();
    assert_eq!(name(&assembly)["Fn::GetStackOutput"]["Region"], "us-east-1");
    let environment = assembly.stack("Storage").unwrap().environment();
    assert_eq!(environment.account.as_deref(), Some("111122223333"));
    let folder = tempfile::tempdir().unwrap();
    assembly.write(folder.path()).unwrap();
    assert_eq!(crate::read_assemblies(folder.path()).unwrap(), [assembly]);

    // What is elsewhere for sure cannot be read from where nobody knows.
    let mut app = dev();
    let table = app.stack("Storage").add("Charts", Table::new());
    let text: Value<String> = table.get(Table::ARN).weak().into();
    app.stack_in("Api", there())
        .add("Jobs", Queue::new().queue_name(text));
    assert!(problem(&app).hint.unwrap().contains("`Stage::region`"));
}

#[test]
fn another_account_is_read_with_a_role() {
    let there = || Environment::new().account("444455556666");
    for is_weak in [false, true] {
        let mut app = here();
        across(
            &mut app,
            there(),
            |text| if is_weak { text.weak() } else { text },
        );
        assert!(problem(&app).hint.unwrap().contains("weak_as"));
    }
    let mut app = here();
    across(&mut app, there(), |text| {
        text.weak_as("arn:aws:iam::444455556666:role/reader")
    });
    let assembly = app.synth().unwrap();
    assert_eq!(
        name(&assembly)["Fn::GetStackOutput"]["RoleArn"],
        "arn:aws:iam::444455556666:role/reader"
    );
}

#[test]
fn nothing_crosses_partitions() {
    let mut app = here();
    across(
        &mut app,
        Environment::new().region("cn-north-1"),
        Value::weak,
    );
    assert!(problem(&app).hint.unwrap().contains("partitions"));
}

#[test]
fn accounts_and_regions_look_as_they_do_in_aws() {
    for environment in [
        Environment::new().account("42"),
        Environment::new().region("Frankfurt"),
    ] {
        let mut app = here();
        app.stack_in("Api", environment).add("Jobs", Queue::new());
        assert_eq!(problem(&app).kind, ProblemKind::InvalidId);
    }
    let mut app = here();
    app.stack_in("Api", Environment::new().region("us-east-1"))
        .add("Jobs", Queue::new());
    app.stack_in("Api", Environment::new().region("us-east-2"));
    assert_eq!(problem(&app).kind, ProblemKind::DuplicateId);
    // Reopening a stack needs no region.
    let mut app = here();
    app.stack_in("Api", Environment::new().region("us-east-1"))
        .add("Jobs", Queue::new());
    app.stack("Api").add("More", Queue::new());
    assert!(app.synth().is_ok());
}

#[test]
fn only_what_is_known_once_deployed_can_be_kept() {
    let mut app = dev();
    app.stack("Api").add("Jobs", Queue::new());
    app.keep_export(Value::from("text"));
    assert_eq!(problem(&app).kind, ProblemKind::Export);

    let mut other = dev();
    let table = other.stack("Storage").add("Charts", Table::new());
    let mut app = dev();
    app.stack("Api").add("Jobs", Queue::new());
    app.keep_export(table.get(Table::ARN));
    assert_eq!(problem(&app).kind, ProblemKind::ForeignReference);

    // Each reference of a joined text is kept.
    let mut app = dev();
    let mut stack = app.stack("Storage");
    let (one, two) = (
        stack.add("One", Table::new()),
        stack.add("Two", Table::new()),
    );
    app.keep_export(join![one.get(Table::ARN), Part::from(two.reference())]);
    let assembly = app.synth().unwrap();
    let outputs = outputs(&assembly);
    let names: Vec<&String> = outputs.as_object().unwrap().keys().collect();
    assert_eq!(names, ["ExportOneArn", "ExportTwoRef"]);
}

#[test]
fn two_values_whose_exports_are_called_alike_are_a_problem() {
    let mut app = dev();
    let mut stack = app.stack("Storage");
    let jobs = stack.add(
        "Jobs",
        RawResource::new("Custom::Jobs").with("ServiceToken", "t"),
    );
    let root = RawResource::new("Custom::Jobs").with("ServiceToken", "t");
    let root = stack.add("JobsRoot", root);
    let values: [Value<Arn<()>>; 2] = [jobs.id().attribute("RootArn"), root.id().attribute("Arn")];
    for (index, value) in values.into_iter().enumerate() {
        app.stack("Api").add(
            &format!("Jobs{index}"),
            Queue::new().queue_name(value.text()),
        );
    }
    let found = problem(&app);
    assert_eq!(found.kind, ProblemKind::LogicalIdCollision);
    assert!(found.message.contains("`Jobs.RootArn`") && found.message.contains("`JobsRoot.Arn`"));
}

use crate::{
    App, Assembly, Construct, Problem, ProblemKind, Scope, Stage, Value,
    fixtures::{Key, Queue, Table, dev},
    read_assemblies,
};

/// A construct with a table below it.
struct Records;

impl Construct for Records {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        scope.add("Table", Table::new());
        scope.add("Jobs", Queue::new());
    }
}

fn with(id: &str) -> App {
    let mut app = dev();
    app.stack("Storage").add(id, Records);
    app
}

/// Writes an assembly and reads it again, as the next synth meets it.
fn committed(app: &App) -> Assembly {
    let folder = tempfile::tempdir().unwrap();
    app.synth().unwrap().write(folder.path()).unwrap();
    read_assemblies(folder.path()).unwrap().remove(0)
}

fn problems(app: &App, previous: &Assembly) -> Vec<Problem> {
    app.synth_against(previous).unwrap_err().problems
}

fn kinds(app: &App) -> Vec<ProblemKind> {
    let problems = app.synth().unwrap_err().problems;
    problems.iter().map(|problem| problem.kind).collect()
}

#[test]
fn a_renamed_table_is_a_problem_until_the_move_is_declared() {
    let before = committed(&with("Old"));
    assert!(with("Old").synth_against(&before).is_ok());

    let mut app = with("New");
    let found = problems(&app, &before);
    // The queue holds nothing.
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].kind, ProblemKind::Identity);
    assert_eq!(found[0].path, "Storage/Old/Table");
    let hint = found[0].hint.as_deref().unwrap();
    let line = r#"`app.moved("Storage/Old", "Storage/New")`"#;
    assert!(hint.contains(line), "{hint}");
    let place = found[0].location.unwrap();
    assert!(place.file().ends_with("identity/tests.rs"), "{place}");

    app.moved("Storage/Old", "Storage/New");
    let after = app.synth_against(&before).unwrap();
    let (old, new) = (before.template("Storage"), after.template("Storage"));
    assert_eq!(old.json(), new.json());
    assert_eq!(
        after.stack("Storage").unwrap().path_of("OldTable"),
        Some("New/Table")
    );
}

#[test]
fn a_moved_table_is_referred_to_by_its_old_name() {
    let mut app = dev();
    let table = app.stack("Storage").add("New", Table::new());
    let arn: Value<String> = table.get(Table::ARN).into();
    app.stack("Api").add("Jobs", Queue::new().queue_name(arn));
    app.moved("Storage/Old", "Storage/New");
    let assembly = app.synth().unwrap();
    let import = &assembly.template("Api").json()["Resources"]["Jobs"]["Properties"]["QueueName"];
    assert_eq!(import["Fn::ImportValue"], "lightsout-dev-storage:OldArn");
    let outputs = &assembly.template("Storage").json()["Outputs"];
    assert_eq!(outputs["ExportOldArn"]["Value"]["Fn::GetAtt"][0], "Old");
}

#[test]
fn moves_follow_each_other() {
    let before = committed(&with("First"));
    let mut app = with("Third");
    app.moved("Storage/Second", "Storage/Third");
    app.moved("Storage/First", "Storage/Second");
    assert!(app.synth_against(&before).is_ok());
}

#[test]
fn a_table_can_be_wrapped_in_a_construct() {
    let mut app = dev();
    app.stack("Storage").add("Records", Table::new());
    let before = committed(&app);
    let mut app = with("Records");
    assert_eq!(problems(&app, &before).len(), 1);
    app.moved("Storage/Records", "Storage/Records/Table");
    let after = app.synth_against(&before).unwrap();
    let resources = &after.template("Storage").json()["Resources"];
    assert!(resources["Records"].is_object() && resources["RecordsJobs"].is_object());

    // And unwrapped again.
    let before = committed(&with("Records"));
    let mut app = dev();
    app.stack("Storage").add("Records", Table::new());
    app.moved("Storage/Records/Table", "Storage/Records");
    assert!(app.synth_against(&before).is_ok());
}

#[test]
fn a_move_that_fits_nothing_is_a_problem() {
    let wrong = [
        ("Storage/New", "Storage/Else"), // still there
        ("Storage/Old", "Storage/Else"), // goes nowhere
        ("Storage/Old", "Archive/New"),  // another stack
        ("Storage", "Storage"),          // a stack
        ("Storage/New", "Storage/New"),  // nothing moves
    ];
    for (from, to) in wrong {
        let mut app = with("New");
        app.moved(from, to);
        assert_eq!(kinds(&app), [ProblemKind::Move], "{from} to {to}");
    }
    let mut app = with("New");
    app.moved("Storage/Old", "Storage/New");
    app.moved("Storage/Older", "Storage/New");
    assert_eq!(kinds(&app), [ProblemKind::Move]);

    // Two constructs cannot trade places: one of them is always still there.
    let mut app = with("One");
    app.stack("Storage").add("Two", Records);
    app.moved("Storage/One", "Storage/Two");
    app.moved("Storage/Two", "Storage/One");
    assert_eq!(kinds(&app), [ProblemKind::Move, ProblemKind::Move]);
}

#[test]
fn a_removed_table_is_a_problem_until_it_is_declared_gone() {
    let before = committed(&with("Old"));
    let mut app = dev();
    app.stack("Storage").add("Jobs", Queue::new());
    let found = problems(&app, &before);
    assert_eq!(found.len(), 1);
    let hint = found[0].hint.as_deref().unwrap();
    assert!(hint.contains(r#"app.gone("Storage/Old/Table")"#), "{hint}");
    app.gone("Storage/Old");
    assert!(app.synth_against(&before).is_ok());

    // A stack that is gone takes its tables along.
    let mut app = dev();
    app.stack("Api").add("Jobs", Queue::new());
    assert_eq!(problems(&app, &before)[0].kind, ProblemKind::Identity);
    app.gone("Storage");
    assert!(app.synth_against(&before).is_ok());

    let mut app = with("Old");
    app.gone("Storage/Old/Table");
    assert_eq!(kinds(&app), [ProblemKind::Move]);
}

#[test]
fn another_type_under_the_same_name_is_another_resource() {
    let mut app = dev();
    app.stack("Storage").add("Charts", Table::new());
    let before = committed(&app);
    let mut app = dev();
    app.stack("Storage").add("Charts", Key::new());
    assert_eq!(problems(&app, &before)[0].kind, ProblemKind::Identity);
}

#[test]
fn what_is_kept_by_its_policy_holds_data_too() {
    let mut app = dev();
    let mut stack = app.stack("Storage");
    let key = stack.add("Key", Key::new());
    stack.retain(key.id());
    let before = committed(&app);
    let mut app = dev();
    app.stack("Storage").add("Other", Key::new());
    assert_eq!(problems(&app, &before)[0].path, "Storage/Key");
}

#[test]
fn a_table_in_another_stack_is_a_new_table() {
    let before = committed(&with("Old"));
    let mut app = dev();
    app.stack("Storage").add("Jobs", Queue::new());
    app.stack("Archive").add("Old", Records);
    let found = problems(&app, &before);
    let hint = found[0].hint.as_deref().unwrap();
    assert!(hint.contains("`Archive/Old/Table`"), "{hint}");
    assert!(hint.contains("stack refactoring"), "{hint}");
}

#[test]
fn a_stack_of_another_name_or_region_is_another_stack() {
    let build = |app: &str, stage: Stage| {
        let mut app = App::new(app, stage);
        app.stack("Storage").add("Charts", Table::new());
        app
    };
    let here = || Stage::new("dev").region("eu-central-1");
    let before = committed(&build("lightsout", here()));
    let renamed = problems(&build("other", here()), &before);
    assert_eq!(renamed[0].found.as_deref(), Some("other-dev-storage"));
    assert_eq!(renamed[0].wanted.as_deref(), Some("lightsout-dev-storage"));
    let there = build("lightsout", Stage::new("dev").region("us-east-1"));
    assert_eq!(problems(&there, &before)[0].kind, ProblemKind::Identity);
    // Not to know the region is no other region.
    assert!(
        build("lightsout", Stage::new("dev"))
            .synth_against(&before)
            .is_ok()
    );
}

#[test]
fn an_export_that_is_still_imported_is_kept_by_one_line() {
    let build = |is_used: bool| {
        let mut app = dev();
        let table = app.stack("Storage").add("Charts", Table::new());
        let arn: Value<String> = table.get(Table::ARN).into();
        let queue = if is_used {
            Queue::new().queue_name(arn)
        } else {
            Queue::new()
        };
        app.stack("Api").add("Jobs", queue);
        (app, table)
    };
    let before = committed(&build(true).0);
    let (mut app, table) = build(false);
    let found = problems(&app, &before);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].kind, ProblemKind::Export);
    assert_eq!(found[0].path, "Storage/Charts");
    assert!(
        found[0]
            .message
            .contains("`lightsout-dev-storage:ChartsArn`, which `Api`")
    );
    let hint = found[0].hint.as_deref().unwrap();
    assert!(
        hint.contains("app.keep_export(table.get(Table::ARN))"),
        "{hint}"
    );

    app.keep_export(table.get(Table::ARN));
    let during = app.synth_against(&before).unwrap();
    assert!(during.template("Storage").json()["Outputs"]["ExportChartsArn"].is_object());
    // Once that is deployed, nobody imports it, and the line can go.
    assert!(build(false).0.synth_against(&during).is_ok());
}

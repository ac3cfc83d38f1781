use serde_json::json;

use crate::{
    App, Parameter, Problem, ProblemKind, Stage, Tag,
    fixtures::{Queue, dev},
};

fn problems(app: &App) -> Vec<Problem> {
    app.synth().unwrap_err().problems
}

#[test]
fn texts_have_a_longest_length() {
    let mut app = dev();
    let mut stack = app.stack("Api");
    stack.describe("x".repeat(1024));
    stack.parameter("P", Parameter::new().default("x".repeat(4096)));
    stack.add("Jobs", Queue::new());
    assert!(app.synth().is_ok());

    let mut stack = app.stack("Api");
    stack.describe("ä".repeat(513));
    stack.parameter("Q", Parameter::new().default("x".repeat(4097)));
    let found: Vec<_> = problems(&app).into_iter().map(|one| one.found).collect();
    assert_eq!(
        found,
        [Some("1026 bytes".to_owned()), Some("4097 bytes".to_owned())]
    );
}

#[test]
fn dynamic_references_are_counted() {
    let mut app = dev();
    for index in 0..61 {
        let name = format!("{{{{resolve:ssm:/jobs/{index}}}}}");
        app.stack("Api")
            .add(&format!("Jobs{index}"), Queue::new().queue_name(name));
    }
    assert_eq!(problems(&app)[0].found.as_deref(), Some("61"));
}

#[test]
fn tags_keep_the_limits_of_aws() {
    let tags = |count: usize| {
        let tags: Vec<_> = (0..count)
            .map(|at| json!({"Key": format!("k{at}"), "Value": ""}))
            .collect();
        Queue::new().tags(json!(tags))
    };
    let mut app = dev();
    app.stack("Api").add("Jobs", tags(50));
    assert!(app.synth().is_ok());
    app.amend(Tag::new("one", "too many"));
    assert_eq!(problems(&app)[0].found.as_deref(), Some("51"));

    let mut app = dev();
    app.stack("Api").add("Jobs", Queue::new());
    app.amend(Tag::new("AWS:mine", "v"));
    app.amend(Tag::new("k".repeat(129), "v"));
    app.amend(Tag::new("long", "v".repeat(257)));
    let problems = problems(&app);
    let places: Vec<_> = problems
        .iter()
        .map(|problem| problem.property.as_deref().unwrap())
        .collect();
    assert_eq!(places, ["Tags.0", "Tags.1", "Tags.2"]);
}

#[test]
fn no_name_however_odd_makes_synth_panic() {
    let long = "x".repeat(300);
    for odd in ["", "é", "Jobsé", "/", "..", "\u{0}", "🦀", "a b", &long] {
        let mut app = App::new(odd, Stage::new("dev"));
        app.stack("Api").add("Jobs", Queue::new());
        assert!(app.synth().is_err(), "app {odd:?}");
        let mut app = App::new("lightsout", Stage::new(odd));
        app.stack("Api").add("Jobs", Queue::new());
        assert!(app.synth().is_err(), "stage {odd:?}");
        let mut app = dev();
        app.stack(odd).add("Jobs", Queue::new());
        assert!(app.synth().is_err(), "stack {odd:?}");
        let mut app = dev();
        app.stack("Api").add(odd, Queue::new());
        // Letters and digits with a space between them are a name.
        assert_eq!(app.synth().is_err(), odd != "a b", "id {odd:?}");
        if let Err(error) = app.synth() {
            let kind = error.problems[0].kind;
            assert_eq!(kind, ProblemKind::InvalidId, "{error}");
        }
    }
}

//! What does a definition hold after its setters were called?

use lightsout_cfn::{Choice, dynamodb, lambda, s3, sqs};
use lightsout_core::{Properties, ResourceType, Tags, Tree, Value, join};
use serde_json::json;

fn rendered(definition: impl Into<Properties>) -> Tree {
    Tree::from(definition.into())
}

#[test]
fn a_queue_renders_to_what_was_set() {
    let queue = sqs::Queue::new()
        .queue_name("jobs.fifo")
        .fifo_queue(true)
        .visibility_timeout(300)
        .redrive_policy(json!({"maxReceiveCount": 3}))
        .tags([("DataClass", "PHI")]);
    let tags = [Tree::object([
        ("Key", "DataClass".into()),
        ("Value", "PHI".into()),
    ])];
    assert_eq!(
        rendered(queue),
        Tree::object([
            ("QueueName", "jobs.fifo".into()),
            ("FifoQueue", true.into()),
            ("VisibilityTimeout", 300.into()),
            ("RedrivePolicy", json!({"maxReceiveCount": 3}).into()),
            ("Tags", tags.into()),
        ])
    );
}

#[test]
fn what_matches_anything_sets_nothing() {
    assert!(Into::<Properties>::into(lambda::Function::matching()).is_empty());
    assert!(Into::<Properties>::into(sqs::Queue::new()).is_empty());
}

#[test]
fn required_properties_are_set_by_new() {
    let function = lambda::Function::new(lambda::FunctionCode::new().s3_bucket("assets"), "role");
    assert_eq!(lambda::Function::REQUIRED, ["Code", "Role"]);
    assert_eq!(
        rendered(function),
        Tree::object([
            ("Code", Tree::object([("S3Bucket", "assets".into())])),
            ("Role", "role".into()),
        ])
    );
}

#[test]
fn maps_and_lists_hold_values() {
    let environment = lambda::FunctionEnvironment::new()
        .variables([("QUEUE", join!["https://", "jobs"]), ("MODE", "dev".into())]);
    assert_eq!(
        Into::<Tree>::into(environment),
        Tree::object([(
            "Variables",
            Tree::object([("QUEUE", "https://jobs".into()), ("MODE", "dev".into())])
        )])
    );
}

#[test]
fn a_choice_is_known_or_text_or_a_token() {
    let table = || dynamodb::Table::new([dynamodb::TableKeySchema::new("id", "HASH")]);
    let known = table().billing_mode(dynamodb::TableBillingMode::PayPerRequest);
    let text = table().billing_mode("PAY_PER_REQUEST");
    let value = table().billing_mode(Value::from("PAY_PER_REQUEST"));
    assert_eq!(rendered(known), rendered(text.clone()));
    assert_eq!(rendered(value), rendered(text));
    assert_eq!(
        dynamodb::TableBillingMode::from("PROVISIONED"),
        dynamodb::TableBillingMode::Provisioned
    );
    assert_eq!(dynamodb::TableBillingMode::from("NEW").as_str(), "NEW");
}

#[test]
fn nested_definitions_nest() {
    let cors = s3::BucketCorsConfiguration::new([s3::BucketCorsRule::new(["GET"], ["*"])]);
    assert_eq!(
        rendered(s3::Bucket::new().cors_configuration(cors)),
        Tree::object([(
            "CorsConfiguration",
            Tree::object([(
                "CorsRules",
                [Tree::object([
                    ("AllowedMethods", ["GET"].into()),
                    ("AllowedOrigins", ["*"].into()),
                ])]
                .into()
            )])
        )])
    );
}

#[test]
fn a_property_that_is_not_known_can_be_set() {
    let queue = sqs::Queue::new().with("Newer", 1);
    assert_eq!(rendered(queue), Tree::object([("Newer", 1.into())]));
}

#[test]
fn what_holds_data_says_so() {
    const { assert!(s3::Bucket::STATEFUL && dynamodb::Table::STATEFUL) }
    const { assert!(!lambda::Function::STATEFUL) }
    assert_eq!(sqs::Queue::TAGS, Some(Tags::List("Tags")));
}

//! Which type does an attribute have, and where may it be given?

use lightsout_cfn::{ec2, kms, lambda, sqs};
use lightsout_core::{Arn, Attribute, Id, Properties, Tree, Url, Value};

/// Stands for `reference.get(attribute)`, where the reference is of no account.
fn literal<R>(_: Attribute<R, Arn<R>>, text: &str) -> Value<Arn<R>> {
    Arn::new(text).into()
}

#[test]
fn attributes_are_as_precise_as_the_schema_allows() {
    let _: Attribute<sqs::Queue, Arn<sqs::Queue>> = sqs::Queue::ARN;
    let _: Attribute<sqs::Queue, Url<sqs::Queue>> = sqs::Queue::QUEUE_URL;
    let _: Attribute<ec2::Vpc, Id<ec2::Vpc>> = ec2::Vpc::VPC_ID;
    let _: Attribute<ec2::Instance, String> = ec2::Instance::PRIVATE_IP;
    assert_eq!(lambda::Function::ARN.name(), "Arn");
}

#[test]
fn an_arn_is_taken_where_text_is_wanted() {
    let key = literal(kms::Key::ARN, "arn:aws:kms:eu-central-1:111122223333:key/1");
    let queue = sqs::Queue::new().kms_master_key_id(key);
    assert_eq!(
        Into::<Properties>::into(queue).get("KmsMasterKeyId"),
        Some(&Tree::from("arn:aws:kms:eu-central-1:111122223333:key/1"))
    );
}

//! Resource types for tests, in the shape of generated ones.

use crate::{App, Arn, Attribute, Properties, ResourceType, Stage, Tags, Tree, Value};

macro_rules! resource {
    ($name:ident, $type:literal, required $required:expr, tags $tags:expr, { $($setter:ident => $property:literal,)* }) => {
        #[derive(Debug, Clone, Default)]
        pub(crate) struct $name(Properties);

        impl $name {
            pub(crate) fn new() -> Self {
                Self::default()
            }

            $(pub(crate) fn $setter(self, value: impl Into<Tree>) -> Self {
                Self(self.0.with($property, value))
            })*
        }

        impl From<$name> for Properties {
            fn from(resource: $name) -> Self {
                resource.0
            }
        }

        impl ResourceType for $name {
            const TYPE: &'static str = $type;
            const REQUIRED: &'static [&'static str] = $required;
            const TAGS: Option<Tags> = $tags;
        }
    };
}

resource!(Queue, "AWS::SQS::Queue", required &[], tags Some(Tags::List("Tags")), {
    queue_name => "QueueName",
    redrive_policy => "RedrivePolicy",
    kms_master_key_id => "KmsMasterKeyId",
    tags => "Tags",
});

impl Queue {
    pub(crate) const ARN: Attribute<Self, Arn<Self>> = Attribute::new("Arn");

    pub(crate) fn delay_seconds(self, value: impl Into<Value<i64>>) -> Self {
        Self(self.0.with("DelaySeconds", value.into()))
    }
}

resource!(Key, "AWS::KMS::Key", required &[], tags None, {
    key_policy => "KeyPolicy",
});

impl Key {
    pub(crate) const ARN: Attribute<Self, Arn<Self>> = Attribute::new("Arn");
}

resource!(Alarm, "AWS::CloudWatch::Alarm", required &["ComparisonOperator", "EvaluationPeriods"], tags None, {
    evaluation_periods => "EvaluationPeriods",
});

resource!(SecurityGroup, "AWS::EC2::SecurityGroup", required &["GroupDescription"], tags None, {
    group_description => "GroupDescription",
});

resource!(Vpc, "AWS::EC2::VPC", required &[], tags None, {
    cidr_block => "CidrBlock",
});

impl Vpc {
    pub(crate) const CIDR_BLOCKS: Attribute<Self, Vec<String>> =
        Attribute::list("CidrBlockAssociations");
}

resource!(Bucket, "AWS::S3::Bucket", required &[], tags None, {});

#[derive(Debug, Clone)]
pub(crate) struct Table(Properties);

impl Table {
    pub(crate) const ARN: Attribute<Self, Arn<Self>> = Attribute::new("Arn");

    pub(crate) fn new() -> Self {
        let key = serde_json::json!([{"AttributeName": "id", "KeyType": "HASH"}]);
        Self(Properties::default().with("KeySchema", Tree::from(key)))
    }
}

impl From<Table> for Properties {
    fn from(table: Table) -> Self {
        table.0
    }
}

impl ResourceType for Table {
    const TYPE: &'static str = "AWS::DynamoDB::Table";
    const REQUIRED: &'static [&'static str] = &[];
    const STATEFUL: bool = true;
}

/// An app named `lightsout` for the stage `dev`.
pub(crate) fn dev() -> App {
    App::new("lightsout", Stage::new("dev"))
}

//! A small app for tests.

use lightsout_core::{App, Properties, ResourceType, Stage, Tags};

macro_rules! resource {
    ($name:ident, $type:literal) => {
        pub(crate) struct $name(pub(crate) Properties);

        impl From<$name> for Properties {
            fn from(resource: $name) -> Self {
                resource.0
            }
        }

        impl ResourceType for $name {
            const TYPE: &'static str = $type;
            const REQUIRED: &'static [&'static str] = &[];
            const TAGS: Option<Tags> = None;
        }
    };
}

resource!(Bucket, "AWS::S3::Bucket");
resource!(Queue, "AWS::SQS::Queue");

/// An app with a bucket for assets in the stack `Store`.
pub(crate) fn app() -> App {
    let mut app = App::new("lamp", Stage::new("dev"));
    let bucket = app
        .stack("Store")
        .add("Assets", Bucket(Properties::default()));
    app.asset_store("Store", bucket.id());
    app
}

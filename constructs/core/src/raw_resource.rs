//! Resources of types that have no definition: newer ones, and custom ones.

use crate::{Properties, ResourceType, Tree, Value};

/// A resource of any type, for one that is newer than its definitions here.
///
/// ```
/// use lightsout_core::{App, Attribute, RawResource, Stage, Tree};
///
/// let mut app = App::new("lightsout", Stage::new("dev"));
/// let mut stack = app.stack("Lamps");
/// let lamp = stack.add("Lamp", RawResource::new("AWS::Lamps::Lamp").with("Watts", 5));
/// let arn: Attribute<RawResource, String> = Attribute::new("Arn");
/// stack.output("Lamp", lamp.get(arn), "The lamp's ARN");
///
/// let assembly = app.synth()?;
/// assert_eq!(assembly.template("Lamps").json()["Resources"]["Lamp"]["Type"], "AWS::Lamps::Lamp");
/// # Ok::<(), lightsout_core::SynthError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RawResource {
    type_name: &'static str,
    properties: Properties,
}

/// A resource that code of one's own creates, changes and deletes.
///
/// What that code answers is read like any attribute.
///
/// ```
/// use lightsout_core::{App, Attribute, CustomResource, Stage};
///
/// const PASSWORD: Attribute<CustomResource, String> = Attribute::new("Password");
///
/// let mut app = App::new("lightsout", Stage::new("dev"));
/// let mut stack = app.stack("Users");
/// let function = "arn:aws:lambda:eu-central-1:111122223333:function:users";
/// let user = stack.add(
///     "User",
///     CustomResource::new("Custom::User", function).with("Name", "anna").timeout_seconds(60),
/// );
/// stack.output("Password", user.get(PASSWORD), "");
/// app.synth()?.template("Users").has(CustomResource::matching("Custom::User").with("Name", "anna"));
/// # Ok::<(), lightsout_core::SynthError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CustomResource {
    type_name: &'static str,
    properties: Properties,
}

impl RawResource {
    /// A resource of the type with this name, without properties.
    pub fn new(type_name: &'static str) -> Self {
        Self {
            type_name,
            properties: Properties::default(),
        }
    }

    /// Sets a property by its name in `CloudFormation`.
    pub fn with(mut self, property: &'static str, value: impl Into<Tree>) -> Self {
        self.properties.set(property, value.into());
        self
    }
}

impl CustomResource {
    /// A resource that the function or topic behind `service_token`, an ARN, looks after.
    ///
    /// `type_name` is `AWS::CloudFormation::CustomResource`, or `Custom::` and a
    /// name; 60 letters, digits and `_`, `@`, `-` at most after the colons.
    pub fn new(type_name: &'static str, service_token: impl Into<Value<String>>) -> Self {
        Self::matching(type_name).with("ServiceToken", service_token.into())
    }

    /// One that sets nothing: what a template is compared with, in assertions.
    pub fn matching(type_name: &'static str) -> Self {
        Self {
            type_name,
            properties: Properties::default(),
        }
    }

    /// Sets a property, which its function gets as it is here, numbers as text.
    pub fn with(mut self, property: &'static str, value: impl Into<Tree>) -> Self {
        self.properties.set(property, value.into());
        self
    }

    /// Gives up after so many seconds without an answer, 1 to 3600; 3600 if not set.
    pub fn timeout_seconds(self, seconds: u16) -> Self {
        self.with("ServiceTimeout", seconds)
    }
}

impl From<RawResource> for Properties {
    fn from(resource: RawResource) -> Self {
        resource.properties
    }
}

impl From<CustomResource> for Properties {
    fn from(resource: CustomResource) -> Self {
        resource.properties
    }
}

impl ResourceType for RawResource {
    /// Each has a name of its own: see [`ResourceType::type_name`].
    const TYPE: &'static str = "";
    const REQUIRED: &'static [&'static str] = &[];

    fn type_name(&self) -> &'static str {
        self.type_name
    }
}

impl ResourceType for CustomResource {
    const TYPE: &'static str = "AWS::CloudFormation::CustomResource";
    const REQUIRED: &'static [&'static str] = &["ServiceToken"];

    fn type_name(&self) -> &'static str {
        self.type_name
    }
}

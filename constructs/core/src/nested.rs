//! Stacks within stacks.

use std::panic::Location;

use crate::{
    App, Properties, Ref, ResourceType, Scope, Tags, Tree,
    app::{Stack, kebab_case},
    template_options::TemplateOptions,
};

/// A stack within a stack, as a resource of the outer one.
#[derive(Debug, Clone)]
pub struct NestedStack(Properties);

/// A nested stack that was added, and what the inside of it gave back.
#[derive(Debug, Clone, Copy)]
pub struct Nested<H> {
    /// The stack as a resource of the one around it.
    pub stack: Ref<NestedStack>,
    /// What the function that filled it returned.
    pub inside: H,
}

/// The stack that another one is nested in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parent {
    pub(crate) stack: usize,
    /// The index of the resource that the nested stack is there.
    pub(crate) resource: usize,
}

impl From<NestedStack> for Properties {
    fn from(stack: NestedStack) -> Self {
        stack.0
    }
}

impl ResourceType for NestedStack {
    const TYPE: &'static str = "AWS::CloudFormation::Stack";
    const REQUIRED: &'static [&'static str] = &["TemplateURL"];
    const TAGS: Option<Tags> = Some(Tags::List("Tags"));
}

impl Scope<'_> {
    /// Adds a stack within this one, with a template and limits of its own.
    ///
    /// Values cross its border by themselves: what the inside takes from outside
    /// becomes a parameter, and what is taken from inside an output. Like an asset,
    /// its template needs an [asset store](App::asset_store).
    ///
    /// The [pseudo parameters](crate::Pseudo) of a stack, such as its name, are those
    /// of the template that they are written in.
    ///
    /// ```
    /// use lightsout_core::{App, RawResource, Stage};
    ///
    /// let mut app = App::new("lightsout", Stage::new("dev"));
    /// let bucket = app.stack("Storage").add("Assets", RawResource::new("AWS::S3::Bucket"));
    /// app.asset_store("Storage", bucket.id());
    ///
    /// let mut stack = app.stack("Pipeline");
    /// let topic = stack.add("Topic", RawResource::new("AWS::SNS::Topic"));
    /// let work = stack.nested("Work", |work| {
    ///     let name = topic.reference();
    ///     work.add("Jobs", RawResource::new("AWS::SQS::Queue").with("QueueName", name))
    /// });
    /// stack.output("Jobs", work.inside.reference(), "Where to send jobs");
    ///
    /// let assembly = app.synth()?;
    /// assert_eq!(
    ///     assembly.template("Pipeline").has_output("Jobs")["Fn::GetAtt"][1],
    ///     "Outputs.ExportWorkJobsRef",
    /// );
    /// assert_eq!(
    ///     assembly.template("Pipeline/Work").json()["Resources"]["Jobs"]["Properties"]["QueueName"]["Ref"],
    ///     "ImportPipelineTopicRef",
    /// );
    /// # Ok::<(), lightsout_core::SynthError>(())
    /// ```
    #[track_caller]
    pub fn nested<H>(&mut self, id: &str, fill: impl FnOnce(&mut Scope<'_>) -> H) -> Nested<H> {
        let location = Location::caller();
        let path = self.child(id, location);
        let around = self.stack;
        let mut place = Scope {
            app: self.app,
            stack: around,
            path,
            location,
        };
        let parameter = template_parameter(&place.path);
        let url = Tree::intrinsic("Ref", parameter);
        let stack = place.insert(NestedStack(Properties::default().with("TemplateURL", url)));
        let Scope { app, path, .. } = place;
        let physical_name = format!("{}-{}", app.stacks[around].physical_name, kebab_case(id));
        app.stacks.push(Stack {
            name: path.clone(),
            physical_name,
            environment: app.stacks[around].environment.clone(),
            description: None,
            parent: Some(Parent {
                stack: around,
                resource: stack.id().index as usize,
            }),
            options: TemplateOptions::default(),
            location,
        });
        let inside = fill(&mut Scope {
            stack: app.stacks.len() - 1,
            app,
            path,
            location,
        });
        Nested { stack, inside }
    }
}

impl App {
    /// Returns the stack that is deployed by itself and holds this one.
    pub(crate) fn root_of(&self, mut stack: usize) -> usize {
        while let Some(parent) = self.stacks[stack].parent {
            stack = parent.stack;
        }
        stack
    }
}

/// Returns the parameter for the address of the template of the nested stack `path`.
pub(crate) fn template_parameter(path: &str) -> String {
    let below = path.split_once('/').map_or(path, |(_, below)| below);
    let mut name: String = below.chars().filter(char::is_ascii_alphanumeric).collect();
    name.push_str("Template");
    name
}

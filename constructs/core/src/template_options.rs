//! What a template or a stack says of itself as a whole.

use std::collections::BTreeMap;

use crate::{Scope, Tree};

/// What a template or a stack says of itself as a whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct TemplateOptions {
    pub(crate) metadata: Vec<(String, Tree)>,
    pub(crate) transforms: Vec<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) is_protected: bool,
    /// Entries that an author wrote into a section by hand.
    pub(crate) entries: Vec<(Section, String, Tree)>,
}

/// A section of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Section {
    /// `Conditions`.
    Conditions,
    /// `Resources`.
    Resources,
    /// `Outputs`.
    Outputs,
}

/// The transform for functions such as `Fn::Length`.
pub(crate) const LANGUAGE_EXTENSIONS: &str = "AWS::LanguageExtensions";

impl Scope<'_> {
    /// Attaches metadata to the template itself; the same key again replaces it.
    pub fn template_metadata(&mut self, key: impl Into<String>, value: impl Into<Tree>) {
        let (key, value) = (key.into(), value.into());
        let metadata = &mut self.app.stacks[self.stack].options.metadata;
        match metadata.iter_mut().find(|(known, _)| *known == key) {
            Some((_, tree)) => *tree = value,
            None => metadata.push((key, value)),
        }
    }

    /// Lets a macro rewrite the template, such as `AWS::Serverless-2016-10-31`.
    ///
    /// `AWS::LanguageExtensions` is there by itself where a function needs it.
    pub fn transform(&mut self, name: impl Into<String>) {
        let name = name.into();
        let transforms = &mut self.app.stacks[self.stack].options.transforms;
        if !transforms.contains(&name) {
            transforms.push(name);
        }
    }

    /// Tags the stack itself, which gives the tag to all that it holds.
    ///
    /// Within a nested stack this tags the stack that it belongs to.
    pub fn tag_stack(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let root = self.app.root_of(self.stack);
        let tags = &mut self.app.stacks[root].options.tags;
        tags.insert(key.into(), value.into());
    }

    /// Lets nobody delete the stack until the protection is lifted by hand.
    ///
    /// Within a nested stack this protects the stack that it belongs to.
    pub fn termination_protection(&mut self) {
        let root = self.app.root_of(self.stack);
        self.app.stacks[root].options.is_protected = true;
    }

    /// Writes an entry into a section by hand: for what has no other way here.
    ///
    /// ```
    /// use lightsout_core::{App, RawResource, Section, Stage, Tree};
    ///
    /// let mut app = App::new("lightsout", Stage::new("dev"));
    /// let mut stack = app.stack("Notices");
    /// stack.add("Topic", RawResource::new("AWS::SNS::Topic"));
    /// let topic = Tree::object([("Type", Tree::from("AWS::SNS::Topic"))]);
    /// stack.raw_entry(
    ///     Section::Resources,
    ///     "Fn::ForEach::Topics",
    ///     Tree::List(vec![
    ///         "Name".into(),
    ///         vec!["Failed", "Done"].into(),
    ///         Tree::object([("Topic${Name}", topic)]),
    ///     ]),
    /// );
    /// let assembly = app.synth()?;
    /// assert_eq!(assembly.template("Notices").json()["Transform"], "AWS::LanguageExtensions");
    /// # Ok::<(), lightsout_core::SynthError>(())
    /// ```
    pub fn raw_entry(&mut self, section: Section, key: impl Into<String>, entry: impl Into<Tree>) {
        let entries = &mut self.app.stacks[self.stack].options.entries;
        entries.push((section, key.into(), entry.into()));
    }
}

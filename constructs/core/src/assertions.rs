//! Assertions on templates, written with the resource types themselves.

mod compare;
mod entry;

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::Value as Json;

use crate::{Properties, ResourceType, StackArtifact, Tree, json_text};
use compare::compare;

pub use entry::Entry;

/// A template to make assertions on, with the resource types as the matchers.
///
/// ```
/// use lightsout_core::{App, Properties, ResourceType, Stage};
/// # #[derive(Default)]
/// # struct Queue(Properties);
/// # impl From<Queue> for Properties { fn from(queue: Queue) -> Self { queue.0 } }
/// # impl ResourceType for Queue {
/// #     const TYPE: &'static str = "AWS::SQS::Queue";
/// #     const REQUIRED: &'static [&'static str] = &[];
/// # }
/// # impl Queue {
/// #     fn new() -> Self { Self::default() }
/// #     fn delay_seconds(self, delay: i64) -> Self { Self(self.0.with("DelaySeconds", delay)) }
/// #     fn fifo_queue(self, fifo: bool) -> Self { Self(self.0.with("FifoQueue", fifo)) }
/// # }
///
/// let mut app = App::new("lightsout", Stage::new("dev"));
/// app.stack("Pipeline").add("Jobs", Queue::new().delay_seconds(5).fifo_queue(true));
/// let assembly = app.synth()?;
///
/// let template = assembly.template("Pipeline");
/// template.count::<Queue>(1);
/// template.has(Queue::new().delay_seconds(5));
/// template.has_no(Queue::new().delay_seconds(6));
/// template.resource("Jobs").has(Queue::new().fifo_queue(true)).lacks("KmsMasterKeyId");
/// # Ok::<(), lightsout_core::SynthError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Template<'a> {
    stack: &'a StackArtifact,
}

impl<'a> Template<'a> {
    pub(crate) const fn new(stack: &'a StackArtifact) -> Self {
        Self { stack }
    }

    /// Returns the whole template, for a snapshot.
    pub fn json(&self) -> &'a Json {
        self.stack.template_json()
    }

    /// Returns the logical id and the entry of every `R`.
    pub fn resources<R: ResourceType>(&self) -> Vec<(&'a str, &'a Json)> {
        self.resources_of(R::TYPE)
    }

    /// Returns the logical id and the entry of every resource of the type with this name.
    pub fn resources_of(&self, type_name: &str) -> Vec<(&'a str, &'a Json)> {
        self.json()["Resources"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, resource)| resource["Type"] == type_name)
            .map(|(logical_id, resource)| (logical_id.as_str(), resource))
            .collect()
    }

    /// Passes if there are exactly `expected` resources of this type.
    #[track_caller]
    pub fn count<R: ResourceType>(&self, expected: usize) {
        let found = self.resources::<R>();
        let names: Vec<&str> = found.iter().map(|(logical_id, _)| *logical_id).collect();
        assert!(
            found.len() == expected,
            "expected {expected} of {} in `{}`, found {}: {names:?}",
            R::TYPE,
            self.stack.name(),
            found.len(),
        );
    }

    /// Passes if some resource of this type has at least these properties.
    ///
    /// A map has at least these keys, a list at least these items in any order.
    /// References in `pattern` mean what they mean in this stack. On failure, the
    /// nearest candidates are told with the keys in which they differ.
    #[track_caller]
    pub fn has<R: ResourceType>(&self, pattern: R) {
        let type_name = pattern.type_name();
        let want = self.expected(pattern.into());
        let mut candidates = self.candidates(type_name, &want);
        if candidates
            .iter()
            .any(|(_, differences)| differences.is_empty())
        {
            return;
        }
        candidates.sort_by_key(|(_, differences)| differences.len());
        let mut message = format!("no {type_name} in `{}` is like {want:#}", self.stack.name());
        if candidates.is_empty() {
            let types: BTreeSet<&str> = self
                .entries()
                .filter_map(|entry| entry.json["Type"].as_str())
                .collect();
            write!(message, "\nthere is none of this type, but of {types:?}")
                .expect("writing to a string cannot fail");
        }
        for (logical_id, differences) in candidates.iter().take(NEAREST) {
            write!(
                message,
                "\n`{logical_id}` differs in\n  {}",
                differences.join("\n  ")
            )
            .expect("writing to a string cannot fail");
        }
        if candidates.len() > NEAREST {
            write!(message, "\nand {} more", candidates.len() - NEAREST)
                .expect("writing to a string cannot fail");
        }
        panic!("{message}");
    }

    /// Passes if no resource of this type has all of these properties.
    #[track_caller]
    pub fn has_no<R: ResourceType>(&self, pattern: R) {
        self.has_count(0, pattern);
    }

    /// Passes if exactly `expected` resources of this type have at least these properties.
    #[track_caller]
    pub fn has_count<R: ResourceType>(&self, expected: usize, pattern: R) {
        let type_name = pattern.type_name();
        let want = self.expected(pattern.into());
        let found: Vec<&str> = self
            .candidates(type_name, &want)
            .into_iter()
            .filter(|(_, differences)| differences.is_empty())
            .map(|(logical_id, _)| logical_id)
            .collect();
        assert!(
            found.len() == expected,
            "expected {expected} of {type_name} in `{}` to be like {want:#}\nfound {}: {found:?}",
            self.stack.name(),
            found.len(),
        );
    }

    /// Returns the resource with this logical id.
    #[track_caller]
    pub fn resource(&self, logical_id: &str) -> Entry<'a> {
        self.entries()
            .find(|entry| entry.logical_id == logical_id)
            .unwrap_or_else(|| {
                let names: Vec<&str> = self.entries().map(|entry| entry.logical_id).collect();
                panic!(
                    "no resource `{logical_id}` in `{}`; there are {names:?}",
                    self.stack.name()
                )
            })
    }

    /// Returns the only resource of this type.
    #[track_caller]
    pub fn only<R: ResourceType>(&self) -> Entry<'a> {
        self.count::<R>(1);
        let (logical_id, _) = self.resources::<R>()[0];
        self.resource(logical_id)
    }

    /// Passes if there is a parameter `name`, and returns its declaration.
    #[track_caller]
    pub fn has_parameter(&self, name: &str) -> &'a Json {
        self.named_in("Parameters", "parameter", name)
    }

    /// Passes if there is an output `name`, and returns its value.
    #[track_caller]
    pub fn has_output(&self, name: &str) -> &'a Json {
        &self.named_in("Outputs", "output", name)["Value"]
    }

    #[track_caller]
    fn named_in(self, section: &str, kind: &str, name: &str) -> &'a Json {
        let section = &self.json()[section];
        section.get(name).unwrap_or_else(|| {
            let names: Vec<&String> = section
                .as_object()
                .into_iter()
                .flat_map(|entries| entries.keys())
                .collect();
            panic!(
                "no {kind} `{name}` in `{}`; there are {names:?}",
                self.stack.name()
            )
        })
    }

    fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        let resources = self.json()["Resources"].as_object();
        resources
            .into_iter()
            .flatten()
            .map(move |(logical_id, json)| Entry {
                template: self,
                logical_id,
                json,
            })
    }

    /// Compares every resource of a type with a pattern.
    fn candidates(self, type_name: &str, want: &Json) -> Vec<(&'a str, Vec<String>)> {
        let none = Json::Object(serde_json::Map::new());
        self.resources_of(type_name)
            .into_iter()
            .map(|(logical_id, resource)| {
                let mut differences = Vec::new();
                let have = resource.get("Properties").unwrap_or(&none);
                compare(Some(have), want, "", &mut differences);
                (logical_id, differences)
            })
            .collect()
    }

    /// Returns the JSON that `pattern` would be written as in this stack.
    #[track_caller]
    fn expected(self, pattern: Properties) -> Json {
        let text = json_text::pretty(&Tree::from(pattern), &|token| {
            self.stack.resolve(token).unwrap_or_else(|| {
                panic!("a pattern with references needs the assembly that `synth` gave, not one from a folder")
            })
        });
        serde_json::from_str(&text).expect("a tree is written as JSON")
    }
}

/// How many candidates a failure tells of.
const NEAREST: usize = 3;

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use serde_json::json;

    use super::*;
    use crate::{
        Assembly, Tree,
        fixtures::{Alarm, Key, Queue, dev},
    };

    fn assembly() -> Assembly {
        let mut app = dev();
        let mut stack = app.stack("Pipeline");
        stack.add("Plain", Queue::new());
        stack.add(
            "Jobs",
            Queue::new()
                .delay_seconds(5)
                .queue_name("jobs")
                .redrive_policy(json!({"maxReceiveCount": 3, "deadLetterTargetArn": "d"}))
                .tags(json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])),
        );
        stack.output("Jobs", "text", "");
        app.synth().unwrap()
    }

    /// Returns how the assertion fails; it must.
    fn failure(assertion: impl FnOnce(Template<'_>)) -> String {
        let assembly = assembly();
        let template = assembly.template("Pipeline");
        let panic = catch_unwind(AssertUnwindSafe(|| assertion(template))).unwrap_err();
        *panic.downcast::<String>().unwrap()
    }

    #[test]
    fn a_pattern_need_not_name_everything() {
        let assembly = assembly();
        let template = assembly.template("Pipeline");
        template.has(Queue::new());
        template.has(Queue::new().delay_seconds(5));
        template.has(Queue::new().redrive_policy(json!({"maxReceiveCount": 3})));
        template.has(Queue::new().tags(json!([{"Key": "b"}])));
        template.count::<Queue>(2);
        template.count::<Key>(0);
        assert_eq!(template.has_output("Jobs"), "text");
    }

    #[test]
    fn a_failure_names_the_nearest_and_where_it_differs() {
        let message = failure(|template| {
            template.has(
                Queue::new()
                    .delay_seconds(6)
                    .queue_name("jobs")
                    .redrive_policy(json!({"maxReceiveCount": 4}))
                    .tags(vec![Tree::object([("Key", "c".into())])]),
            );
        });
        let expected = "\n`Jobs` differs in\n  `DelaySeconds` is 5, expected 6\n  \
            `RedrivePolicy.maxReceiveCount` is 3, expected 4\n  `Tags` has no {\"Key\":\"c\"}\n\
            `Plain` differs in\n  `DelaySeconds` is not set, expected 6\n";
        assert!(message.contains(expected), "{message}");
        let message = failure(|template| template.has(Alarm::new()));
        let none = "there is none of this type, but of {\"AWS::SQS::Queue\"}";
        assert!(message.ends_with(none), "{message}");
        let message = failure(|template| template.count::<Queue>(3));
        assert!(
            message.contains("found 2: [\"Jobs\", \"Plain\"]"),
            "{message}"
        );
        let message = failure(|template| {
            template.has_output("Missing");
        });
        assert!(message.contains("there are [\"Jobs\"]"), "{message}");
    }

    #[test]
    fn the_nearest_item_of_a_list_is_told() {
        let message = failure(|template| {
            template.has(Queue::new().tags(json!([{"Key": "b", "Value": "3"}])));
        });
        let nearest = "`Jobs` differs in\n  `Tags[1].Value` is \"2\", expected \"3\"";
        assert!(message.contains(nearest), "{message}");
    }

    #[test]
    fn what_must_not_be_there_is_told_by_name() {
        let assembly = assembly();
        let template = assembly.template("Pipeline");
        template.has_no(Queue::new().delay_seconds(6));
        template.has_count(1, Queue::new().delay_seconds(5));
        let message = failure(|template| template.has_no(Queue::new().queue_name("jobs")));
        assert!(message.ends_with("found 1: [\"Jobs\"]"), "{message}");
        let message = failure(|template| {
            template
                .resource("Jobs")
                .lacks("RedrivePolicy.deadLetterTargetArn");
        });
        let expected =
            "`RedrivePolicy.deadLetterTargetArn` of `Jobs` in `Pipeline` is \"d\", expected none";
        assert_eq!(message, expected);
    }

    #[test]
    fn one_resource_is_looked_at_closely() {
        let assembly = assembly();
        let template = assembly.template("Pipeline");
        let jobs = template
            .resource("Jobs")
            .has(Queue::new().delay_seconds(5))
            .lacks("KmsMasterKeyId")
            .lacks("Tags[2]")
            .has_exactly("Tags[0]", json!({"Key": "a", "Value": "1"}))
            .has_attribute("Type", "AWS::SQS::Queue");
        assert_eq!(jobs.logical_id(), "Jobs");
        assert_eq!(jobs.property("RedrivePolicy.maxReceiveCount"), 3);
        let message = failure(|template| {
            template.resource("Jobs").has_exactly("Tags", json!([]));
        });
        assert!(message.ends_with("expected exactly\n  []"), "{message}");
        let message = failure(|template| {
            template.resource("Jobs").has(Key::new());
        });
        let expected = "`Jobs` in `Pipeline` is AWS::SQS::Queue, expected AWS::KMS::Key";
        assert_eq!(message, expected);
        let message = failure(|template| {
            template.resource("Jobs").property("Tags[x]");
        });
        assert!(
            message.starts_with("`Jobs` in `Pipeline` has no `Tags[x]`"),
            "{message}"
        );
        let message = failure(|template| {
            template.resource("Job");
        });
        assert!(
            message.ends_with("there are [\"Jobs\", \"Plain\"]"),
            "{message}"
        );
        let message = failure(|template| {
            template.only::<Queue>();
        });
        assert!(
            message.contains("expected 1 of AWS::SQS::Queue"),
            "{message}"
        );
        let message = failure(|template| {
            template.has_parameter("Image");
        });
        assert!(message.starts_with("no parameter `Image`"), "{message}");
    }

    #[test]
    fn a_dependency_is_asked_for_by_logical_id() {
        let mut app = dev();
        let mut stack = app.stack("Pipeline");
        let first = stack.add("First", Queue::new());
        let second = stack.add("Second", Queue::new());
        stack.depends_on(second.id(), first.id());
        let assembly = app.synth().unwrap();
        let template = assembly.template("Pipeline");
        template.resource("Second").depends_on("First");
        let reversed = || template.resource("First").depends_on("Second");
        assert!(catch_unwind(AssertUnwindSafe(reversed)).is_err());
    }

    #[test]
    fn a_reference_in_a_pattern_means_what_it_means_in_the_stack() {
        let mut app = dev();
        let key = app.stack("Storage").add("Key", Key::new());
        let other = app.stack("Storage").add("Other", Key::new());
        let jobs = Queue::new().kms_master_key_id(key.get(Key::ARN));
        app.stack("Pipeline").add("Jobs", jobs.clone());
        let assembly = app.synth().unwrap();
        assembly.template("Pipeline").has(jobs);
        let wrong = Queue::new().kms_master_key_id(other.get(Key::ARN));
        let template = assembly.template("Pipeline");
        assert!(catch_unwind(AssertUnwindSafe(|| template.has(wrong))).is_err());
    }
}

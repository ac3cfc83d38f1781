//! Assertions on templates, written with the resource types themselves.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::{Properties, ResourceType, StackArtifact, Tree, json_text};

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
        self.json()["Resources"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, resource)| resource["Type"] == R::TYPE)
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
    /// A list has at least these items, in any order. References in `pattern` mean
    /// what they mean in this stack.
    #[track_caller]
    pub fn has<R: ResourceType>(&self, pattern: R) {
        let want = self.expected(pattern.into());
        let none = Json::Object(serde_json::Map::new());
        let mut candidates: Vec<(&str, Vec<String>)> = self
            .resources::<R>()
            .into_iter()
            .map(|(logical_id, resource)| {
                let mut differences = Vec::new();
                let have = resource.get("Properties").unwrap_or(&none);
                compare(Some(have), &want, "", &mut differences);
                (logical_id, differences)
            })
            .collect();
        candidates.sort_by_key(|(_, differences)| differences.len());
        if candidates
            .first()
            .is_some_and(|(_, differences)| differences.is_empty())
        {
            return;
        }
        let mut message = format!("no {} in `{}` is like {want:#}", R::TYPE, self.stack.name());
        if candidates.is_empty() {
            message.push_str("\nthere is none of this type");
        }
        for (logical_id, differences) in candidates.iter().take(3) {
            write!(
                message,
                "\n`{logical_id}` differs in\n  {}",
                differences.join("\n  ")
            )
            .expect("writing to a string cannot fail");
        }
        panic!("{message}");
    }

    /// Passes if there is an output `name`, and returns its value.
    #[track_caller]
    pub fn has_output(&self, name: &str) -> &'a Json {
        let outputs = &self.json()["Outputs"];
        let Some(output) = outputs.get(name) else {
            let names: Vec<&String> = outputs
                .as_object()
                .into_iter()
                .flat_map(|outputs| outputs.keys())
                .collect();
            panic!(
                "no output `{name}` in `{}`; there are {names:?}",
                self.stack.name()
            );
        };
        &output["Value"]
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

/// Notes each place where `have` lacks something that `want` has.
fn compare(have: Option<&Json>, want: &Json, path: &str, differences: &mut Vec<String>) {
    match (have, want) {
        (Some(Json::Object(have)), Json::Object(want)) => {
            for (key, want) in want {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                compare(have.get(key), want, &path, differences);
            }
        }
        (Some(Json::Array(have)), Json::Array(want)) => {
            for want in want {
                let is_there = have.iter().any(|have| {
                    let mut differences = Vec::new();
                    compare(Some(have), want, "", &mut differences);
                    differences.is_empty()
                });
                if !is_there {
                    differences.push(format!("`{path}` has no {want}"));
                }
            }
        }
        (Some(have), want) if have == want => (),
        (None, want) => differences.push(format!("`{path}` is not set, expected {want}")),
        (Some(have), want) => differences.push(format!("`{path}` is {have}, expected {want}")),
    }
}

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
                .redrive_policy(json!({"maxReceiveCount": 3, "other": true}))
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
        assert!(message.ends_with("there is none of this type"), "{message}");
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

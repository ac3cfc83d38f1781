//! Which IAM actions, condition keys and condition operators exist.

use std::sync::OnceLock;

use crate::{
    format,
    reader::{DataError, Reader},
};

const FILE: &str = "constructs/schema/data/actions.bin";
static BYTES: &[u8] = include_bytes!("../data/actions.bin");

/// The actions and condition keys of every service.
#[derive(Debug)]
pub struct Actions<'d> {
    /// By prefix, sorted.
    services: Vec<Entry<'d>>,
    global_keys: Vec<String>,
}

/// What a service calls its actions and condition keys.
#[derive(Debug)]
pub struct Service {
    actions: Vec<String>,
    condition_keys: Vec<String>,
}

#[derive(Debug)]
struct Entry<'d> {
    prefix: &'d str,
    lists: Reader<'d>,
    service: OnceLock<Result<Service, DataError>>,
}

/// Returns the actions that this crate was built with.
pub fn actions() -> Result<&'static Actions<'static>, DataError> {
    static ACTIONS: OnceLock<Result<Actions<'static>, DataError>> = OnceLock::new();
    let actions = ACTIONS.get_or_init(|| Actions::open(BYTES));
    actions.as_ref().map_err(Clone::clone)
}

impl<'d> Actions<'d> {
    /// Opens a file, after a look at its version and its sum.
    pub fn open(bytes: &'d [u8]) -> Result<Self, DataError> {
        Self::of_body(Reader::open(FILE, format::ACTIONS, bytes)?)
    }

    pub(crate) fn of_body(mut reader: Reader<'d>) -> Result<Self, DataError> {
        let global_keys = list(&mut reader)?;
        let count = reader.count()?;
        let mut services = Vec::with_capacity(count);
        for _ in 0..count {
            let prefix = reader.text()?;
            let length = reader.index()?;
            services.push(Entry {
                prefix,
                lists: reader.part(length)?,
                service: OnceLock::new(),
            });
        }
        Ok(Self {
            services,
            global_keys,
        })
    }

    /// Returns the service with this prefix, such as `sqs`.
    pub fn service(&self, prefix: &str) -> Result<Option<&Service>, DataError> {
        let Ok(at) = self
            .services
            .binary_search_by(|entry| entry.prefix.cmp(prefix))
        else {
            return Ok(None);
        };
        let entry = &self.services[at];
        let service = entry.service.get_or_init(|| {
            let mut lists = entry.lists;
            Ok(Service {
                actions: list(&mut lists)?,
                condition_keys: list(&mut lists)?,
            })
        });
        service.as_ref().map(Some).map_err(Clone::clone)
    }

    /// Returns the prefix of every service, sorted.
    pub fn prefixes(&self) -> impl Iterator<Item = &'d str> {
        self.services.iter().map(|entry| entry.prefix)
    }

    /// Returns the condition keys of every request, such as `aws:SourceArn`.
    pub fn global_keys(&self) -> &[String] {
        &self.global_keys
    }
}

impl Service {
    /// Returns the actions without their prefix, sorted in lower case.
    pub fn actions(&self) -> &[String] {
        &self.actions
    }

    /// Returns the condition keys, such as `kms:ViaService`; `${…}` stands for any text.
    pub fn condition_keys(&self) -> &[String] {
        &self.condition_keys
    }

    /// Returns whether an action exists, in whatever case, as IAM reads it.
    pub fn has_action(&self, name: &str) -> bool {
        self.actions
            .iter()
            .any(|action| action.eq_ignore_ascii_case(name))
    }

    /// Returns whether any action matches a pattern with `*` and `?`.
    pub fn has_match(&self, pattern: &str) -> bool {
        self.actions
            .iter()
            .any(|action| is_match(pattern.as_bytes(), action.as_bytes()))
    }
}

/// Returns whether a condition operator exists, in whatever case.
///
/// [IAM JSON policy elements: Condition operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html)
pub fn is_condition_operator(name: &str) -> bool {
    let name = ["ForAllValues:", "ForAnyValue:"]
        .iter()
        .find_map(|set| {
            let (start, rest) = name.split_at_checked(set.len())?;
            start.eq_ignore_ascii_case(set).then_some(rest)
        })
        .unwrap_or(name);
    let is = |name: &str| {
        CONDITION_OPERATORS
            .iter()
            .any(|operator| operator.eq_ignore_ascii_case(name))
    };
    let start = name.len().checked_sub("IfExists".len());
    let stem = start.and_then(|start| name.split_at_checked(start));
    is(name)
        || stem.is_some_and(|(stem, end)| {
            end.eq_ignore_ascii_case("IfExists") && !stem.eq_ignore_ascii_case("Null") && is(stem)
        })
}

/// Every condition operator, without `IfExists` and set prefixes.
pub const CONDITION_OPERATORS: [&str; 27] = [
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "BinaryEquals",
    "Bool",
    "DateEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateNotEquals",
    "IpAddress",
    "NotIpAddress",
    "Null",
    "NumericEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericNotEquals",
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "StringNotEquals",
    "StringNotEqualsIgnoreCase",
    "StringNotLike",
];

/// Reads a sorted list in which each text begins as the one before it does.
fn list(reader: &mut Reader<'_>) -> Result<Vec<String>, DataError> {
    let count = reader.count()?;
    let mut texts: Vec<String> = Vec::with_capacity(count);
    for _ in 0..count {
        let shared = reader.index()?;
        let rest = reader.text()?;
        let before = texts.last().map_or("", String::as_str);
        let start = before.get(..shared).ok_or_else(|| reader.damaged())?;
        texts.push([start, rest].concat());
    }
    Ok(texts)
}

/// Matches ASCII text in whatever case; `*` is any text, `?` any one byte.
fn is_match(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut last_star = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                last_star = Some((at, in_text));
                at += 1;
            }
            Some(byte) if *byte == b'?' || byte.eq_ignore_ascii_case(&text[in_text]) => {
                at += 1;
                in_text += 1;
            }
            _ => match last_star {
                Some((star, start)) => {
                    last_star = Some((star, start + 1));
                    at = star + 1;
                    in_text = start + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn actions_are_known_in_whatever_case() {
        let sqs = actions().unwrap().service("sqs").unwrap().unwrap();
        assert!(sqs.has_action("SendMessage"));
        assert!(sqs.has_action("sendmessage"));
        assert!(!sqs.has_action("SendMessages"));
        assert!(sqs.has_match("Send*"));
        assert!(!sqs.has_match("Sent*"));
        assert!(actions().unwrap().service("sqss").unwrap().is_none());
    }

    #[test]
    fn every_service_can_be_read() {
        let actions = actions().unwrap();
        let mut count = 0;
        for prefix in actions.prefixes() {
            let service = actions.service(prefix).unwrap().unwrap();
            count += service.actions().len();
        }
        assert!(actions.prefixes().count() > 400);
        assert!(count > 20_000, "{count}");
        assert!(
            actions
                .global_keys()
                .iter()
                .any(|key| key == "aws:SourceArn")
        );
    }

    #[test]
    fn condition_operators_take_their_prefixes_and_suffix() {
        for operator in [
            "StringEquals",
            "stringlikeifexists",
            "ForAllValues:StringEquals",
            "ForAnyValue:ArnLikeIfExists",
            "Null",
        ] {
            assert!(is_condition_operator(operator), "{operator}");
        }
        for operator in [
            "StringEqual",
            "NullIfExists",
            "ForSome:Bool",
            "IfExists",
            "",
        ] {
            assert!(!is_condition_operator(operator), "{operator}");
        }
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_a_star(text in "[A-Za-z]{0,12}") {
            prop_assert!(is_match(text.as_bytes(), text.as_bytes()));
            prop_assert!(is_match(b"*", text.as_bytes()));
            let (starred, questioned) = (format!("{text}*"), format!("{text}?"));
            prop_assert!(is_match(starred.as_bytes(), text.as_bytes()));
            prop_assert!(!is_match(questioned.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn damaged_actions_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Actions::open(&bytes).is_err());
            if let Ok(actions) = Actions::of_body(Reader::of(FILE, &bytes)) {
                for prefix in actions.prefixes().collect::<Vec<_>>() {
                    let _ = actions.service(prefix);
                }
            }
        }
    }
}

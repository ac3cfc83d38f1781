//! Writes every IAM action into the data file of `lightsout-schema`.

use std::collections::{BTreeMap, BTreeSet};

use lightsout_schema::format;

use crate::schema_data::{varint, write_text};

/// The actions and condition keys of one service.
#[derive(Debug, Default)]
pub(crate) struct ServiceActions {
    /// Actions by their names in lower case.
    pub(crate) actions: BTreeMap<String, String>,
    /// Condition keys with their prefix.
    pub(crate) condition_keys: BTreeSet<String>,
}

/// Writes services by prefix, and the condition keys of every request.
pub(crate) fn write(
    services: &BTreeMap<String, ServiceActions>,
    global_keys: &BTreeSet<String>,
) -> Vec<u8> {
    let mut body = Vec::new();
    list(&mut body, global_keys);
    varint(&mut body, services.len() as u64);
    for (prefix, service) in services {
        let mut lists = Vec::new();
        list(&mut lists, service.actions.values());
        list(&mut lists, &service.condition_keys);
        write_text(&mut body, prefix);
        varint(&mut body, lists.len() as u64);
        body.extend(lists);
    }
    format::with_header(format::ACTIONS, &body)
}

/// Writes of each text how many bytes it shares with the one before, and the rest.
fn list<'t>(bytes: &mut Vec<u8>, texts: impl IntoIterator<Item = &'t String>) {
    let texts: Vec<&String> = texts.into_iter().collect();
    varint(bytes, texts.len() as u64);
    let mut before = "";
    for text in texts {
        let same = text.bytes().zip(before.bytes()).take_while(|(a, b)| a == b);
        let mut shared = same.count();
        while !text.is_char_boundary(shared) {
            shared -= 1;
        }
        varint(bytes, shared as u64);
        write_text(bytes, &text[shared..]);
        before = text;
    }
}

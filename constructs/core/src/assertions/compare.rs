//! Where a template differs from a pattern.

use serde_json::Value as Json;

/// Notes each place where `have` lacks something that `want` has.
///
/// A map has at least these keys, a list at least these items in any order.
pub(super) fn compare(have: Option<&Json>, want: &Json, path: &str, differences: &mut Vec<String>) {
    match (have, want) {
        (Some(Json::Object(have)), Json::Object(want)) => {
            for (key, want) in want {
                compare(have.get(key), want, &below(path, key), differences);
            }
        }
        (Some(Json::Array(have)), Json::Array(want)) => {
            for want in want {
                compare_item(have, want, path, differences);
            }
        }
        (Some(have), want) if have == want => (),
        (None, want) => differences.push(format!("`{path}` is not set, expected {want}")),
        (Some(have), want) => differences.push(format!("`{path}` is {have}, expected {want}")),
    }
}

/// Looks for an item of a list; if it is not there, says how the nearest differs.
fn compare_item(have: &[Json], want: &Json, path: &str, differences: &mut Vec<String>) {
    let mut nearest: Option<Vec<String>> = None;
    for (index, have) in have.iter().enumerate() {
        let mut found = Vec::new();
        compare(Some(have), want, &format!("{path}[{index}]"), &mut found);
        if found.is_empty() {
            return;
        }
        if nearest.as_ref().is_none_or(|best| found.len() < best.len()) {
            nearest = Some(found);
        }
    }
    match nearest {
        // One that has nothing in common with what is wanted is no help.
        Some(found) if found.len() < leaves(want) => differences.extend(found),
        _ => differences.push(format!("`{path}` has no {want}")),
    }
}

/// Counts the scalars of a pattern: the most places in which anything can differ.
fn leaves(json: &Json) -> usize {
    match json {
        Json::Object(map) => map.values().map(leaves).sum(),
        Json::Array(items) => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// Returns what stands at a path such as `RedrivePolicy.maxReceiveCount` or `Tags[0].Key`.
pub(super) fn at_path<'j>(json: &'j Json, path: &str) -> Option<&'j Json> {
    path.split('.').try_fold(json, |json, step| {
        let (key, indices) = match step.split_once('[') {
            Some((key, indices)) => (key, Some(indices)),
            None => (step, None),
        };
        let found = if key.is_empty() { json } else { json.get(key)? };
        let indices = indices.into_iter().flat_map(|indices| indices.split('['));
        indices
            .map(|index| index.strip_suffix(']')?.parse::<usize>().ok())
            .try_fold(found, |json, index| json.get(index?))
    })
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

//! Values of a template as a person reads them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Writes a value: text as it is, anything else as indented JSON.
///
/// Texts that the template puts together from parts are written as one, with
/// `${…}` for what is known at deploy time only, so that a script looks like a
/// script.
pub(crate) fn readable(value: &Json) -> String {
    match joined(value) {
        Some(text) => text,
        None => serde_json::to_string_pretty(&simplified(value)).expect("values have text as keys"),
    }
}

fn simplified(value: &Json) -> Json {
    if let Some(text) = joined(value) {
        return Json::String(text);
    }
    match value {
        Json::Array(list) => list.iter().map(simplified).collect(),
        Json::Object(map) => {
            // Sorted, for an order of keys is no difference.
            let sorted: BTreeMap<_, _> = map.iter().collect();
            let entries = sorted.into_iter().map(|(k, v)| (k.clone(), simplified(v)));
            Json::Object(entries.collect())
        }
        scalar => scalar.clone(),
    }
}

/// Returns the text that a value is, with placeholders for its tokens.
fn joined(value: &Json) -> Option<String> {
    if let Json::String(text) = value {
        return Some(text.clone());
    }
    let (function, argument) = single(value)?;
    match function {
        "Ref" => Some(format!("${{{}}}", argument.as_str()?)),
        "Fn::GetAtt" => {
            let parts: Vec<&str> = argument
                .as_array()?
                .iter()
                .filter_map(Json::as_str)
                .collect();
            Some(format!("${{{}}}", parts.join(".")))
        }
        "Fn::ImportValue" => Some(format!("${{import {}}}", argument.as_str()?)),
        "Fn::Base64" => joined(argument),
        "Fn::Sub" => argument.as_str().map(str::to_owned),
        "Fn::Join" => {
            let separator = argument[0].as_str()?;
            let parts: Option<Vec<String>> = argument[1].as_array()?.iter().map(joined).collect();
            Some(parts?.join(separator))
        }
        _ => None,
    }
}

fn single(value: &Json) -> Option<(&str, &Json)> {
    let map = value.as_object()?;
    let (key, argument) = map.iter().next()?;
    (map.len() == 1).then_some((key, argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_script_in_parts_reads_as_a_script() {
        let script = json!({"Fn::Base64": {"Fn::Join": ["", [
            "#!/bin/sh\necho ", {"Ref": "AWS::Region"}, "\n", {"Fn::GetAtt": ["Jobs", "Arn"]}, "\n",
        ]]}});
        assert_eq!(
            readable(&script),
            "#!/bin/sh\necho ${AWS::Region}\n${Jobs.Arn}\n"
        );
    }

    #[test]
    fn tokens_in_a_list_read_as_placeholders() {
        let list = json!([{"Ref": "Jobs"}, {"Other": 1}]);
        assert_eq!(
            readable(&list),
            "[\n  \"${Jobs}\",\n  {\n    \"Other\": 1\n  }\n]"
        );
    }
}

//! A property's limits in words, for its documentation.

use serde_json::Number;

use crate::constraints::Constraint;

/// A pattern longer than this explains nothing.
const LONGEST_PATTERN: usize = 48;

/// A default longer than this is no fact to remember.
const LONGEST_DEFAULT: usize = 32;

/// More numbers than this are a catalogue.
const MOST_NUMBERS: usize = 24;

/// Returns what is allowed at a place, each a sentence of its own.
pub(crate) fn limits(constraint: Constraint<'_>) -> Vec<String> {
    let mut sentences = own(constraint);
    if let Some(item) = constraint.item() {
        let of_item = own(item);
        sentences.extend(of_item.iter().map(|sentence| format!("Each: {sentence}")));
    }
    sentences
}

/// Returns what holds if nothing is set, if that is short enough to say.
pub(crate) fn default(value: &str) -> Option<String> {
    let value = value.trim_matches('"');
    let says = !["", "-", "UnsetValue"].contains(&value) && !value.starts_with(['{', '[']);
    (says && is_code(value, LONGEST_DEFAULT)).then(|| format!("Default: `{value}`."))
}

fn own(constraint: Constraint<'_>) -> Vec<String> {
    let range = |least, most, units| {
        let (least, most) = (constraint.number(least), constraint.number(most));
        range(least, most, units)
    };
    let numbers = constraint.numbers();
    let numbers: Vec<String> = numbers.into_iter().map(Number::to_string).collect();
    let one_of = (!numbers.is_empty() && numbers.len() <= MOST_NUMBERS)
        .then(|| format!("One of {}.", numbers.join(", ")));
    let pattern = constraint
        .pattern()
        // Any text at all.
        .filter(|pattern| pattern.chars().any(char::is_alphanumeric))
        .filter(|pattern| is_code(pattern, LONGEST_PATTERN))
        .map(|pattern| format!("Matches `{pattern}`."));
    [
        one_of,
        range("minimum", "maximum", ["", ""]),
        range("minLength", "maxLength", [" character", " characters"]),
        range("minItems", "maxItems", [" item", " items"]),
        pattern,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Says a range; one that excludes nothing is not worth a word.
fn range(
    least: Option<&Number>,
    most: Option<&Number>,
    [singular, plural]: [&str; 2],
) -> Option<String> {
    let counts = !plural.is_empty();
    let least = least.filter(|least| !(counts && least.as_f64() == Some(0.0)));
    let most = most.filter(|most| most.as_f64().is_some_and(|most| most < f64::from(i32::MAX)));
    let unit = |number: &Number| match number.as_f64() {
        Some(1.0) => singular,
        _ => plural,
    };
    Some(match (least, most) {
        (Some(least), Some(most)) if least == most => format!("Exactly {most}{}.", unit(most)),
        (Some(least), Some(most)) => format!("{least} to {most}{}.", unit(most)),
        (Some(least), None) => format!("At least {least}{}.", unit(least)),
        (None, Some(most)) => format!("At most {most}{}.", unit(most)),
        (None, None) => return None,
    })
}

/// Returns whether `text` can stand between backticks on one line.
fn is_code(text: &str, longest: usize) -> bool {
    let plain = |letter: char| letter == ' ' || (letter.is_ascii_graphic() && letter != '`');
    text.len() <= longest && text.trim() == text && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::constraints::Constraints;

    fn limits_of(property: &Json) -> Vec<String> {
        let schema = json!({"properties": {"P": property}});
        let constraints: Constraints = [("AWS::X::Y".to_owned(), schema)].into_iter().collect();
        let resource = constraints.of("AWS::X::Y").unwrap();
        limits(resource.property("P").unwrap())
    }

    #[test]
    fn ranges_lengths_and_patterns_are_said_in_words() {
        assert_eq!(
            limits_of(&json!({"minimum": 0, "maximum": 900})),
            ["0 to 900."]
        );
        assert_eq!(limits_of(&json!({"minimum": 60})), ["At least 60."]);
        assert_eq!(
            limits_of(&json!({"minLength": 1, "maxLength": 80, "pattern": "^[a-z]+$"})),
            ["1 to 80 characters.", "Matches `^[a-z]+$`."]
        );
        assert_eq!(
            limits_of(&json!({"minLength": 12, "maxLength": 12})),
            ["Exactly 12 characters."]
        );
        assert_eq!(limits_of(&json!({"enum": [1, 3, 5]})), ["One of 1, 3, 5."]);
    }

    #[test]
    fn items_have_limits_of_their_own() {
        assert_eq!(
            limits_of(&json!({"maxItems": 1, "items": {"maxLength": 9}})),
            ["At most 1 item.", "Each: At most 9 characters."]
        );
    }

    #[test]
    fn what_excludes_nothing_is_not_said() {
        assert_eq!(
            limits_of(&json!({"minLength": 0, "maxLength": 2_147_483_647})),
            [""; 0]
        );
        assert_eq!(limits_of(&json!({"pattern": ".*"})), [""; 0]);
        assert_eq!(limits_of(&json!({"pattern": "a`b"})), [""; 0]);
        assert_eq!(default("\"\""), None);
        assert_eq!(default("\"NONE\"").unwrap(), "Default: `NONE`.");
    }
}

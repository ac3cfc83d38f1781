//! Names as Rust writes them, from names as AWS writes them.

/// Names that a generated type must leave to what its module uses.
const TAKEN: &[&str] = &[
    "Arn",
    "Attribute",
    "Box",
    "Cow",
    "Default",
    "From",
    "Into",
    "IntoIterator",
    "None",
    "OneOf",
    "Option",
    "Properties",
    "Ref",
    "ResourceType",
    "Result",
    "Self",
    "Some",
    "String",
    "Tag",
    "Tags",
    "Tree",
    "Value",
    "Vec",
];

/// Methods that every generated type has besides its setters.
const METHODS: &[&str] = &["matching", "new", "with"];

/// Constants that every resource type has besides its attributes.
const CONSTANTS: &[&str] = &["REQUIRED", "STATEFUL", "TAGS", "TYPE"];

/// Keywords of Rust, of every edition, that may not name a function or module.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Returns the name of a module: the service's own, unless it is a keyword.
pub(crate) fn module(service: &str) -> String {
    escape(snake(service), KEYWORDS)
}

/// Returns the name of a setter, such as `kms_master_key_id` or `type_`.
pub(crate) fn setter(property: &str) -> String {
    escape(escape(snake(property), KEYWORDS), METHODS)
}

/// Returns the name of an attribute's constant, such as `ENDPOINT_ADDRESS`.
pub(crate) fn constant(attribute: &str) -> String {
    escape(snake(attribute).to_uppercase(), CONSTANTS)
}

/// Returns the name of a resource's type, such as `Vpc` for `VPC`.
pub(crate) fn resource(name: &str) -> String {
    let name = camel(name);
    if TAKEN.contains(&name.as_str()) {
        name + "Resource"
    } else {
        name
    }
}

/// Returns the name of a type inside `owner`, without saying its name twice.
pub(crate) fn nested(owner: &str, name: &str) -> String {
    let name = camel(name);
    if name.len() > owner.len() && name.starts_with(owner) {
        name
    } else {
        format!("{owner}{name}")
    }
}

/// Returns the names of an enum's variants and their texts, or nothing if one has no name.
///
/// Of several spellings of one value, such as `Enabled` and `ENABLED`, the
/// first is named; the others remain text.
pub(crate) fn variants(values: Vec<String>) -> Option<Vec<(String, String)>> {
    let mut variants: Vec<(String, String)> = Vec::with_capacity(values.len());
    for value in values {
        let name = variant(&value)?;
        if !variants.iter().any(|(known, _)| *known == name) {
            variants.push((name, value));
        }
    }
    Some(variants)
}

/// Splits a name into its words, in lower case.
///
/// A word ends where a small letter or digit meets a capital (`delay|Seconds`),
/// before the last capital of several (`KMS|Key`), and at any other sign. The
/// `s` of a plural stays with its capitals (`subnet|IDs`).
fn words(name: &str) -> Vec<String> {
    let name = name
        .replace("IPv", "Ipv")
        .replace("IoT", "Iot")
        .replace("OAuth", "Oauth")
        .replace("DynamoDB", "Dynamodb")
        .replace("KiB", "Kib")
        .replace("MiB", "Mib")
        .replace("GiB", "Gib");
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for (index, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            open = false;
            continue;
        }
        let before = index.checked_sub(1).map(|before| letters[before]);
        let starts = letter.is_ascii_uppercase()
            && match before {
                Some(before) if before.is_ascii_uppercase() => begins_word(&letters[index + 1..]),
                _ => true,
            };
        match words.last_mut() {
            Some(word) if open && !starts => word.push(letter.to_ascii_lowercase()),
            _ => words.push(letter.to_ascii_lowercase().to_string()),
        }
        open = true;
    }
    words
}

/// Returns whether a capital that follows a capital begins a word, from what follows it.
fn begins_word(rest: &[char]) -> bool {
    let plural =
        rest.first() == Some(&'s') && rest.get(1).is_none_or(|after| !after.is_ascii_lowercase());
    rest.first().is_some_and(char::is_ascii_lowercase) && !plural
}

fn snake(name: &str) -> String {
    let name = words(name).join("_");
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name
    }
}

fn camel(name: &str) -> String {
    words(name).iter().map(|word| capitalized(word)).collect()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

/// Names a value in camel case: `PAY_PER_REQUEST` is `PayPerRequest`.
///
/// Numbers stay apart, so that `python3.1` and `python31` are two names.
fn variant(value: &str) -> Option<String> {
    let shouted = !value.contains(|letter: char| letter.is_ascii_lowercase());
    let value = if shouted {
        value.to_ascii_lowercase()
    } else {
        value.to_owned()
    };
    let mut name = String::new();
    for word in words(&value) {
        let digits = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
        if digits(name.chars().next_back()) && digits(word.chars().next()) {
            name.push('_');
        }
        name.push_str(&capitalized(&word));
    }
    if name.is_empty() {
        return None;
    }
    Some(if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("V{name}")
    } else if name == "Other" || name == "Self" {
        name + "Value"
    } else {
        name
    })
}

fn escape(name: String, taken: &[&str]) -> String {
    if taken.contains(&name.as_str()) {
        name + "_"
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn setters_are_snake_case_with_acronyms_as_words() {
        for (property, name) in [
            ("DelaySeconds", "delay_seconds"),
            ("KmsMasterKeyId", "kms_master_key_id"),
            ("KMSKeyARN", "kms_key_arn"),
            ("SSESpecification", "sse_specification"),
            ("OKActions", "ok_actions"),
            ("SubnetIDs", "subnet_ids"),
            ("VPCIds", "vpc_ids"),
            (
                "AssignIPv6AddressOnCreation",
                "assign_ipv6_address_on_creation",
            ),
            ("S3Bucket", "s3_bucket"),
            ("EC2InstanceId", "ec2_instance_id"),
            ("engine-version", "engine_version"),
            ("MemoryInMiB", "memory_in_mib"),
            ("Type", "type_"),
            ("Match", "match_"),
            ("New", "new_"),
            ("With", "with_"),
        ] {
            assert_eq!(setter(property), name, "{property}");
        }
    }

    #[test]
    fn types_are_camel_case_and_do_not_stutter() {
        assert_eq!(resource("VPC"), "Vpc");
        assert_eq!(resource("DBInstance"), "DbInstance");
        assert_eq!(resource("VPCGatewayAttachment"), "VpcGatewayAttachment");
        assert_eq!(resource("Tag"), "TagResource");
        assert_eq!(nested("Bucket", "CorsRule"), "BucketCorsRule");
        assert_eq!(nested("Bucket", "BucketEncryption"), "BucketEncryption");
        assert_eq!(nested("Bucket", "Bucket"), "BucketBucket");
    }

    #[test]
    fn attributes_are_constants() {
        assert_eq!(constant("Arn"), "ARN");
        assert_eq!(constant("Endpoint.Address"), "ENDPOINT_ADDRESS");
        assert_eq!(constant("Type"), "TYPE_");
    }

    fn variants_of(values: &[&str]) -> Option<Vec<String>> {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Some(
            variants(values)?
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
        )
    }

    #[test]
    fn variants_keep_apart_what_aws_keeps_apart() {
        let names = variants_of(&[
            "PAY_PER_REQUEST",
            "aws:kms",
            "python3.12",
            "python31.2",
            "x86_64",
            "Other",
            "2",
        ]);
        assert_eq!(
            names.unwrap(),
            [
                "PayPerRequest",
                "AwsKms",
                "Python3_12",
                "Python31_2",
                "X86_64",
                "OtherValue",
                "V2"
            ]
        );
    }

    #[test]
    fn only_the_first_spelling_of_a_value_is_named() {
        assert_eq!(
            variants_of(&["Enabled", "ENABLED", "Disabled"]).unwrap(),
            ["Enabled", "Disabled"]
        );
    }

    #[test]
    fn values_without_letters_have_no_names() {
        assert_eq!(variants_of(&["on", ""]), None);
        assert_eq!(variants_of(&["<", ">"]), None);
    }

    proptest! {
        #[test]
        fn any_name_becomes_an_identifier(name in "[A-Za-z][A-Za-z0-9._-]{0,30}") {
            let setter = setter(&name);
            prop_assert!(setter.starts_with(|first: char| first.is_ascii_lowercase()), "{}", setter);
            prop_assert!(setter.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_'));
            prop_assert!(!KEYWORDS.contains(&setter.as_str()));
        }
    }
}

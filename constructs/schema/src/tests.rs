use proptest::prelude::*;

use super::*;

#[test]
fn every_type_can_be_read() {
    let schemas = schemas().unwrap();
    let names: Vec<&str> = schemas.names().map(Result::unwrap).collect();
    assert!(names.len() > 1850, "{}", names.len());
    assert!(names.is_sorted());
    for name in names {
        let schema = schemas.find(name).unwrap().unwrap();
        assert_eq!(schema.name(), name);
        assert!(schema.attributes().is_sorted(), "{name}");
        let has_properties = schema
            .root()
            .keywords()
            .iter()
            .any(|keyword| matches!(keyword, Keyword::Properties { known, .. } if known.is_sorted_by_key(|(name, _)| *name)));
        assert!(has_properties, "{name}");
    }
}

#[test]
fn most_patterns_can_be_compiled() {
    let schemas = schemas().unwrap();
    let patterns: BTreeSet<&str> = schemas
        .names()
        .map(Result::unwrap)
        .flat_map(|name| schemas.find(name).unwrap().unwrap().patterns())
        .map(Pattern::text)
        .collect();
    assert!(patterns.len() > 2500, "{}", patterns.len());
    // What cannot be compiled is left out when the data is written.
    assert!(patterns.iter().all(|pattern| is_supported(pattern)));
}

#[test]
fn a_schema_that_contains_itself_is_read_once() {
    let acl = of("AWS::WAFv2::WebACL").unwrap();
    assert!(
        acl.permissions(Operation::Create)
            .contains(&"wafv2:CreateWebACL")
    );
}

#[test]
fn an_unknown_type_has_no_schema() {
    assert!(of("AWS::SQS::Queues").is_none());
    assert!(of("").is_none());
}

#[test]
fn a_damaged_file_is_named_with_the_fix() {
    let error = |bytes: &[u8]| Store::open(bytes).unwrap_err().to_string();
    let mut bytes = BYTES.to_vec();
    bytes[4000] ^= 1;
    assert!(
        error(&bytes).contains("schemas.bin` is damaged"),
        "{}",
        error(&bytes)
    );
    bytes[8] = 9;
    assert!(error(&bytes).contains("has version 9"), "{}", error(&bytes));
    for text in [error(b"half"), error(&bytes)] {
        assert!(text.contains("cargo run -p lightsout-generate"), "{text}");
    }
    assert!(error(&BYTES[..BYTES.len() / 2]).contains("damaged"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Store::open(&bytes).is_err());
        if let Ok(store) = Store::of_damaged(&bytes) {
            read_all(&store);
        }
    }

    /// The sum would tell; this is what a reader does that has no sum to ask.
    #[test]
    fn a_changed_byte_never_panics(
        changes in proptest::collection::vec((0..BYTES.len() - format::HEADER, any::<u8>()), 1..40),
    ) {
        let mut body = BYTES[format::HEADER..].to_vec();
        for (at, byte) in changes {
            body[at] = byte;
        }
        if let Ok(store) = Store::of_damaged(&body) {
            read_all(&store);
        }
    }
}

fn read_all(store: &Store<'_>) {
    for name in store.names().step_by(7).flatten() {
        let _ = store.find(name);
    }
}

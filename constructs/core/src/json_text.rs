//! Writes trees as JSON text, with keys in the order in which they were set.

use serde_json::{Number, Value as Json};

use crate::{Token, Tree};

/// Returns `tree` as pretty-printed JSON that ends in a line break.
///
/// `resolve` gives the tree that stands for a token; tokens within it are resolved
/// in turn.
pub(crate) fn pretty(tree: &Tree, resolve: &impl Fn(&Token) -> Tree) -> String {
    let mut text = String::new();
    write(&mut text, tree, 0, resolve);
    text.push('\n');
    text
}

fn write(text: &mut String, tree: &Tree, depth: usize, resolve: &impl Fn(&Token) -> Tree) {
    match tree {
        Tree::Literal(Json::Number(number)) => write_number(text, number),
        Tree::Literal(Json::String(string)) => write_string(text, string),
        Tree::Literal(scalar) => text.push_str(&scalar.to_string()),
        Tree::Token(token) => write(text, &resolve(token), depth, resolve),
        Tree::List(items) if items.is_empty() => text.push_str("[]"),
        Tree::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                begin_line(text, index, depth + 1);
                write(text, item, depth + 1, resolve);
            }
            end_lines(text, depth);
            text.push(']');
        }
        Tree::Map(entries) if entries.is_empty() => text.push_str("{}"),
        Tree::Map(entries) => {
            text.push('{');
            for (index, (key, tree)) in entries.iter().enumerate() {
                begin_line(text, index, depth + 1);
                write_string(text, key);
                text.push_str(": ");
                write(text, tree, depth + 1, resolve);
            }
            end_lines(text, depth);
            text.push('}');
        }
    }
}

fn begin_line(text: &mut String, index: usize, depth: usize) {
    text.push_str(if index == 0 { "\n" } else { ",\n" });
    indent(text, depth);
}

fn end_lines(text: &mut String, depth: usize) {
    text.push('\n');
    indent(text, depth);
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}

/// Writes 900.0 as `900`: `CloudFormation` compares templates as text.
fn write_number(text: &mut String, number: &Number) {
    let number = number.to_string();
    text.push_str(number.strip_suffix(".0").unwrap_or(&number));
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    // What needs no escape, mostly everything, is copied at once.
    let mut copied = 0;
    for (index, byte) in string.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..b' ' => "",
            _ => continue,
        };
        text.push_str(&string[copied..index]);
        copied = index + 1;
        if escape.is_empty() {
            text.push_str("\\u00");
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
        } else {
            text.push_str(escape);
        }
    }
    text.push_str(&string[copied..]);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::ResourceId;

    fn plain(tree: &Tree) -> String {
        pretty(tree, &|token| panic!("unexpected {token:?}"))
    }

    #[test]
    fn a_whole_number_has_no_fraction() {
        assert_eq!(plain(&Tree::from(900.0)), "900\n");
        assert_eq!(plain(&Tree::from(-0.5)), "-0.5\n");
        assert_eq!(plain(&Tree::from(1e300)), "1e+300\n");
    }

    #[test]
    fn keys_keep_their_order() {
        let tree = Tree::object([("Type", "b".into()), ("A", Tree::List(Vec::new()))]);
        assert_eq!(plain(&tree), "{\n  \"Type\": \"b\",\n  \"A\": []\n}\n");
    }

    fn any_scalar() -> impl Strategy<Value = Json> {
        prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            any::<String>().prop_map(Json::from),
            // What a renderer gets wrong first.
            "[\"\\\\\u{0}-\u{1f}\u{7f}\u{2028}\u{fffd}😀]{0,8}".prop_map(Json::from),
        ]
    }

    /// A tree with tokens in it; each stands for a tree that is known here.
    fn any_tree() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            any_scalar().prop_map(Tree::from),
            (0..STAND_INS).prop_map(|index| Tree::Token(stand_in(index))),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::List),
                prop::collection::btree_map(any::<String>(), inner, 0..5).prop_map(Tree::object),
            ]
        })
    }

    const STAND_INS: u32 = 3;

    fn stand_in(index: u32) -> Token {
        Token::Ref(ResourceId { app: 0, index })
    }

    /// What tokens stand for: text, a map, and a list with a token in it.
    fn resolved(token: &Token) -> Tree {
        match token {
            Token::Ref(ResourceId { index: 0, .. }) => Tree::from("it's"),
            Token::Ref(ResourceId { index: 1, .. }) => Tree::object([("Ref", "Jobs".into())]),
            _ => Tree::List(vec![Tree::Token(stand_in(1)), Tree::from(7)]),
        }
    }

    /// Says the same with `serde_json`, which counts 900.0 and 900 as two.
    fn by_serde(tree: &Tree) -> Json {
        match tree {
            Tree::Literal(Json::Number(number)) => {
                let text = number.to_string();
                let text = text.strip_suffix(".0").unwrap_or(&text);
                // Its parser is off by one bit now and then; not so the text.
                serde_json::from_str(text).unwrap()
            }
            Tree::Literal(scalar) => scalar.clone(),
            Tree::Token(token) => by_serde(&resolved(token)),
            Tree::List(items) => items.iter().map(by_serde).collect(),
            Tree::Map(entries) => entries
                .iter()
                .map(|(key, tree)| (key.to_string(), by_serde(tree)))
                .collect(),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(tree in any_tree()) {
            let text = pretty(&tree, &resolved);
            let read: Json = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read, by_serde(&tree));
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            plain(&Tree::from("a\u{1}\u{1f}\"\\")),
            "\"a\\u0001\\u001f\\\"\\\\\"\n"
        );
        assert_eq!(
            serde_json::from_str::<Json>(&plain(&Tree::from("\u{7f}ä"))).unwrap(),
            json!("\u{7f}ä")
        );
    }
}

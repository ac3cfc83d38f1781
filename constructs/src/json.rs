//! JSON within a property that is text, with what is known once deployed in it.

use lightsout_core::{Part, Tree, Value};

/// Returns `tree` as compact JSON; a token becomes text within quotes.
pub(crate) fn text(tree: Tree) -> Value<String> {
    let mut parts = Vec::new();
    write(&mut parts, tree);
    Value::join(parts)
}

fn write(parts: &mut Vec<Part>, tree: Tree) {
    match tree {
        Tree::Literal(json) => parts.push(json.to_string().into()),
        Tree::Token(token) => {
            parts.extend(["\"".into(), Part::Token(token), "\"".into()]);
        }
        Tree::List(items) => {
            parts.push("[".into());
            for (index, item) in items.into_iter().enumerate() {
                separate(parts, index);
                write(parts, item);
            }
            parts.push("]".into());
        }
        Tree::Map(entries) => {
            parts.push("{".into());
            for (index, (key, tree)) in entries.into_iter().enumerate() {
                separate(parts, index);
                write(parts, key.into_owned().into());
                parts.push(":".into());
                write(parts, tree);
            }
            parts.push("}".into());
        }
    }
}

fn separate(parts: &mut Vec<Part>, index: usize) {
    if index > 0 {
        parts.push(",".into());
    }
}

#[cfg(test)]
mod tests {
    use lightsout_core::Pseudo;

    use super::*;

    #[test]
    fn known_trees_become_json_and_tokens_stay_within_quotes() {
        let known = Tree::object([
            ("a\"b", vec![1_i64, 2].into()),
            ("c", Tree::object([("d", true.into())])),
        ]);
        assert_eq!(text(known), r#"{"a\"b":[1,2],"c":{"d":true}}"#.into());
        let token = Tree::object([("region", Tree::from(Pseudo::Region))]);
        let Value::Token(lightsout_core::Token::Join(parts), _) = text(token) else {
            panic!("the region is known once deployed");
        };
        assert_eq!(parts[0], Part::from("{\"region\":\""));
        assert_eq!(parts[2], Part::from("\"}"));
    }
}

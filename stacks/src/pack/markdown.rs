//! Documents of a pack as Markdown.

use serde_json::Value;

use crate::graph::each;

/// Writes a table; a cell of several lines stays one row.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head.map(str::to_owned).into());
    text += &line(vec!["---".to_owned(); N]);
    for row in rows {
        text += &line(row.iter().map(|cell| escaped(cell)).collect());
    }
    text
}

/// Writes items as a list, or a word where there is none.
pub(super) fn list(name: &str, items: &[String]) -> String {
    match items {
        [] => format!("- {name}: none\n"),
        [one] => format!("- {name}: {one}\n"),
        items => {
            format!("- {name}:\n  - {}\n", items.join("\n  - "))
        }
    }
}

/// Writes names as code, one behind the other.
pub(super) fn code<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<_> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

/// Writes the condition of a statement: each key, its operator, and what it is compared with.
pub(super) fn condition(condition: &Value) -> String {
    let operators = condition.as_object().into_iter().flatten();
    let asked = operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, value)| {
            let values: Vec<_> = each(value)
                .into_iter()
                .map(|value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                })
                .collect();
            format!("`{key}` {operator} {}", code(&values))
        })
    });
    asked.collect::<Vec<_>>().join(" and ")
}

fn escaped(cell: &str) -> String {
    cell.trim().replace('|', "\\|").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_reads_as_what_all_of_it_asks() {
        let asked = json!({"Bool": {"a:b": "true"}, "StringEquals": {"c:d": ["x", "y"]}});
        assert_eq!(
            condition(&asked),
            "`a:b` Bool `true` and `c:d` StringEquals `x`, `y`"
        );
        assert_eq!(condition(&Value::Null), "");
    }

    #[test]
    fn a_cell_breaks_no_row() {
        let text = table(["a"], [["one | two\nthree\n".to_owned()]]);
        assert_eq!(text, "| a |\n| --- |\n| one \\| two<br>three |\n");
    }
}

//! Documents of a pack as Markdown.

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
            let items: String = items.iter().map(|item| format!("  - {item}\n")).collect();
            format!("- {name}:\n{items}")
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

fn escaped(cell: &str) -> String {
    cell.trim().replace('|', "\\|").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_breaks_no_row() {
        let text = table(["a"], [["one | two\nthree\n".to_owned()]]);
        assert_eq!(text, "| a |\n| --- |\n| one \\| two<br>three |\n");
    }
}

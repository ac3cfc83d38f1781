//! Lists as JSON, as JSON lines, and as CSV for spreadsheets.

use lightsout_protocol::run::RunId;
use serde_json::{Value, json};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON object.
    Json,
    /// A JSON object for each entry.
    Lines,
    /// A line for each entry, below a line of names (RFC 4180).
    Csv,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// Writes the entries of a list.
pub(crate) fn written(
    format: Format,
    name: &str,
    run: Option<&RunId>,
    rows: &Value,
    next: Option<&str>,
) -> String {
    match format {
        Format::Json => {
            let mut list = json!({name: rows, "next": next});
            if let Some(run) = run {
                list["run"] = json!(run);
            }
            list.to_string()
        }
        Format::Lines | Format::Csv => lines(format, name, rows, true),
    }
}

/// Writes the entries of a list a line each; the names of columns stand above the first.
pub(crate) fn lines(format: Format, name: &str, rows: &Value, is_first: bool) -> String {
    let entries = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    if format == Format::Csv {
        return csv(name, entries, is_first);
    }
    let lines: Vec<_> = entries.iter().map(Value::to_string).collect();
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}

/// The columns of each list.
fn columns(name: &str) -> &'static [&'static str] {
    match name {
        "counts" => &["day", "code", "charts"],
        "rejected" => &[
            "chart", "message", "version", "engine", "run", "status", "reason", "detail",
        ],
        _ => &["chart", "version", "engine", "run", "status", "codes"],
    }
}

fn csv(name: &str, entries: &[Value], is_first: bool) -> String {
    let columns = columns(name);
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let lines = entries
        .iter()
        .map(|entry| columns.iter().map(|column| cell(&entry[*column])).collect());
    let names: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    for line in is_first.then_some(names).into_iter().chain(lines) {
        writer
            .write_record(&line)
            .expect("a line of as many columns is written to memory");
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// Writes one value; a spreadsheet must not take an id for a formula.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let texts: Vec<_> = values.iter().filter_map(Value::as_str).collect();
            texts.join(" ")
        }
        other => other.to_string(),
    };
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return format!("'{text}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_for_spreadsheets_and_line_by_line() {
        let rows = json!([
            {"chart": "=1+1", "version": "v,1", "codes": ["I10", "E11.9"]},
            {"chart": "b", "version": "say \"v\"", "status": "rejected"},
        ]);
        let run = RunId::from_stored("r");
        assert_eq!(
            written(Format::Csv, "charts", Some(&run), &rows, None),
            "chart,version,engine,run,status,codes\r\n'=1+1,\"v,1\",,,,I10 E11.9\r\n\
             b,\"say \"\"v\"\"\",,,rejected,\r\n"
        );
        let text = written(Format::Lines, "charts", None, &rows, None);
        assert_eq!(text.lines().count(), 2);
        assert!(
            text.lines()
                .all(|line| serde_json::from_str::<Value>(line).is_ok())
        );
        assert_eq!(lines(Format::Csv, "counts", &json!([]), false), "");
        let whole = written(Format::Json, "charts", Some(&run), &rows, Some("n"));
        let whole: Value = serde_json::from_str(&whole).unwrap();
        assert_eq!((&whole["charts"], &whole["next"]), (&rows, &json!("n")));
    }
}

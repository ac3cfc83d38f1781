//! A chart's codes, a line each.

use std::fmt::Write as _;

use super::Chart;
use super::places::{Lines, one_line};

/// The widest title, in characters; what is longer ends in an ellipsis.
const TITLE: usize = 52;

/// The codes with their titles and lines, below the chart's name.
///
/// ```
/// use lightsout_nlp::render::{Chart, table};
/// use lightsout_nlp::{Dictionary, Engine};
///
/// let text = "PMH: asthma\nASSESSMENT: Asthma. Gout.";
/// let engine = Engine::new(Dictionary::fy2026());
/// let coding = engine.code(text);
/// assert_eq!(table(&Chart { name: "visit.txt", text, coding: &coding }), "\
/// visit.txt
///   J45.909   Unspecified asthma, uncomplicated                     lines 1, 2
///   M10.9     Gout, unspecified                                     line 2
/// ");
/// ```
pub fn table(chart: &Chart<'_>) -> String {
    let lines = Lines::of(chart.text);
    let mut out = one_line(chart.name);
    out.push('\n');
    for code in &chart.coding.codes {
        let _ = writeln!(
            out,
            "  {:<10}{:<TITLE$}  {}",
            code.code,
            cut(&code.title),
            lines.named(&code.evidence)
        );
    }
    if chart.coding.codes.is_empty() {
        out.push_str("  no codes\n");
    }
    out
}

fn cut(title: &str) -> String {
    if title.chars().count() <= TITLE {
        return title.to_owned();
    }
    let mut short: String = title.chars().take(TITLE - 1).collect();
    short.push('\u{2026}');
    short
}

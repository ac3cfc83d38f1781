//! A page of charts, with the evidence marked in the text and the codes beside it.
//!
//! One file without scripts and without anything from elsewhere, for screen and paper. Marks
//! differ by label and line, not by colour alone, and link to the codes, which link back.

use std::fmt::Write as _;

use super::Chart;
use super::explain::{asserted, counted};
use super::marks::{Mark, evidence, marks, not_coded};
use super::places::{Lines, is_unprintable};
use crate::assertion::Assertion;
use crate::check::Rejection;
use crate::coding::{Code, Decision, Mention};

const STYLE: &str = include_str!("page.css");

/// A page of these charts.
///
/// ```
/// use lightsout_nlp::render::{Chart, html};
/// use lightsout_nlp::{Dictionary, Engine};
///
/// let text = "Asthma & <b>cough</b>";
/// let engine = Engine::new(Dictionary::fy2026());
/// let coding = engine.code(text);
/// let page = html::page(&[Chart { name: "visit.txt", text, coding: &coding }]);
/// assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
/// assert!(page.contains(" &amp; &lt;b&gt;") && !page.contains("<b>"));
/// ```
pub fn page(charts: &[Chart<'_>]) -> String {
    let mut page = open();
    for (at, chart) in charts.iter().enumerate() {
        page.push_str(&article(chart, at + 1));
    }
    page.push_str(close());
    page
}

/// The start of a page, up to its first chart.
pub fn open() -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Coded charts</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{}<main>\n",
        legend()
    )
}

/// The end of a page.
pub fn close() -> &'static str {
    "</main>\n</body>\n</html>\n"
}

/// One chart of a page; `number` tells its links from those of the others.
pub fn article(chart: &Chart<'_>, number: usize) -> String {
    let lines = Lines::of(chart.text);
    let marks = marks(chart.coding);
    let mut out = String::with_capacity(chart.text.len() * 2);
    let coding = chart.coding;
    let others = not_coded(coding).count();
    let _ = writeln!(
        out,
        "<article id=\"chart-{number}\" aria-labelledby=\"name-{number}\">\n<header>\
         <h1 id=\"name-{number}\">{}</h1><p>{}, {} not coded</p></header>\n<div class=\"chart\">",
        Escaped(chart.name),
        counted(coding.codes.len(), "code", "codes"),
        counted(others, "mention", "mentions"),
    );
    let _ = write!(out, "<section aria-label=\"Text\"><pre dir=\"auto\">");
    text(&mut out, chart, &marks, number);
    out.push_str("</pre></section>\n<aside aria-label=\"Codes\">\n<h2>Codes</h2>\n");
    if coding.codes.is_empty() {
        out.push_str("<p>None.</p>\n");
    }
    out.push_str("<ol class=\"codes\">\n");
    for (at, code) in coding.codes.iter().enumerate() {
        code_card(&mut out, chart, &lines, &marks, (number, at), code);
    }
    out.push_str("</ol>\n");
    if others > 0 {
        out.push_str("<h2>Not coded</h2>\n<ul class=\"others\">\n");
        for (mention, reason) in not_coded(coding) {
            other_card(&mut out, &lines, &marks, number, mention, reason);
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</aside>\n</div>\n</article>\n");
    out
}

/// The place of a chart that is no text of a note.
pub fn rejected(name: &str, rejection: &Rejection, number: usize) -> String {
    format!(
        "<article id=\"chart-{number}\" aria-labelledby=\"name-{number}\">\n<header>\
         <h1 id=\"name-{number}\">{}</h1><p>Rejected: {}</p></header>\n</article>\n",
        Escaped(name),
        Escaped(&rejection.to_string())
    )
}

/// How a mark is drawn, and the label behind it.
fn drawn(mark: &Mark<'_>) -> (&'static str, Option<&'static str>) {
    let Some(mention) = mark.mention.filter(|_| mark.codes.is_empty()) else {
        return ("coded", None);
    };
    match mention.assertion {
        Assertion::Present => ("other", Some("not coded")),
        Assertion::Historical if mention.decision == Decision::Coded => ("coded", None),
        assertion => (asserted(assertion), Some(asserted(assertion))),
    }
}

fn legend() -> String {
    let mut out =
        String::from("<aside class=\"legend\" aria-label=\"Legend\"><h2>Marks</h2>\n<ul>\n");
    for (class, sample, label, means) in [
        ("coded", "asthma", "J45.909", "evidence of a code"),
        (
            "negated",
            "fever",
            "negated",
            "the patient does not have it",
        ),
        ("possible", "gout", "possible", "not certain"),
        ("hypothetical", "rash", "hypothetical", "might come"),
        ("historical", "cancer", "historical", "of the past"),
        ("family", "stroke", "family", "someone else\u{2019}s"),
        ("other", "injury", "not coded", "for another reason"),
    ] {
        let _ = writeln!(
            out,
            "<li><mark class=\"{class}\">{sample}<span class=\"label\">{label}</span></mark> {means}</li>"
        );
    }
    out.push_str("</ul></aside>\n");
    out
}

/// The text with its marks; each links to its code, or to why it has none.
fn text(out: &mut String, chart: &Chart<'_>, marks: &[Mark<'_>], number: usize) {
    let mut at = 0;
    for (index, mark) in marks.iter().enumerate() {
        let Some(before) = chart.text.get(at..mark.span.start) else {
            continue;
        };
        let (class, label) = drawn(mark);
        let _ = write!(
            out,
            "{}<mark class=\"{class}\" id=\"c{number}-m{index}\">",
            Escaped(before)
        );
        let words = Escaped(mark.span.of(chart.text));
        match mark.codes.first() {
            Some(first) => {
                let _ = write!(out, "<a href=\"#c{number}-k{first}\">{words}</a>");
            }
            None => {
                let _ = write!(
                    out,
                    "<a href=\"#c{number}-n{}\">{words}</a>",
                    mark.span.start
                );
            }
        }
        for code in &mark.codes {
            let code_text = Escaped(&chart.coding.codes[*code].code);
            let _ = write!(
                out,
                "<a class=\"label\" href=\"#c{number}-k{code}\">{code_text}</a>"
            );
        }
        if let Some(label) = label {
            let _ = write!(out, "<span class=\"label\">{label}</span>");
        }
        out.push_str("</mark>");
        at = mark.span.end;
    }
    let _ = write!(out, "{}", Escaped(chart.text.get(at..).unwrap_or_default()));
}

fn code_card(
    out: &mut String,
    chart: &Chart<'_>,
    lines: &Lines,
    marks: &[Mark<'_>],
    (number, at): (usize, usize),
    code: &Code,
) {
    let _ = write!(
        out,
        "<li id=\"c{number}-k{at}\"><p><strong>{}</strong> {}</p>\n<ul>",
        Escaped(&code.code),
        Escaped(&code.title)
    );
    let mut rules = Vec::new();
    for (span, mention) in evidence(chart.coding, &code.evidence) {
        let index = index_of(marks, span.start);
        let place = mention.map_or_else(String::new, |mention| {
            format!(
                ", {}, {}",
                mention.section.name(),
                asserted(mention.assertion)
            )
        });
        let _ = write!(
            out,
            "<li><a href=\"#c{number}-m{index}\">\u{201c}{}\u{201d}</a> line {}{}</li>",
            Escaped(span.of(chart.text)),
            lines.number(span.start),
            Escaped(&place)
        );
        rules.extend(mention.map(|mention| mention.rule));
    }
    out.push_str("</ul>");
    rules.sort_unstable();
    rules.dedup();
    for rule in rules {
        let _ = write!(
            out,
            "\n<p class=\"rule\">{}</p>",
            Escaped(&rule.to_string())
        );
    }
    for advice in &code.advice {
        let _ = write!(
            out,
            "\n<p class=\"rule\"><em>Note:</em> {}</p>",
            Escaped(&advice.to_string())
        );
    }
    out.push_str("</li>\n");
}

fn other_card(
    out: &mut String,
    lines: &Lines,
    marks: &[Mark<'_>],
    number: usize,
    mention: &Mention,
    reason: &crate::Reason,
) {
    let index = index_of(marks, mention.span.start);
    let _ = write!(
        out,
        "<li id=\"c{number}-n{}\"><p><a href=\"#c{number}-m{index}\">\u{201c}{}\u{201d}</a> ",
        mention.span.start,
        Escaped(mention.text())
    );
    if let Some(code) = &mention.code {
        let _ = write!(out, "<span class=\"code\">{}</span> ", Escaped(code));
    }
    let _ = write!(
        out,
        "line {}, {}</p>\n<p class=\"rule\"><em>{}</em>: {}</p></li>\n",
        lines.number(mention.span.start),
        Escaped(mention.section.name()),
        Escaped(&reason.to_string()),
        Escaped(&mention.rule.to_string())
    );
}

/// The mark that holds this byte.
fn index_of(marks: &[Mark<'_>], byte: usize) -> usize {
    marks.partition_point(|mark| mark.span.end <= byte)
}

/// Text as HTML has it; characters that a page cannot hold become U+FFFD.
struct Escaped<'t>(&'t str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut plain = 0;
        for (at, letter) in self.0.char_indices() {
            let escaped = match letter {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                '\n' | '\t' => continue,
                '\r' => "",
                letter if is_unprintable(letter) => "\u{fffd}",
                _ => continue,
            };
            formatter.write_str(&self.0[plain..at])?;
            formatter.write_str(escaped)?;
            plain = at + letter.len_utf8();
        }
        formatter.write_str(&self.0[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dictionary, Engine};

    fn pages(text: &str) -> String {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(text);
        let chart = Chart {
            name: "a \"chart\"",
            text,
            coding: &coding,
        };
        page(&[chart, chart])
    }

    const NOTE: &str = "PMH: asthma, COPD.\nFAMILY HISTORY: stroke\nHPI: no fever. Possible pneumonia. \u{7}<script>alert(1)</script>\nASSESSMENT: asthma & gout";

    #[test]
    fn every_link_leads_to_one_place_on_the_page() {
        let page = pages(NOTE);
        let values = |name: &str| -> Vec<String> {
            let attribute = format!(" {name}=\"");
            page.split(attribute.as_str())
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned())
                .collect()
        };
        let ids = values("id");
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), ids.len());
        let links = values("href");
        assert!(links.len() > 20);
        for link in links {
            let target = link.strip_prefix('#').expect("no link leaves the page");
            assert!(ids.iter().any(|id| id == target), "{link}");
        }
    }

    #[test]
    fn a_chart_cannot_write_into_the_page() {
        let page = pages(NOTE);
        assert!(!page.contains("<script") && !page.contains('\u{7}'));
        assert!(page.contains("a &quot;chart&quot;"));
        assert!(!page.contains("http"));
    }

    #[test]
    fn every_assertion_has_a_label_beside_its_colour() {
        let page = pages(NOTE);
        for label in ["negated", "possible", "family"] {
            let mark = format!("<mark class=\"{label}\" id=");
            assert!(page.contains(&mark), "{label}");
            assert!(page.contains(&format!("<span class=\"label\">{label}</span></mark>")));
        }
        assert!(page.contains("href=\"#c1-k0\">"));
    }
}

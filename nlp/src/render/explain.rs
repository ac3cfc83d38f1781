//! The coder's view of a chart in a terminal, 80 columns wide.

use std::fmt::Write as _;

use super::Chart;
use super::marks::{evidence, not_coded};
use super::places::{Lines, Surroundings, one_line};
use crate::assertion::Assertion;
use crate::coding::{Code, Mention, Reason};
use crate::dictionary::Dictionary;
use crate::{Span, sentences};

/// How text for a terminal looks; what colours say, words say too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// Letters alone.
    #[default]
    Plain,
    /// With the escape codes of colours.
    Coloured,
}

/// The widest line, in characters.
const WIDTH: usize = 80;
/// How many terms are named when a chart has none for a code.
const TERMS: usize = 6;

/// Every code with its evidence, its rule and what the tabular list notes of it, and why each
/// other mention is not coded.
///
/// ```
/// use lightsout_nlp::render::{Chart, Look, explain};
/// use lightsout_nlp::{Dictionary, Engine};
///
/// let text = "ASSESSMENT: Asthma. No evidence of pneumonia.";
/// let engine = Engine::new(Dictionary::fy2026());
/// let coding = engine.code(text);
/// let chart = Chart { name: "visit.txt", text, coding: &coding };
/// assert_eq!(explain(&chart, Look::Plain), "\
/// visit.txt: 1 code, 1 mention not coded
///
/// CODES
///
/// J45.909   Unspecified asthma, uncomplicated
///           line 1, Assessment, present
///               ASSESSMENT: [Asthma]. No evidence of pneumonia.
///           because: a diagnosis is coded because the provider states that the
///           condition exists (Section I.A.19)
///           note: use additional code to identify: eosinophilic asthma (J82.83);
///           exposure to environmental tobacco smoke (Z77.22); exposure to tobacco
///           smoke in the perinatal period (P96.81); history of tobacco dependence
///           (Z87.891); occupational exposure to environmental t…: no code of the
///           note (Sections I.A.13 and I.B.7)
///
/// NOT CODED
///
/// J18.9     pneumonia
///           line 1, Assessment, negated
///               ASSESSMENT: Asthma. No evidence of [pneumonia].
///           negated by `no evidence of`: what the provider states to be absent is
///           not coded (Section I.A.19)
///
/// ");
/// ```
pub fn explain(chart: &Chart<'_>, look: Look) -> String {
    let lines = Lines::of(chart.text);
    let others = not_coded(chart.coding).count();
    let mut page = Page::new(look);
    page.heading(chart, others);
    if !chart.coding.codes.is_empty() {
        page.title("CODES");
        for code in &chart.coding.codes {
            page.code(chart, &lines, code);
        }
    }
    if others > 0 {
        page.title("NOT CODED");
        for (mention, reason) in not_coded(chart.coding) {
            page.mention(chart, &lines, mention, reason);
        }
    }
    page.out
}

/// A code or category that someone asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    code: String,
    title: String,
    /// Some terms that mean it, the shortest first.
    terms: Vec<String>,
}

impl Wanted {
    /// The code, in any case, or nothing where the edition has no such code or category.
    ///
    /// Reads the whole terminology: make it once for many charts.
    pub fn new(dictionary: &Dictionary, code: &str) -> Option<Self> {
        let code = code.trim().to_ascii_uppercase();
        let title = dictionary.title(&code)?;
        let mut terms: Vec<_> = dictionary
            .terms()
            .filter(|(_, meaning)| {
                let billable = dictionary.billable(*meaning);
                billable.is_some_and(|billable| billable.code.starts_with(code.as_str()))
            })
            .map(|(term, _)| term)
            .collect();
        terms.sort_unstable_by(|left, right| left.len().cmp(&right.len()).then(left.cmp(right)));
        terms.dedup();
        terms.truncate(TERMS);
        Some(Self {
            title: title.into_owned(),
            code,
            terms,
        })
    }

    fn is(&self, code: &str) -> bool {
        code.starts_with(&self.code)
    }

    /// Why a code is not there that no word of a chart means.
    fn absent(&self) -> String {
        let title = &self.title;
        match self.terms.join("; ").as_str() {
            "" => format!(
                "{title}: no words in the chart mean it, and the terminology has none that would."
            ),
            terms => {
                format!("{title}: no words in the chart mean it. Words that would: {terms}.")
            }
        }
    }
}

/// What the chart says of one code or category: its evidence, or why it is not coded.
///
/// ```
/// use lightsout_nlp::render::{Chart, Look, Wanted, why};
/// use lightsout_nlp::{Dictionary, Engine};
///
/// let engine = Engine::new(Dictionary::fy2026());
/// let text = "Denies chest pain.";
/// let coding = engine.code(text);
/// let chart = Chart { name: "visit.txt", text, coding: &coding };
/// let wanted = |code| Wanted::new(engine.dictionary(), code).unwrap();
/// let said = why(&chart, &wanted("R07.9"), Look::Plain);
/// assert!(said.starts_with("visit.txt: R07.9 is not coded\n"), "{said}");
/// assert!(said.contains("negated by `denies`"), "{said}");
/// let said = why(&chart, &wanted("I10"), Look::Plain);
/// assert!(said.contains("no words in the chart mean it"), "{said}");
/// ```
pub fn why(chart: &Chart<'_>, wanted: &Wanted, look: Look) -> String {
    let lines = Lines::of(chart.text);
    let name = one_line(chart.name);
    let mut page = Page::new(look);
    let codes = chart.coding.codes.iter();
    let found: Vec<_> = codes.filter(|code| wanted.is(&code.code)).collect();
    let is = if found.is_empty() { "is not" } else { "is" };
    page.line(&page.bold(&format!("{name}: {} {is} coded", wanted.code)));
    page.out.push('\n');
    for code in &found {
        page.code(chart, &lines, code);
    }
    let mut others = 0;
    for (mention, reason) in not_coded(chart.coding) {
        if mention.code.as_deref().is_some_and(|code| wanted.is(code))
            || matches!(reason, Reason::NotSpecific { category } if wanted.is(category))
        {
            others += 1;
            page.mention(chart, &lines, mention, reason);
        }
    }
    if found.is_empty() && others == 0 {
        page.wrapped("", &wanted.absent(), 0);
        page.out.push('\n');
    }
    page.out
}

struct Page {
    look: Look,
    out: String,
}

/// How far a code's details are indented: longer than any code.
const INDENT: usize = 10;

impl Page {
    fn new(look: Look) -> Self {
        Self {
            look,
            out: String::new(),
        }
    }

    fn heading(&mut self, chart: &Chart<'_>, others: usize) {
        let codes = counted(chart.coding.codes.len(), "code", "codes");
        let others = counted(others, "mention", "mentions");
        let name = self.bold(&one_line(chart.name));
        self.line(&format!("{name}: {codes}, {others} not coded"));
        self.out.push('\n');
    }

    fn title(&mut self, title: &str) {
        let title = self.bold(title);
        self.line(&title);
        self.out.push('\n');
    }

    fn code(&mut self, chart: &Chart<'_>, lines: &Lines, code: &Code<'_>) {
        let label = self.painted("32;1", &format!("{:<INDENT$}", code.code));
        self.wrapped(&label, &code.title, INDENT);
        let evidence = evidence(chart.coding, &code.evidence);
        let mut rules = Vec::new();
        for (span, mention) in evidence {
            let place = match mention {
                Some(mention) => place(lines, mention),
                None => format!("line {}", lines.number(span.start)),
            };
            self.detail(&place);
            self.quote(chart, span, "32;1");
            if let Some(mention) = mention {
                self.said_elsewhere(chart, lines, mention);
            }
            rules.extend(mention.map(|mention| mention.rule));
        }
        rules.sort_unstable();
        rules.dedup();
        for rule in rules {
            self.wrapped(&" ".repeat(INDENT), &format!("because: {rule}"), INDENT);
        }
        for advice in &code.advice {
            self.wrapped(&" ".repeat(INDENT), &format!("note: {advice}"), INDENT);
        }
        self.out.push('\n');
    }

    fn mention(
        &mut self,
        chart: &Chart<'_>,
        lines: &Lines,
        mention: &Mention<'_>,
        reason: &Reason<'_>,
    ) {
        let code = match reason {
            Reason::NotSpecific { category } => category,
            _ => mention.code.as_deref().unwrap_or("-"),
        };
        let label = self.painted("33", &format!("{code:<INDENT$}"));
        self.wrapped(&label, &one_line(mention.text()), INDENT);
        self.detail(&place(lines, mention));
        self.quote(chart, mention.span, "33");
        let because = format!("{reason}: {}", mention.rule);
        self.wrapped(&" ".repeat(INDENT), &because, INDENT);
        self.out.push('\n');
    }

    /// What a later sentence says of a mention, which its own surroundings may not show.
    fn said_elsewhere(&mut self, chart: &Chart<'_>, lines: &Lines, mention: &Mention<'_>) {
        for said in &mention.attributes {
            let between = Span::new(mention.span.start, said.span.end);
            if said.span.start < mention.span.end || sentences(chart.text, between).len() < 2 {
                continue;
            }
            let line = lines.number(said.span.start);
            let kind = said.kind.name();
            self.detail(&format!(
                "line {line}, its {kind}, said in another sentence"
            ));
            self.quote(chart, said.span, "32;1");
        }
    }

    fn detail(&mut self, text: &str) {
        let text = self.painted("2", text);
        self.line(&format!("{:INDENT$}{text}", ""));
    }

    /// The words of a span in their surroundings, in brackets and in a colour.
    fn quote(&mut self, chart: &Chart<'_>, span: Span, colour: &str) {
        let found = Surroundings::of(chart.text, span, WIDTH - INDENT - 4);
        let words = self.painted(colour, &format!("[{}]", found.words));
        let line = format!("{}{words}{}", found.before, found.after);
        self.line(&format!("{:INDENT$}    {}", "", line.trim()));
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Writes words after a label that is `indent` wide, further lines below the first word.
    fn wrapped(&mut self, label: &str, text: &str, indent: usize) {
        self.out.push_str(label);
        let mut column = indent;
        let mut is_first = true;
        for word in text.split(' ') {
            let length = word.chars().count();
            if !is_first && column + 1 + length > WIDTH {
                let _ = write!(self.out, "\n{:indent$}", "");
                column = indent;
            } else if !is_first {
                self.out.push(' ');
                column += 1;
            }
            self.out.push_str(word);
            column += length;
            is_first = false;
        }
        self.out.push('\n');
    }

    fn bold(&self, text: &str) -> String {
        self.painted("1", text)
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        match self.look {
            Look::Plain => text.to_owned(),
            Look::Coloured => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
        }
    }
}

fn place(lines: &Lines, mention: &Mention<'_>) -> String {
    format!(
        "line {}, {}, {}",
        lines.number(mention.span.start),
        mention.section.name(),
        asserted(mention.assertion)
    )
}

/// An assertion in a word.
pub(super) fn asserted(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Present => "present",
        Assertion::Negated => "negated",
        Assertion::Possible => "possible",
        Assertion::Hypothetical => "hypothetical",
        Assertion::Historical => "historical",
        Assertion::Family => "family",
    }
}

/// A number with its noun: `1 code`, `2 codes`.
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    #[test]
    fn no_line_of_a_sample_is_wider_than_a_terminal() {
        let engine = Engine::new(Dictionary::fy2026());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/charts");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "txt") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let coding = engine.code(&text);
            let chart = Chart {
                name: "chart",
                text: &text,
                coding: &coding,
            };
            for line in explain(&chart, Look::Plain).lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
            seen += 1;
        }
        assert!(seen > 10);
    }

    #[test]
    fn escape_codes_are_there_when_asked_for_and_a_charts_own_never() {
        let engine = Engine::new(Dictionary::fy2026());
        let text = "ASSESSMENT: \u{1b}[31m asthma \u{1b}]0;x\u{7}.";
        let coding = engine.code(text);
        let chart = Chart {
            name: "a\u{1b}[1m",
            text,
            coding: &coding,
        };
        assert!(!explain(&chart, Look::Plain).contains('\u{1b}'));
        let coloured = explain(&chart, Look::Coloured);
        assert!(coloured.contains("\u{1b}[32;1m[asthma]\u{1b}[0m"));
        assert!(!coloured.contains("\u{1b}[31m") && !coloured.contains('\u{7}'));
    }

    #[test]
    fn what_another_sentence_says_of_a_condition_is_shown_with_its_place() {
        let engine = Engine::new(Dictionary::fy2026());
        let text = "ASSESSMENT: Type 2 diabetes.\nIt is poorly controlled.";
        let coding = engine.code(text);
        let chart = Chart {
            name: "a",
            text,
            coding: &coding,
        };
        let said = explain(&chart, Look::Plain);
        assert!(said.contains("E11.65"), "{said}");
        let shown = "line 2, its control, said in another sentence\n              \
                     It is [poorly controlled].";
        assert!(said.contains(shown), "{said}");
    }

    #[test]
    fn a_category_is_answered_by_its_codes_and_no_code_by_nothing() {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code("Asthma.");
        let chart = Chart {
            name: "a",
            text: "Asthma.",
            coding: &coding,
        };
        assert_eq!(Wanted::new(engine.dictionary(), "q99.zz"), None);
        let wanted = Wanted::new(engine.dictionary(), "j45").unwrap();
        let said = why(&chart, &wanted, Look::Plain);
        assert!(
            said.contains("J45 is coded") && said.contains("J45.909"),
            "{said}"
        );
    }
}

//! What a local run found: a table for a person, one object for a program.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use comfy_table::{ContentArrangement, Table, presets};
use lightsout_nlp::{Code, Coding, Decision, Mention};
use serde::Serialize;

use super::{
    LocalError,
    charts::{ChartFolder, LocalChart, UnreadableChart},
    steps::Step,
    terminal::printable,
};

/// Everything that a local run found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Charts that were found.
    pub charts: usize,
    /// Charts that were coded, those without any code included.
    pub coded: usize,
    /// Charts that cannot be coded.
    pub rejected: Vec<Rejected>,
    /// Charts that could not be read, and therefore not be uploaded.
    pub unreadable: Vec<UnreadableChart>,
    /// Charts without an outcome; there should be none.
    pub without_outcome: Vec<String>,
    /// Codes with their evidence, by chart.
    pub codes: Vec<CodeFound>,
    /// What was found and not coded, by chart.
    pub not_coded: Vec<NotCoded>,
    /// Instances that are not terminated; there should be none.
    pub instances_left: usize,
    /// Instances that the reaper ended; none but after a crash.
    pub reaped: usize,
    /// Answers of the API that are recorded in the audit trail: one for each chart, and one for
    /// each time that it was asked too fast.
    pub recorded: usize,
    /// Whether the audit trail is whole.
    pub trail_is_whole: bool,
    /// How hosts were kept apart.
    pub isolation: String,
    /// Seconds of each step.
    pub seconds: BTreeMap<&'static str, f64>,
}

/// A chart that was rejected.
#[derive(Debug, Serialize)]
pub struct Rejected {
    /// The file's name.
    pub chart: String,
    /// A stable code.
    pub reason: String,
    /// What a person reads.
    pub detail: String,
}

/// One code of one chart.
#[derive(Debug, Serialize)]
pub struct CodeFound {
    /// The file's name.
    pub chart: String,
    /// The ICD-10-CM code.
    pub code: String,
    /// Its official title.
    pub title: String,
    /// Each place that supports it, in its context.
    pub evidence: Vec<Evidence>,
}

/// A place in a chart.
#[derive(Debug, Serialize)]
pub struct Evidence {
    /// First byte in the chart.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What stands before it.
    pub before: String,
    /// What stands there.
    pub text: String,
    /// What stands after it.
    pub after: String,
}

/// A mention that was found and not coded.
#[derive(Debug, Serialize)]
pub struct NotCoded {
    /// The file's name.
    pub chart: String,
    /// What stands in the chart.
    pub text: String,
    /// Why it was not coded.
    pub reason: String,
}

impl Report {
    /// Starts a report about the charts of a folder.
    pub(crate) fn new(found: &ChartFolder, isolation: String) -> Self {
        Self {
            charts: found.charts.len() + found.unreadable.len(),
            coded: 0,
            rejected: Vec::new(),
            unreadable: found.unreadable.clone(),
            without_outcome: Vec::new(),
            codes: Vec::new(),
            not_coded: Vec::new(),
            instances_left: 0,
            reaped: 0,
            recorded: 0,
            trail_is_whole: false,
            isolation,
            seconds: BTreeMap::new(),
        }
    }

    /// Takes the API's answer about one chart.
    pub(crate) fn take(
        &mut self,
        chart: &LocalChart,
        answer: Option<serde_json::Value>,
    ) -> Result<(), LocalError> {
        let Some(mut answer) = answer else {
            self.without_outcome.push(chart.name.clone());
            return Ok(());
        };
        if let Some(rejection) = answer.get("rejection") {
            let text = |name: &str| {
                let value = rejection.get(name).and_then(serde_json::Value::as_str);
                value.unwrap_or_default().to_owned()
            };
            self.rejected.push(Rejected {
                chart: chart.name.clone(),
                reason: text("reason"),
                detail: text("detail"),
            });
            return Ok(());
        }
        let coding: Coding = answer
            .get_mut("coding")
            .map(serde_json::Value::take)
            .and_then(|coding| serde_json::from_value(coding).ok())
            .ok_or_else(|| LocalError::Api("an outcome holds no coding".to_owned()))?;
        self.coded += 1;
        for code in &coding.codes {
            self.codes.push(CodeFound {
                chart: chart.name.clone(),
                code: code.code.into(),
                title: code.title.clone().into_owned(),
                evidence: evidence(code, &coding.mentions),
            });
        }
        for mention in &coding.mentions {
            if let Decision::NotCoded(reason) = &mention.decision {
                self.not_coded.push(NotCoded {
                    chart: chart.name.clone(),
                    text: mention.text().to_owned(),
                    reason: reason.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Takes the seconds of each step.
    pub(crate) fn time(&mut self, seconds: &BTreeMap<Step, f64>) {
        self.seconds = seconds.iter().map(|(step, s)| (step.key(), *s)).collect();
    }

    /// Returns whether every chart is accounted for, each answer recorded in a whole audit
    /// trail, and no instance left.
    pub fn is_complete(&self) -> bool {
        self.without_outcome.is_empty()
            && self.instances_left == 0
            && self.coded + self.rejected.len() == self.charts
            && self.trail_is_whole
            && self.recorded >= self.coded + self.rejected.len()
    }

    /// Writes the report as one JSON object.
    pub(crate) fn write_json(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut out, self)?;
        writeln!(out)
    }

    /// Writes the report as tables.
    pub(crate) fn write_tables(&self, mut out: impl Write) -> io::Result<()> {
        let mut codes = table(["chart", "code", "title", "evidence in context"]);
        for found in &self.codes {
            let evidence = found.evidence.first().map(Evidence::in_context);
            codes.add_row([
                &printable(&found.chart),
                &found.code,
                &found.title,
                &printable(&evidence.unwrap_or_default()),
            ]);
        }
        writeln!(out, "{codes}")?;
        if !self.not_coded.is_empty() {
            let mut others = table(["chart", "found, not coded", "because", "times"]);
            for ((chart, text, reason), times) in self.not_coded_once() {
                others.add_row([
                    &printable(chart),
                    &printable(&text),
                    &printable(reason),
                    &times.to_string(),
                ]);
            }
            writeln!(out, "\n{others}")?;
        }
        if !self.rejected.is_empty() {
            let mut rejected = table(["chart", "rejected", "because"]);
            for one in &self.rejected {
                rejected.add_row([&printable(&one.chart), &one.reason, &printable(&one.detail)]);
            }
            writeln!(out, "\n{rejected}")?;
        }
        for chart in &self.unreadable {
            let name = printable(&chart.name);
            writeln!(out, "{name}: cannot be read: {}", chart.reason)?;
        }
        for chart in &self.without_outcome {
            writeln!(out, "{}: no outcome", printable(chart))?;
        }
        writeln!(
            out,
            "\n{} charts: {} coded, {} rejected; {} codes; {} instances left; {:.0} seconds",
            self.charts,
            self.coded,
            self.rejected.len(),
            self.codes.len(),
            self.instances_left,
            self.seconds.values().sum::<f64>(),
        )
    }

    /// Folds mentions of one chart that read alike.
    fn not_coded_once(&self) -> BTreeMap<(&str, String, &str), usize> {
        let mut times = BTreeMap::new();
        for one in &self.not_coded {
            let key = (&*one.chart, one.text.to_lowercase(), &*one.reason);
            *times.entry(key).or_default() += 1;
        }
        times
    }
}

impl Evidence {
    /// Returns the evidence in brackets with some words around it, in one line.
    fn in_context(&self) -> String {
        let text = format!("{}[{}]{}", self.before, self.text, self.after);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn evidence(code: &Code, mentions: &[Mention]) -> Vec<Evidence> {
    code.evidence
        .iter()
        .filter_map(|span| mentions.iter().find(|mention| mention.span == *span))
        .map(|mention| Evidence {
            start: mention.span.start,
            end: mention.span.end,
            before: mention.quote.before().to_owned(),
            text: mention.text().to_owned(),
            after: mention.quote.after().to_owned(),
        })
        .collect()
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width())
        .set_header(header);
    table
}

/// Returns the width of the terminal as the shell tells it, or a sensible one.
fn width() -> u16 {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(140)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lightsout_nlp::{Dictionary, Engine};
    use serde_json::json;

    fn folder(names: &[&str]) -> ChartFolder {
        ChartFolder {
            charts: names.iter().map(|name| chart(name)).collect(),
            unreadable: Vec::new(),
            others: 0,
        }
    }

    fn chart(name: &str) -> LocalChart {
        LocalChart {
            name: name.to_owned(),
            path: name.into(),
            id: "0".repeat(32),
        }
    }

    fn coded(text: &str) -> serde_json::Value {
        json!({"coding": Engine::new(Dictionary::fy2026()).code(text)})
    }

    #[test]
    fn a_report_is_complete_only_when_every_chart_has_an_outcome_and_no_instance_is_left() {
        let mut report = Report::new(&folder(&["a.txt", "b.txt"]), "none".to_owned());
        report
            .take(&chart("a.txt"), Some(coded("Asthma.")))
            .unwrap();
        report.take(&chart("b.txt"), None).unwrap();
        assert!(!report.is_complete());
        report.without_outcome.clear();
        let rejection = json!({"rejection": {"reason": "empty", "detail": "no text"}});
        report.take(&chart("b.txt"), Some(rejection)).unwrap();
        (report.recorded, report.trail_is_whole) = (1, true);
        assert!(!report.is_complete(), "an answer is not recorded");
        (report.recorded, report.trail_is_whole) = (2, false);
        assert!(!report.is_complete(), "the trail is broken");
        report.trail_is_whole = true;
        assert!(report.is_complete());
        report.instances_left = 1;
        assert!(!report.is_complete());
    }

    #[test]
    fn a_person_reads_codes_in_context_and_what_was_not_coded() {
        let mut report = Report::new(&folder(&["a.txt"]), "none".to_owned());
        let text = "Assessment:\nPatient has hypertension. He denies fever.";
        report.take(&chart("a.txt"), Some(coded(text))).unwrap();
        let mut out = Vec::new();
        report.write_tables(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("Patient has [hypertension]"), "{out}");
        assert!(out.contains("negated by `denies`"), "{out}");
        assert!(out.contains("1 charts: 1 coded, 0 rejected"), "{out}");
    }

    #[test]
    fn a_chart_that_cannot_be_read_leaves_a_report_incomplete() {
        let mut found = folder(&["a.txt"]);
        found.unreadable.push(UnreadableChart {
            name: "b\n.txt".to_owned(),
            reason: "permission denied".to_owned(),
        });
        let mut report = Report::new(&found, "none".to_owned());
        report
            .take(&found.charts[0], Some(coded("Asthma.")))
            .unwrap();
        assert!(!report.is_complete());
        let mut out = Vec::new();
        report.write_tables(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("b\u{fffd}.txt: cannot be read"), "{out}");
    }

    #[test]
    fn a_chart_cannot_write_to_the_terminal() {
        let mut report = Report::new(&folder(&["a\u{1b}[2J.txt"]), "none".to_owned());
        let text = "Assessment:\n\u{1b}[31mPatient has hypertension\u{7}.";
        let name = chart("a\u{1b}[2J.txt");
        report.take(&name, Some(coded(text))).unwrap();
        let mut out = Vec::new();
        report.write_tables(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("[hypertension]"), "{out}");
        assert!(!out.contains(['\u{1b}', '\u{7}']), "{out}");
    }
}

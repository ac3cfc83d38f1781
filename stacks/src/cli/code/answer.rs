//! What is written for each chart, and around all of them.

use lightsout_nlp::{
    Coding, Engine, Mention, Rejection,
    render::{Chart, Look, Wanted, explain, fhir, html, table, why},
    to_jsonl_record, to_target_record,
};
use serde::Serialize;
use serde_json::to_string;

/// The form of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A line for each code, for people.
    Table,
    /// Only the codes, a line each.
    Codes,
    /// Every code and mention with its reason, for people.
    Explain(Look),
    /// What is said of one code.
    Why(Wanted, Look),
    /// One page.
    Html,
    /// A FHIR resource on each line.
    Fhir,
    /// One array of JSON objects.
    Json,
    /// The records that are scored, one on each line.
    Jsonl,
}

/// A coded chart for [`Form::Json`]; offsets are bytes.
#[derive(Serialize)]
struct Coded<'a> {
    chart: &'a str,
    #[serde(flatten)]
    coding: &'a Coding<'a>,
}

/// The line of a chart that was rejected.
#[derive(Serialize)]
struct Rejected<'a> {
    #[serde(flatten)]
    name: Name<'a>,
    codes: [(); 0],
    mentions: [(); 0],
    #[serde(rename = "rejected")]
    because: Because,
}

/// A chart's name, as each form calls it.
#[derive(Serialize)]
#[serde(untagged)]
enum Name<'a> {
    Chart { chart: &'a str },
    DocId { doc_id: &'a str },
}

#[derive(Serialize)]
struct Because {
    reason: &'static str,
    detail: String,
}

impl Form {
    /// What comes before the first chart.
    pub(super) fn open(&self) -> String {
        match self {
            Self::Html => html::open(),
            Self::Json => "[".to_owned(),
            _ => String::new(),
        }
    }

    /// What comes after the last.
    pub(super) fn close(&self) -> &'static str {
        match self {
            Self::Html => html::close(),
            Self::Json => "\n]\n",
            _ => "",
        }
    }

    /// A coded chart; `number` is its place among all, from 1.
    pub(super) fn coded(
        &self,
        engine: &Engine,
        chart: &Chart<'_>,
        number: usize,
    ) -> serde_json::Result<String> {
        Ok(match self {
            Self::Table => table(chart),
            Self::Codes => {
                let name = name_on_a_line(chart.name);
                let mut lines = String::new();
                for code in &chart.coding.codes {
                    lines.extend([&name, "\t", &code.code, "\n"]);
                }
                lines
            }
            Self::Explain(look) => explain(chart, *look),
            Self::Why(wanted, look) => why(chart, wanted, *look),
            Self::Html => html::article(chart, number),
            Self::Fhir => {
                let bundle = fhir::bundle(chart, engine.dictionary().edition());
                to_string(&bundle)? + "\n"
            }
            Self::Json => {
                let coded = Coded {
                    chart: chart.name,
                    coding: chart.coding,
                };
                in_array(number, &to_string(&coded)?)
            }
            Self::Jsonl => {
                let record = to_jsonl_record(chart.name, chart.text, chart.coding);
                to_string(&record)? + "\n"
            }
        })
    }

    /// A chart that is no text of a note.
    pub(super) fn rejected(
        &self,
        name: &str,
        rejection: &Rejection,
        number: usize,
    ) -> serde_json::Result<String> {
        let because = || Because {
            reason: rejection.code(),
            detail: rejection.to_string(),
        };
        let line = |name| {
            to_string(&Rejected {
                name,
                codes: [],
                mentions: [],
                because: because(),
            })
        };
        Ok(match self {
            Self::Table | Self::Explain(_) | Self::Why(..) => {
                format!("{}\n  rejected: {rejection}\n", name_on_a_line(name))
            }
            Self::Codes => String::new(),
            Self::Html => html::rejected(name, rejection, number),
            Self::Fhir => to_string(&fhir::rejected(name, rejection))? + "\n",
            Self::Json => in_array(number, &line(Name::Chart { chart: name })?),
            Self::Jsonl => line(Name::DocId { doc_id: name })? + "\n",
        })
    }
}

/// The record of a document whose target was asked for.
pub(super) fn target(
    doc_id: &str,
    text: &str,
    mention: &Mention<'_>,
) -> serde_json::Result<String> {
    Ok(to_string(&to_target_record(doc_id, text, mention))? + "\n")
}

fn in_array(number: usize, item: &str) -> String {
    let comma = if number == 1 { "" } else { "," };
    format!("{comma}\n{item}")
}

/// A name without what a terminal or a table would take for something else.
fn name_on_a_line(name: &str) -> String {
    name.replace(char::is_control, "\u{fffd}")
}

//! HL7 v2: the text of results (ORU) and of documents (MDM).
//!
//! Segments, fields and escape sequences are [`er7`]'s; which of them are narrative is HL7
//! v2.5.1's chapters 7 (observations) and 9 (documents).

mod continuation;
mod escape;

use er7::{Component, Field, Message, Repetition, Segment, Separators};
use lightsout_nlp::SectionKind;

use self::{continuation::joined, escape::plain};
use crate::{Rejection, attachment, limits::MOST_VALUES, lines::Lines, write_within};

/// Writes the narratives of messages that lie `depth` deep.
pub(crate) fn write(text: &str, lines: &mut Lines, depth: usize) -> Result<(), Rejection> {
    // The bytes that frame messages on a connection end lines as well.
    let text = text.replace(['\u{b}', '\u{1c}'], "\r");
    let text = text.trim_start();
    let messages = er7::split_messages(text);
    let is_batch = messages.len() > 1;
    let mut patient = None;
    for (number, message) in messages.into_iter().enumerate() {
        let place = if is_batch {
            format!("message[{}]/", number + 1)
        } else {
            String::new()
        };
        let header = message.split(['\r', '\n']).next().unwrap_or_default();
        let separators =
            Separators::from_header(header).map_err(|_| Rejection::MalformedMessage)?;
        let pieces = message
            .chars()
            .filter(|letter| separators.is_delimiter(*letter));
        if pieces.take(MOST_VALUES + 1).count() > MOST_VALUES {
            return Err(Rejection::TooManyParts { limit: MOST_VALUES });
        }
        let whole = joined(message, &separators);
        let message = er7::parse(&whole).map_err(|_| Rejection::MalformedMessage)?;
        let mut chart = Chart {
            separators: message.separators,
            place: &place,
            patient: &mut patient,
            lines,
            depth,
            label: None,
            is_left_out: false,
        };
        match carries_text(&message) {
            Ok(()) => chart.segments(&message.segments)?,
            Err(rejection) if is_batch => lines.leave_out(place.trim_end_matches('/'), rejection),
            Err(rejection) => return Err(rejection),
        }
    }
    Ok(())
}

/// Whether a message of this type and state carries a text that counts.
fn carries_text(message: &Message) -> Result<(), Rejection> {
    let kind = message.message_code().unwrap_or_default();
    let event = message.trigger_event().unwrap_or_default();
    match (kind.as_str(), event.as_str()) {
        ("ORU", _) => Ok(()),
        // T01, T03, T05, T07 and T09 tell of a document without its content (9.5).
        ("MDM", "T02" | "T04" | "T06" | "T08" | "T10") => document(message),
        ("MDM", "T11") => Err(Rejection::Cancelled),
        _ => Err(Rejection::MessageWithoutNarrative),
    }
}

/// Tables 0271 (completion, `TXA-17`) and 0273 (availability, `TXA-19`).
fn document(message: &Message) -> Result<(), Rejection> {
    let Some(header) = message.segment("TXA") else {
        return Ok(());
    };
    let of = |number| first(header, number, 1, &message.separators);
    match of(19).as_str() {
        "CA" => return Err(Rejection::Cancelled),
        "OB" => return Err(Rejection::Superseded),
        "UN" => return Err(Rejection::Incomplete),
        _ => {}
    }
    match of(17).as_str() {
        "IN" | "IP" => Err(Rejection::Incomplete),
        _ => Ok(()),
    }
}

/// A component of the first repetition of a field, with its escapes read.
fn first(segment: &Segment, field: usize, component: usize, separators: &Separators) -> String {
    let found = segment.component(field, component);
    found.map_or_else(String::new, |found| words(found, separators))
}

fn words(component: &Component, separators: &Separators) -> String {
    plain(&component.to_er7(separators), separators)
        .trim()
        .to_owned()
}

struct Chart<'c> {
    separators: Separators,
    place: &'c str,
    patient: &'c mut Option<String>,
    lines: &'c mut Lines,
    depth: usize,
    /// What the last observation was, by its `OBX-3`.
    label: Option<String>,
    /// Whether the last observation was wrong or deleted, so that its notes are too.
    is_left_out: bool,
}

impl Chart<'_> {
    fn segments(&mut self, segments: &[Segment]) -> Result<(), Rejection> {
        let (mut observations, mut notes) = (0, 0);
        for segment in segments {
            match segment.name.as_str() {
                "PID" => self.patient(segment)?,
                "OBR" => {
                    self.label = None;
                    self.is_left_out = false;
                    // OBR-4: the text of the service, or its code.
                    let title = self.label(segment, 4);
                    if !title.is_empty() {
                        self.lines.heading(&title, SectionKind::Unnamed);
                    }
                }
                "OBX" => {
                    observations += 1;
                    self.observation(segment, observations);
                }
                "NTE" => {
                    notes += 1;
                    if !self.is_left_out
                        && let Some(comment) = segment.field(3)
                    {
                        self.repetitions(comment, &format!("NTE[{notes}]-3"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `PID-3`'s first identifier.
    fn patient(&mut self, segment: &Segment) -> Result<(), Rejection> {
        let id = first(segment, 3, 1, &self.separators);
        if id.is_empty() || *self.patient.get_or_insert_with(|| id.clone()) == id {
            Ok(())
        } else {
            Err(Rejection::SeveralPatients)
        }
    }

    /// The text of a coded element (CE, CWE), or else its code without a suffix.
    fn label(&self, segment: &Segment, field: usize) -> String {
        let text = first(segment, field, 2, &self.separators);
        if !text.is_empty() {
            return text;
        }
        let code = segment.component(field, 1);
        let code = code.and_then(|code| code.subcomponent(1));
        code.map_or_else(String::new, |code| plain(&code.raw, &self.separators))
    }

    /// An observation (7.4.2).
    fn observation(&mut self, segment: &Segment, number: usize) {
        let place = format!("{}OBX[{number}]-5", self.place);
        // OBX-11, table 0085: deleted, posted as wrong, no result can be had.
        let status = first(segment, 11, 1, &self.separators);
        self.is_left_out = matches!(status.as_str(), "D" | "W" | "X");
        if self.is_left_out {
            return self.lines.leave_out(&place, Rejection::Cancelled);
        }
        let Some(value) = segment.field(5) else {
            return;
        };
        let kind = first(segment, 2, 1, &self.separators);
        if !matches!(
            kind.as_str(),
            "TX" | "FT" | "ST" | "CE" | "CWE" | "CF" | "ED" | "RP"
        ) {
            // Numbers, times and names are no narrative.
            return;
        }
        if kind == "RP" {
            return self.lines.leave_out(&place, Rejection::AttachmentElsewhere);
        }
        self.announce(segment);
        let place = format!("OBX[{number}]-5");
        match kind.as_str() {
            "ED" => {
                for (index, data) in value.repetitions.iter().enumerate() {
                    self.data(data, &repeated(value, &place, index));
                }
            }
            "CE" | "CWE" | "CF" => {
                for (index, code) in value.repetitions.iter().enumerate() {
                    let place = repeated(value, &place, index);
                    let text = self.coded(code);
                    self.write(&text, &place);
                }
            }
            _ => self.repetitions(value, &place),
        }
    }

    /// Writes what is observed, where it is not what was observed before.
    fn announce(&mut self, segment: &Segment) {
        let label = self.label(segment, 3);
        if self.label.as_ref() == Some(&label) {
            return;
        }
        // Suffixes of `OBX-3.1` (7.2.4 in 2.5.1, removed later but still sent).
        let code = segment
            .component(3, 1)
            .and_then(|code| code.subcomponent(2));
        let implied = match code.map(|suffix| suffix.raw.as_str()) {
            Some("IMP" | "CNP") => SectionKind::Assessment,
            Some("REC") => SectionKind::Plan,
            Some("GDT" | "MDT") => SectionKind::Results,
            _ => SectionKind::Unnamed,
        };
        if !label.is_empty() {
            self.lines.heading(&label, implied);
        }
        self.label = Some(label);
    }

    fn repetitions(&mut self, field: &Field, place: &str) {
        for (index, repetition) in field.repetitions.iter().enumerate() {
            let raw = repetition.to_er7(&self.separators);
            let text = plain(&raw, &self.separators);
            self.write(&text, &repeated(field, place, index));
        }
    }

    fn write(&mut self, text: &str, place: &str) {
        // Two quotes delete a value (2.5.3).
        if text != "\"\"" {
            self.lines.begin_part(&format!("{}{place}", self.place));
            self.lines.block(text);
        }
    }

    /// CWE's original text, the code's text, the other code's text, or the code.
    fn coded(&self, code: &Repetition) -> String {
        [9, 2, 5, 1]
            .into_iter()
            .filter_map(|number| code.component(number))
            .map(|component| words(component, &self.separators))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    /// Encapsulated data (ED, 2.A.24): source, type, subtype, encoding, data.
    fn data(&mut self, data: &Repetition, place: &str) {
        let of = |number| {
            let component: Option<&Component> = data.component(number);
            component.map_or_else(String::new, |component| component.to_er7(&self.separators))
        };
        let encoding = of(4).to_ascii_lowercase();
        let text = plain(&of(5), &self.separators);
        let depth = self.depth + 1;
        let place = format!("{}{place}", self.place);
        let written = self.lines.within(&place, |lines| {
            let bytes = match encoding.as_str() {
                "base64" => attachment::from_base64(&text)?,
                "hex" => attachment::from_hex(&text)?,
                _ => text.into_bytes(),
            };
            write_within(&bytes, None, lines, depth)
        });
        if let Err(rejection) = written {
            self.lines.leave_out(&place, rejection);
        }
    }
}

/// The place of a repetition, if there is more than one.
fn repeated(field: &Field, place: &str, index: usize) -> String {
    if field.repetitions.len() > 1 {
        format!("{place}[{}]", index + 1)
    } else {
        place.to_owned()
    }
}

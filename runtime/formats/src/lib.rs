//! Bytes of a chart in, its narrative out.
//!
//! [`read`] recognises what a chart is by what it holds, never by its name: text, HTML, C-CDA,
//! FHIR R4 as JSON, or HL7 v2. It takes out what people wrote for people, which is what the
//! engine codes, and remembers where each part of it came from. What cannot be read is
//! [rejected](Rejection) with a stable code and a sentence that says what to do, and that holds
//! no text of the chart.
//!
//! Nothing here does I/O, and nothing is fetched: a chart that lies elsewhere is rejected. Time
//! is linear in the chart's bytes; what bounds depth, parts and memory are the constants in
//! [`limits`].
//!
//! ```
//! use lightsout_formats::{Format, read};
//! use lightsout_phi::Synthetic;
//!
//! let message = b"MSH|^~\\&|RIS||||||ORU^R01|1|P|2.5.1\rOBX|1|TX|IMP^Impression||Pneumonia.||||||F\r";
//! let narrative = read(message)?;
//! assert_eq!(narrative.format, Format::Hl7);
//! assert_eq!(narrative.text.open(&Synthetic), "Impression:\nPneumonia.");
//! assert_eq!(narrative.part_at(12).unwrap().from, "OBX[1]-5");
//! # Ok::<_, lightsout_formats::Rejection>(())
//! ```

mod attachment;
mod cda;
mod encoding;
mod fhir;
mod hl7;
mod html;
mod json;
pub mod limits;
mod lines;
mod recognition;
mod rejection;
mod xml;

use std::{borrow::Cow, fmt};

use lightsout_phi::Phi;
use recognition::{Recognised, recognise};
use serde::{Deserialize, Serialize};

pub use rejection::Rejection;

use crate::{
    limits::{DEEPEST_ATTACHMENT, LARGEST_CHART},
    lines::Lines,
};

/// What a chart was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// Plain text.
    Text,
    /// An HTML page.
    Html,
    /// An HL7 CDA R2 document, such as C-CDA's.
    Cda,
    /// A FHIR R4 resource as JSON.
    Fhir,
    /// HL7 v2 messages.
    Hl7,
}

impl Format {
    /// The format's stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Html => "html",
            Self::Cda => "cda",
            Self::Fhir => "fhir",
            Self::Hl7 => "hl7",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What people wrote in a chart.
///
/// Formatted for debugging it shows everything but the text.
#[derive(Clone)]
pub struct Narrative<'a> {
    /// What the chart was written in.
    pub format: Format,
    /// The text that is coded; evidence refers to its bytes.
    pub text: Phi<Cow<'a, str>>,
    /// Where the text came from, in its order; headings that were added belong to no part.
    pub parts: Vec<Part>,
    /// What the chart holds besides, and why it was not taken.
    pub left_out: Vec<LeftOut>,
}

/// A part of a narrative, and where it stood in the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where the part begins, in bytes of the narrative.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its place in the chart, in the format's own terms (`OBX[3]-5`, `content[0].attachment`);
    /// never text of the chart.
    pub from: String,
}

/// A part of a chart that is not in its narrative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its place in the chart.
    pub from: String,
    /// Why it was not taken.
    pub because: Rejection,
}

impl fmt::Debug for Narrative<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Narrative")
            .field("format", &self.format)
            .field("parts", &self.parts)
            .field("left_out", &self.left_out)
            .finish_non_exhaustive()
    }
}

impl Narrative<'_> {
    /// Returns the part that holds the byte at `offset` of the text.
    pub fn part_at(&self, offset: usize) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.end <= offset);
        self.parts.get(after).filter(|part| part.start <= offset)
    }
}

/// Takes the narrative out of a chart.
pub fn read(bytes: &[u8]) -> Result<Narrative<'_>, Rejection> {
    if bytes.len() > LARGEST_CHART {
        return Err(lightsout_nlp::Rejection::TooLarge {
            bytes: bytes.len(),
            limit: LARGEST_CHART,
        }
        .into());
    }
    match recognise(bytes, None)? {
        Recognised::Text(text) => {
            let parts = vec![Part {
                start: 0,
                end: text.len(),
                from: Format::Text.name().to_owned(),
            }];
            Ok(Narrative {
                format: Format::Text,
                text: Phi::new(text),
                parts,
                left_out: Vec::new(),
            })
        }
        chart => {
            let mut lines = Lines::default();
            let format = write(chart, &mut lines, 0)?;
            lines.finish(format)
        }
    }
}

/// Writes the narrative of a chart that lies within another, `depth` deep.
fn write_within(
    bytes: &[u8],
    charset: Option<&str>,
    lines: &mut Lines,
    depth: usize,
) -> Result<(), Rejection> {
    if depth > DEEPEST_ATTACHMENT {
        return Err(Rejection::TooDeep {
            limit: DEEPEST_ATTACHMENT,
        });
    }
    write(recognise(bytes, charset)?, lines, depth).map(drop)
}

fn write(chart: Recognised<'_>, lines: &mut Lines, depth: usize) -> Result<Format, Rejection> {
    Ok(match chart {
        Recognised::Text(text) => {
            lines.begin_part("");
            lines.block(&text);
            Format::Text
        }
        Recognised::Html(text) => {
            lines.begin_part("/html");
            html::write(&text, lines);
            Format::Html
        }
        Recognised::Cda(text) => {
            cda::write(&text, lines, depth)?;
            Format::Cda
        }
        Recognised::Fhir(text) => {
            fhir::write(&text, lines, depth)?;
            Format::Fhir
        }
        Recognised::Hl7(text) => {
            hl7::write(&text, lines, depth)?;
            Format::Hl7
        }
    })
}

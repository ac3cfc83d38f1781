//! How much of a chart is read at most.

/// The largest chart and the largest narrative, in bytes: the longest note that the engine reads.
pub const LARGEST_CHART: usize = lightsout_nlp::LARGEST_TEXT;

/// How deeply elements of XML, or values of JSON, may lie within each other.
///
/// CDA narratives and FHIR resources stay below 30; parsers of either kind are attacked with
/// 100,000.
pub const DEEPEST: usize = 100;

/// How deeply charts may lie within charts: C-CDA in an attachment in a message is two.
pub const DEEPEST_ATTACHMENT: usize = 3;

/// How many parts a narrative may have: sections, attachments, repetitions of `OBX-5`.
pub const MOST_PARTS: usize = 100_000;

/// How many values a JSON text, or fields and their parts a message, may hold.
///
/// Each takes up to 320 bytes while it is read, so that no chart takes more than about 160 MB.
pub const MOST_VALUES: usize = 500_000;

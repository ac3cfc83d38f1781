//! What is marked in a chart's text: every mention, and whatever else is evidence.

use crate::Span;
use crate::coding::{Coding, Decision, Mention};

/// Words that are marked; marks never overlap and come in the order of the text.
#[derive(Clone, Debug)]
pub(super) struct Mark<'c> {
    pub(super) span: Span,
    /// The mention that stands there, if one does.
    pub(super) mention: Option<&'c Mention<'c>>,
    /// The codes, by their place among the codes, whose evidence it is.
    pub(super) codes: Vec<usize>,
}

/// The marks of a coding; where evidence overlaps an earlier mark, that one carries its code.
pub(super) fn marks<'c>(coding: &'c Coding<'c>) -> Vec<Mark<'c>> {
    let mut marks: Vec<Mark<'_>> = coding
        .mentions
        .iter()
        .map(|mention| Mark {
            span: mention.span,
            mention: Some(mention),
            codes: Vec::new(),
        })
        .collect();
    for (at, code) in coding.codes.iter().enumerate() {
        marks.extend(code.evidence.iter().map(|span| Mark {
            span: *span,
            mention: None,
            codes: vec![at],
        }));
    }
    // A mention before the evidence that stands on it.
    marks.sort_by_key(|mark| (mark.span, mark.mention.is_none()));
    let mut apart: Vec<Mark<'_>> = Vec::with_capacity(marks.len());
    for mark in marks {
        match apart.last_mut() {
            Some(last) if mark.span.start < last.span.end || mark.span == last.span => {
                last.codes.extend(mark.codes);
                last.codes.dedup();
            }
            _ => apart.push(mark),
        }
    }
    apart
}

/// The mentions that the evidence of a code stands on, in the order of the text.
pub(super) fn evidence<'c>(
    coding: &'c Coding<'c>,
    spans: &[Span],
) -> Vec<(Span, Option<&'c Mention<'c>>)> {
    spans
        .iter()
        .map(|span| {
            let at = coding
                .mentions
                .partition_point(|mention| mention.span.end <= span.start);
            let mention = coding.mentions.get(at);
            (
                *span,
                mention.filter(|mention| mention.span.overlaps(*span)),
            )
        })
        .collect()
}

/// The mentions that count for no code.
pub(super) fn not_coded<'c>(
    coding: &'c Coding<'c>,
) -> impl Iterator<Item = (&'c Mention<'c>, &'c crate::Reason<'c>)> {
    coding
        .mentions
        .iter()
        .filter_map(|mention| match &mention.decision {
            Decision::NotCoded(reason) => Some((mention, reason)),
            Decision::Coded => None,
        })
}

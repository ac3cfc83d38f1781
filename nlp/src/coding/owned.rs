//! Codings that outlive the note and the engine.

use std::borrow::Cow;

use super::{Code, Coding, Decision, Disease, Joined, Mention, Reason};
use crate::attributes::Attribute;

/// The same words with memory of their own.
fn owned(words: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(words.into_owned())
}

impl Coding<'_> {
    /// The same coding, which outlives the note and the engine.
    ///
    /// ```
    /// use lightsout_nlp::{Coding, Dictionary, Engine};
    /// fn coded(note: String) -> Coding<'static> {
    ///     Engine::new(Dictionary::fy2026()).code(&note).into_owned()
    /// }
    /// assert_eq!(coded("Gout.".to_owned()).mentions[0].text(), "Gout");
    /// ```
    #[must_use]
    pub fn into_owned(self) -> Coding<'static> {
        Coding {
            edition: owned(self.edition),
            codes: self.codes.into_iter().map(Code::into_owned).collect(),
            mentions: self.mentions.into_iter().map(Mention::into_owned).collect(),
            setting: self.setting,
        }
    }
}

impl Code<'_> {
    /// The same code, which outlives the engine.
    #[must_use]
    pub fn into_owned(self) -> Code<'static> {
        Code {
            code: self.code,
            title: owned(self.title),
            evidence: self.evidence,
            rule: self.rule,
            score: self.score,
            because: self.because,
            advice: self.advice,
        }
    }
}

impl Mention<'_> {
    /// The same mention, which outlives the note and the engine.
    #[must_use]
    pub fn into_owned(self) -> Mention<'static> {
        let diseases = self.diseases.into_vec().into_iter().map(|disease| Disease {
            span: disease.span,
            mesh: owned(disease.mesh),
            doid: disease.doid,
        });
        let attributes = self
            .attributes
            .into_vec()
            .into_iter()
            .map(|attribute| Attribute {
                kind: attribute.kind,
                value: owned(attribute.value),
                span: attribute.span,
            });
        let also = self.also.into_vec().into_iter().map(|joined| Joined {
            code: joined.code,
            title: owned(joined.title),
            rule: joined.rule,
        });
        Mention {
            span: self.span,
            quote: self.quote.into_owned(),
            code: self.code,
            title: owned(self.title),
            section: self.section,
            assertion: self.assertion,
            temporality: self.temporality,
            experiencer: self.experiencer,
            diseases: diseases.collect(),
            attributes: attributes.collect(),
            decision: match self.decision {
                Decision::Coded => Decision::Coded,
                Decision::NotCoded(reason) => Decision::NotCoded(reason.into_owned()),
            },
            rule: self.rule,
            also: also.collect(),
        }
    }
}

impl Reason<'_> {
    /// The same reason, which outlives the note and the engine.
    #[must_use]
    pub fn into_owned(self) -> Reason<'static> {
        match self {
            Self::Negated { cue } => Reason::Negated { cue: owned(cue) },
            Self::Possible { cue } => Reason::Possible { cue: owned(cue) },
            Self::Hypothetical { cue } => Reason::Hypothetical { cue: owned(cue) },
            Self::Historical { cue } => Reason::Historical { cue: owned(cue) },
            Self::Family { cue } => Reason::Family { cue: owned(cue) },
            Self::Section { section } => Reason::Section {
                section: owned(section),
            },
            Self::NotSpecific { category } => Reason::NotSpecific { category },
            Self::NoCode => Reason::NoCode,
            Self::Superseded { by } => Reason::Superseded { by },
            Self::Integral { to } => Reason::Integral { to },
            Self::Excluded { by } => Reason::Excluded { by },
            Self::NotChosen { because } => Reason::NotChosen {
                because: owned(because),
            },
            Self::ExternalCause => Reason::ExternalCause,
            Self::AssertionOnly => Reason::AssertionOnly,
        }
    }
}

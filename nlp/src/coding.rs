//! What the engine answers: codes, and every mention with the reason it counts or not.

mod json;
mod mention;
mod owned;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::Span;
use crate::icd_code::IcdCode;
use crate::rules::Rule;
use crate::setting::Setting;

pub use self::mention::{Mention, Quote};

/// The codes of a note, and the mentions that they come from.
///
/// What it says in words of the note or of the dictionary it borrows from them; what was read
/// back from JSON owns its words. [`Coding::into_owned`] turns the one into the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coding<'a> {
    /// The edition of ICD-10-CM that the codes are of.
    pub edition: Cow<'a, str>,
    /// Billable codes, each once, the surest first; but what is coded first by the tabular list
    /// stands before what comes from it.
    pub codes: Vec<Code<'a>>,
    /// Every term found, in the order of the text, coded or not; a condition of both sides that
    /// no code says to be bilateral stands twice, once with the code of each side.
    pub mentions: Vec<Mention<'a>>,
    /// The setting whose rules were used.
    pub setting: Setting,
}

/// A billable code with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Code<'a> {
    /// The code, with its dot.
    pub code: IcdCode,
    /// Its official title.
    pub title: Cow<'a, str>,
    /// Where the note says so.
    pub evidence: Vec<Span>,
    /// The rule by which it is coded; of several, the one that says most.
    pub rule: Rule,
    /// How sure the engine is, 0 to 1: by the learnt model where there is one for this kind of
    /// note, else by the sections and terms by which the code was found.
    pub score: f64,
    /// What weighed most for the code in the learnt model (`with=J18.9`), the heaviest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// What the notes of the tabular list say of it and of the other codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<Advice>,
}

/// What a note of the tabular list says of a code, as far as the other codes bear on it.
///
/// ```
/// use lightsout_nlp::{Advice, Rule};
/// let advice = Advice {
///     rule: Rule::CodeFirst,
///     says: "code first underlying disease".to_owned(),
///     codes: vec!["G30.9".parse()?],
/// };
/// assert_eq!(advice.to_string(), "code first underlying disease: `G30.9` (Section I.A.13)");
/// # Ok::<(), lightsout_nlp::NotACode>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The rule that it follows.
    pub rule: Rule,
    /// The words of the tabular list; empty where it only excludes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
    /// The other codes that it is about; empty where none of them is what it asks for.
    pub codes: Vec<IcdCode>,
}

impl fmt::Display for Advice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Rule::Excludes1 => formatter.write_str("not coded beside ")?,
            Rule::Excludes2 => formatter.write_str("not part of it, so coded beside it: ")?,
            _ => write!(formatter, "{}: ", self.says)?,
        }
        for (at, code) in self.codes.iter().enumerate() {
            write!(formatter, "{}`{code}`", if at == 0 { "" } else { ", " })?;
        }
        if self.codes.is_empty() {
            formatter.write_str("no code of the note")?;
        }
        if self.rule == Rule::Excludes1 {
            formatter.write_str(" unless the two are unrelated")?;
        }
        write!(formatter, " ({})", self.rule.source())
    }
}

/// A code that several conditions have together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined<'a> {
    /// The billable code.
    pub code: IcdCode,
    /// Its title.
    pub title: Cow<'a, str>,
    /// The rule that joins the conditions.
    pub rule: Rule,
}

/// A disease that a mention names, whatever is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disease<'a> {
    /// The words that name it, in bytes; they may reach further than the mention.
    pub span: Span,
    /// `D…` or `C…` of MeSH, or `OMIM:…`.
    pub mesh: Cow<'a, str>,
    /// `DOID:…`, where the Disease Ontology has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doid: Option<Doid>,
}

/// Whether a mention was coded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", content = "reason", rename_all = "snake_case")]
pub enum Decision<'a> {
    /// Its code is among the codes.
    Coded,
    /// It counts for no code.
    NotCoded(Reason<'a>),
}

/// Why a mention was not coded; its text is stable and reads back.
///
/// ```
/// use lightsout_nlp::Reason;
/// let reason = Reason::Negated { cue: "denies".into() };
/// assert_eq!(reason.to_string(), "negated by `denies`");
/// assert_eq!("negated by `denies`".parse(), Ok(reason));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Reason<'a> {
    /// The note says that the patient does not have it.
    Negated {
        /// The words that say so, as the list of cues has them.
        cue: Cow<'a, str>,
    },
    /// The note is not sure; outpatient rules forbid coding what is probable or suspected.
    Possible {
        /// The words that say so.
        cue: Cow<'a, str>,
    },
    /// The note speaks of what might come.
    Hypothetical {
        /// The words that say so.
        cue: Cow<'a, str>,
    },
    /// The note speaks of the past, and the condition is not one that stays.
    Historical {
        /// The words or the section that say so.
        cue: Cow<'a, str>,
    },
    /// The note speaks of someone else.
    Family {
        /// The words that say so.
        cue: Cow<'a, str>,
    },
    /// Nothing in this section is a diagnosis of the patient.
    Section {
        /// The section's usual name.
        section: Cow<'a, str>,
    },
    /// The term means a category, and no code below it stands for "nothing more is known".
    NotSpecific {
        /// The category.
        category: IcdCode,
    },
    /// The term names a disease for which the terminology has no code.
    NoCode,
    /// Another mention says more of the same condition.
    Superseded {
        /// The code that says more.
        by: IcdCode,
    },
    /// It is a symptom that routinely belongs to a diagnosis of the note.
    Integral {
        /// The diagnosis that it belongs to.
        to: IcdCode,
    },
    /// A code of the note excludes it (Excludes1).
    Excluded {
        /// The code that stands.
        by: IcdCode,
    },
    /// The model that learnt from coded notes of this kind says that coders leave it out.
    NotChosen {
        /// What weighed most against it; empty where nothing spoke for it.
        because: Cow<'a, str>,
    },
    /// It says how an injury came about, which was not asked for.
    ExternalCause,
    /// No coding was asked for, only the assertion.
    AssertionOnly,
}

/// A text that is no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no reason for not coding a mention")]
pub struct UnknownReason(String);

const EXTERNAL_CAUSE: &str = "external causes were not asked for";
const ASSERTION_ONLY: &str = "only the assertion was asked for";
const NO_CODE: &str = "the terminology has no code for it";

impl Reason<'_> {
    /// Whether a model that learnt from coders may overrule it; what is denied never is coded.
    pub(crate) fn is_soft(&self) -> bool {
        matches!(
            self,
            Self::Possible { .. }
                | Self::Historical { .. }
                | Self::Superseded { .. }
                | Self::Integral { .. }
        )
    }

    /// What it says, and what it quotes at the end.
    fn said(&self) -> (&'static str, Option<&str>) {
        let (what, quoted): (_, &str) = match self {
            Self::Negated { cue } => ("negated by ", cue),
            Self::Possible { cue } => ("possible by ", cue),
            Self::Hypothetical { cue } => ("hypothetical by ", cue),
            Self::Historical { cue } => ("historical by ", cue),
            Self::Family { cue } => ("family history by ", cue),
            Self::Section { section } => ("section ", section),
            Self::NotSpecific { category } => ("not specific enough, category ", category),
            Self::Superseded { by } => ("superseded by ", by),
            Self::NoCode => return (NO_CODE, None),
            Self::Integral { to } => ("integral to ", to),
            Self::Excluded { by } => ("excluded by ", by),
            Self::NotChosen { because } => ("left out by coders, by ", because),
            Self::ExternalCause => return (EXTERNAL_CAUSE, None),
            Self::AssertionOnly => return (ASSERTION_ONLY, None),
        };
        (what, Some(quoted))
    }

    /// A short stable name of the kind of reason, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Negated { .. } => "negated",
            Self::Possible { .. } => "possible",
            Self::Hypothetical { .. } => "hypothetical",
            Self::Historical { .. } => "historical",
            Self::Family { .. } => "family",
            Self::Section { .. } => "section",
            Self::NotSpecific { .. } => "not_specific",
            Self::NoCode => "no_code",
            Self::Superseded { .. } => "superseded",
            Self::Integral { .. } => "integral",
            Self::Excluded { .. } => "excluded",
            Self::NotChosen { .. } => "not_chosen",
            Self::ExternalCause => "external_cause",
            Self::AssertionOnly => "assertion_only",
        }
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, quoted) = self.said();
        formatter.write_str(what)?;
        match quoted {
            Some(quoted) => write!(formatter, "`{quoted}`"),
            None => Ok(()),
        }
    }
}

impl FromStr for Reason<'_> {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        if text == ASSERTION_ONLY {
            return Ok(Self::AssertionOnly);
        }
        if text == EXTERNAL_CAUSE {
            return Ok(Self::ExternalCause);
        }
        if text == NO_CODE {
            return Ok(Self::NoCode);
        }
        let unknown = || UnknownReason(text.to_owned());
        let (what, rest) = text.split_once('`').ok_or_else(unknown)?;
        let quoted = rest.strip_suffix('`').ok_or_else(unknown)?;
        let code = || quoted.parse().map_err(|_| unknown());
        let quoted = Cow::Owned(quoted.to_owned());
        match what {
            "negated by " => Ok(Self::Negated { cue: quoted }),
            "possible by " => Ok(Self::Possible { cue: quoted }),
            "hypothetical by " => Ok(Self::Hypothetical { cue: quoted }),
            "historical by " => Ok(Self::Historical { cue: quoted }),
            "family history by " => Ok(Self::Family { cue: quoted }),
            "section " => Ok(Self::Section { section: quoted }),
            "not specific enough, category " => Ok(Self::NotSpecific { category: code()? }),
            "integral to " => Ok(Self::Integral { to: code()? }),
            "excluded by " => Ok(Self::Excluded { by: code()? }),
            "superseded by " => Ok(Self::Superseded { by: code()? }),
            "left out by coders, by " => Ok(Self::NotChosen { because: quoted }),
            _ => Err(unknown()),
        }
    }
}

impl Serialize for Reason<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Reason<'_> {
    type Error = UnknownReason;

    fn try_from(text: String) -> Result<Self, UnknownReason> {
        text.parse()
    }
}

/// The number of a disease in the Disease Ontology, written `DOID:13189`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Doid(pub u32);

/// A text that is no `DOID:` with a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no number of the Disease Ontology such as `DOID:13189`")]
pub struct NotADoid(String);

impl fmt::Display for Doid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DOID:{}", self.0)
    }
}

impl Serialize for Doid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Doid {
    type Error = NotADoid;

    fn try_from(text: String) -> Result<Self, NotADoid> {
        let number = text
            .strip_prefix("DOID:")
            .and_then(|digits| digits.parse().ok());
        number.map(Self).ok_or(NotADoid(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> IcdCode {
        text.parse().expect("it is a code")
    }

    #[test]
    fn every_reason_reads_back_from_its_text() {
        let cue = || Cow::Borrowed("no");
        for reason in [
            Reason::Negated { cue: cue() },
            Reason::Possible { cue: cue() },
            Reason::Hypothetical { cue: cue() },
            Reason::Historical { cue: cue() },
            Reason::Family { cue: cue() },
            Reason::Section {
                section: "Allergies".into(),
            },
            Reason::NotSpecific {
                category: code("T36"),
            },
            Reason::Superseded { by: code("E11.65") },
            Reason::NoCode,
            Reason::Integral { to: code("J18.9") },
            Reason::Excluded { by: code("E11.9") },
            Reason::NotChosen {
                because: "with=J18.9".into(),
            },
            Reason::ExternalCause,
            Reason::AssertionOnly,
        ] {
            assert_eq!(reason.to_string().parse(), Ok(reason));
        }
        assert!("because".parse::<Reason>().is_err());
    }

    #[test]
    fn decisions_are_told_apart_in_json() {
        let not = Decision::NotCoded(Reason::Negated {
            cue: "denies".into(),
        });
        let json = serde_json::to_string(&not).unwrap();
        assert_eq!(
            json,
            r#"{"status":"not_coded","reason":"negated by `denies`"}"#
        );
        assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), not);
        assert_eq!(
            serde_json::to_string(&Decision::Coded).unwrap(),
            r#"{"status":"coded"}"#
        );
    }
}

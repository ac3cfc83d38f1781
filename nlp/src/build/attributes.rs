//! The table of attributes, and what each title asks for in its terms.

use std::collections::{BTreeMap, BTreeSet};

use super::tabular::Tabular;
use crate::attributes::AttributeKind;
use crate::dictionary::{
    AttributeTables, Feature, Lists, NEVER, Strings, WordClass, value_feature,
};
use crate::trie::Trie;
use crate::vocabulary::forms;

/// The table, read and checked.
#[derive(Debug, Default)]
pub(super) struct Table {
    values: Vec<Value>,
    /// Phrases of titles, and of notes, with the place of their value.
    in_titles: BTreeMap<Vec<String>, usize>,
    in_notes: BTreeMap<Vec<String>, usize>,
    classes: BTreeMap<String, u8>,
    bare: BTreeSet<String>,
}

#[derive(Debug)]
struct Value {
    kind: AttributeKind,
    name: String,
    says_too: Vec<String>,
}

/// What a title asks for: phrases of the table, and words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Never,
    Value(usize),
    Word(String),
}

/// A title with what it asks for, and what of it is only named as unspecified.
#[derive(Debug, Default)]
struct Title {
    asked: BTreeSet<Asked>,
    generic: BTreeSet<Asked>,
}

/// What titles name after `unspecified` and no note would say.
const PLACEHOLDERS: [&str; 14] = [
    "side",
    "site",
    "sites",
    "eye",
    "ear",
    "part",
    "organism",
    "type",
    "trimester",
    "laterality",
    "severity",
    "stage",
    "degree",
    "cause",
];

/// Reads the table, or lists every line that cannot be read.
pub(super) fn read(tsv: &str) -> Result<Table, Vec<String>> {
    let mut table = Table::default();
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(tsv.lines()) {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if let Err(problem) = table.line(line) {
            problems.push(format!("terminology/attributes.tsv:{number}: {problem}"));
        }
    }
    for value in &table.values {
        for too in &value.says_too {
            if table.value(too).is_none() {
                problems.push(format!(
                    "terminology/attributes.tsv: `{}` says `{too}`, which is no value",
                    value.name
                ));
            }
        }
    }
    if problems.is_empty() {
        Ok(table)
    } else {
        Err(problems)
    }
}

impl Table {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let columns: Vec<_> = line.split('\t').collect();
        let items = |column: usize| {
            let column = columns.get(column).copied().unwrap_or_default();
            column.split("; ").filter(|item| !item.is_empty())
        };
        let (kind, name) = match columns.as_slice() {
            ["words", class, _] => return self.class(class, items(2)),
            [kind, name, _, ..] if columns.len() <= 5 => (*kind, *name),
            _ => return Err("write three to five columns with tabs between them".to_owned()),
        };
        let kind = AttributeKind::named(kind).ok_or_else(|| format!("`{kind}` is no kind"))?;
        let place = self.values.len();
        for (phrase, is_title) in items(2)
            .map(|phrase| (phrase, true))
            .chain(items(3).map(|phrase| (phrase, false)))
        {
            let forms = forms(phrase);
            if is_title {
                self.in_titles.insert(forms.clone(), place);
            }
            if let Some(other) = self.in_notes.insert(forms, place).filter(|at| *at != place) {
                return Err(format!(
                    "`{phrase}` is already `{}`",
                    self.values[other].name
                ));
            }
        }
        self.values.push(Value {
            kind,
            name: name.to_owned(),
            says_too: items(4).map(str::to_owned).collect(),
        });
        Ok(())
    }

    fn class<'w>(
        &mut self,
        class: &str,
        words: impl Iterator<Item = &'w str>,
    ) -> Result<(), String> {
        let class = match class {
            "pass" => Some(WordClass::Pass),
            "halt" => Some(WordClass::Halt),
            "deny" => Some(WordClass::Deny),
            "link" => Some(WordClass::Link),
            "lead" => Some(WordClass::Lead),
            "pair" => Some(WordClass::Pair),
            "bare" => None,
            _ => return Err(format!("`{class}` is no class of words")),
        };
        for form in words.flat_map(forms) {
            match class {
                Some(class) => *self.classes.entry(form).or_default() |= class as u8,
                None => {
                    self.bare.insert(form);
                }
            }
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<usize> {
        self.values.iter().position(|value| value.name == name)
    }

    /// The words that the dictionary needs for its table and for what titles ask for.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let phrases = self.in_notes.keys().flatten();
        phrases.chain(self.classes.keys()).map(String::as_str)
    }

    fn title(&self, title: &str) -> Title {
        let mut found = Title::default();
        let text = without_brackets(&title.to_lowercase());
        for part in text.split([',', ';']) {
            let part = said_part(part.trim());
            let forms = forms(part);
            let (mut at, mut is_generic, mut has_begun) = (0, false, false);
            while at < forms.len() {
                let phrase = (at + 1..=forms.len())
                    .rev()
                    .find_map(|end| Some((end, *self.in_titles.get(&forms[at..end])?)));
                let asked = if let Some((end, value)) = phrase {
                    at = end;
                    // What is unspecified ends where its side or the like is said.
                    let is_side = self.values[value].kind == AttributeKind::Laterality;
                    is_generic &= !is_side;
                    Asked::Value(value)
                } else {
                    let word = &forms[at];
                    at += 1;
                    match word.as_str() {
                        "unspecified" => {
                            is_generic = has_begun;
                            if forms.get(at).is_some_and(|next| is_placeholder(next)) {
                                at += 1;
                                is_generic = false;
                            }
                            continue;
                        }
                        "of" | "in" | "with" | "affecting" | "due" | "and" if is_generic => {
                            is_generic = word == "and";
                            continue;
                        }
                        "other" => Asked::Never,
                        _ if self.bare.contains(word) => continue,
                        _ => Asked::Word(word.clone()),
                    }
                };
                has_begun = true;
                if is_generic {
                    found.generic.insert(asked.clone());
                }
                found.asked.insert(asked);
            }
        }
        found
    }
}

/// Whether a word after `unspecified` only holds the place of what is not said.
fn is_placeholder(form: &str) -> bool {
    PLACEHOLDERS
        .iter()
        .any(|word| forms(word).first().is_some_and(|known| known == form))
}

/// A title without what stands in brackets: none of it needs to be said.
fn without_brackets(title: &str) -> String {
    let mut depth = 0_u32;
    title
        .chars()
        .filter(|letter| {
            match letter {
                '(' | '[' => depth += 1,
                ')' | ']' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

/// The part of a title that asks for something: not what it excludes or leaves open.
fn said_part(part: &str) -> &str {
    for start in [
        "without ",
        "not ",
        "except ",
        "unspecified whether",
        "unspecified as to",
        "normal vision",
        "uncomplicated",
        "initial encounter",
    ] {
        if part.starts_with(start) {
            return "";
        }
    }
    let cuts = [
        " without ",
        " not ",
        " except ",
        " unspecified whether",
        " unspecified as to",
    ];
    let end = cuts.iter().filter_map(|cut| part.find(cut)).min();
    part.get(..end.unwrap_or(part.len())).unwrap_or(part)
}

/// What every code asks for, ready to be numbered by the dictionary's words.
pub(super) struct Titles {
    asked: Vec<BTreeSet<Asked>>,
    generic: Vec<BTreeSet<Asked>>,
}

/// What every code of the list asks for: a leaf by its title, any other code that which all
/// leaves below it ask for.
pub(super) fn titles(table: &Table, tabular: &Tabular) -> Titles {
    let codes = tabular.codes.len();
    let mut asked: Vec<BTreeSet<Asked>> = vec![BTreeSet::new(); codes];
    let mut generic = vec![BTreeSet::new(); codes];
    for at in (0..codes).rev() {
        let code = &tabular.codes[at];
        let mut below = code.children.iter().map(|child| &asked[*child]);
        asked[at] = match below.next() {
            None => {
                let title = table.title(&code.title);
                generic[at] = title.generic;
                title.asked
            }
            Some(first) => below.fold(first.clone(), |all, child| &all & child),
        };
    }
    Titles { asked, generic }
}

impl Titles {
    /// The words that titles ask for.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().flatten().filter_map(|asked| match asked {
            Asked::Word(word) => Some(word.as_str()),
            _ => None,
        })
    }

    /// The tables of the dictionary, by the numbers of its words.
    pub(super) fn tables(
        &self,
        table: &Table,
        tabular: &Tabular,
        number: impl Fn(&str) -> u32,
    ) -> AttributeTables {
        let values = u32::try_from(table.values.len()).unwrap_or(0);
        let value_number = |at: usize| u32::try_from(at).unwrap_or(0);
        let feature = |asked: &Asked| -> Feature {
            match asked {
                Asked::Never => NEVER,
                Asked::Value(value) => value_feature(value_number(*value)),
                Asked::Word(word) => values + number(word),
            }
        };
        let numbers = |asked: &BTreeSet<Asked>| {
            let mut numbers: Vec<_> = asked.iter().map(&feature).collect();
            numbers.sort_unstable();
            numbers
        };
        let beyond_parent = |at: usize| match tabular.codes[at].parent {
            Some(parent) => numbers(&(&self.asked[at] - &self.asked[parent])),
            None => numbers(&self.asked[at]),
        };
        let says_too = table.values.iter().map(|value| {
            let too = value.says_too.iter().filter_map(|name| table.value(name));
            too.map(value_number).collect::<Vec<_>>()
        });
        let mut classes = Vec::new();
        for (word, class) in &table.classes {
            let at = number(word) as usize;
            classes.resize(classes.len().max(at + 1), 0);
            classes[at] = *class;
        }
        let kinds: Vec<_> = table.values.iter().map(|value| value.kind).collect();
        let names = Strings::new(table.values.iter().map(|value| &value.name));
        AttributeTables {
            sides: crate::dictionary::sides(&kinds, &names),
            kinds,
            names,
            says_too: Lists::new(says_too),
            phrases: Trie::new(table.in_notes.iter().map(|(forms, value)| {
                let words = forms.iter().map(|form| number(form)).collect();
                (words, value_number(*value))
            })),
            classes,
            asked: Lists::new((0..tabular.codes.len()).map(beyond_parent)),
            generic: Lists::new(self.generic.iter().map(numbers)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "laterality\tright\tright; right eye; right dominant side\tR\n\
        laterality\tleft\tleft; left eye\n\
        complication\texacerbation\texacerbation\tflare\n\
        site\tknee\tknee\tknees\n\
        words\tbare\tof; in; with; and; affecting; displaced\n\
        words\thalt\tand";

    fn asked(title: &str) -> Vec<String> {
        let table = read(TABLE).unwrap();
        let title = table.title(title);
        let shown = |asked: &Asked| {
            let generic = if title.generic.contains(asked) {
                "?"
            } else {
                ""
            };
            match asked {
                Asked::Never => "never".to_owned(),
                Asked::Value(value) => format!("{}{generic}", table.values[*value].name),
                Asked::Word(word) => format!("'{word}'{generic}"),
            }
        };
        title.asked.iter().map(shown).collect()
    }

    #[test]
    fn titles_ask_for_what_they_say() {
        for (title, wanted) in [
            ("Pain in right knee", "right knee 'pain'"),
            ("Pain in unspecified knee", "knee? 'pain'"),
            (
                "Serous retinal detachment, right eye",
                "right 'detachment' 'retinal' 'serous'",
            ),
            (
                "Serous retinal detachment, unspecified eye",
                "'detachment' 'retinal' 'serous'",
            ),
            (
                "Unspecified asthma with (acute) exacerbation",
                "exacerbation 'asthma'",
            ),
            (
                "Migraine with aura, not intractable, without status migrainosus",
                "'aura' 'migraine'",
            ),
            ("Other headache syndrome", "never 'headache' 'syndrome'"),
            (
                "Hemiplegia, unspecified affecting right dominant side",
                "right 'hemiplegia'",
            ),
            (
                "Displaced fracture of left patella",
                "left 'fracture' 'patella'",
            ),
        ] {
            assert_eq!(asked(title).join(" "), wanted, "{title}");
        }
    }

    #[test]
    fn lines_that_contradict_each_other_are_named() {
        let problems =
            read("site\tknee\tknee\nsite\tleg\tknee\nshape\tround\tround\nsite\ta\tb\tc\td")
                .unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].contains("attributes.tsv:2"), "{problems:?}");
    }
}

//! The codes that a note of the tabular list names: `(A00-B99, T80.2-)` as places of the list.

/// The codes of the tabular list in order, for finding those that a text names.
pub(super) struct List<'c> {
    codes: Vec<&'c str>,
}

/// What a text names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Runs of places by the 7th characters that they are named with; no bit is any of them.
    pub(super) runs: Vec<(u32, Vec<(u32, u32)>)>,
    /// How many codes and ranges were read.
    pub(super) read: usize,
    /// What looks like a code or range, and names none of the list.
    pub(super) unread: Vec<String>,
}

/// Words like codes that are none.
const NO_CODES: [&str; 1] = ["B12"];

/// What stands behind codes and tells which of them are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Filter {
    /// All of them.
    None,
    /// Those with one of these 7th characters, as bits of the alphabet.
    Sevenths(u32),
    /// Those with one of these as the character at a place, dots not counted.
    At(usize, Vec<char>),
    /// Codes of five or six characters that end in one of these: the intent of a poisoning.
    Intent(Vec<char>),
    /// Those that end so.
    Ends(Vec<String>),
    /// Those whose part behind the category begins so.
    Begins(Vec<String>),
}

impl<'c> List<'c> {
    pub(super) fn new(codes: impl IntoIterator<Item = &'c str>) -> Self {
        Self {
            codes: codes.into_iter().collect(),
        }
    }

    /// The codes that a text names, in parentheses or outside of them.
    pub(super) fn named(&self, text: &str) -> Named {
        let mut named = Named::default();
        for part in text.split(['(', ')']) {
            let (ranges, rest) = ranges(part);
            if ranges.is_empty() {
                continue;
            }
            let Some(filter) = filter(rest) else {
                named.unread.push(part.trim().to_owned());
                continue;
            };
            for (first, last) in ranges {
                if NO_CODES.contains(&first) {
                    continue;
                }
                let (sevenths, runs) = self.run(first, last, &filter);
                if runs.is_empty() {
                    named.unread.push(if first == last {
                        first.to_owned()
                    } else {
                        format!("{first}-{last}")
                    });
                    continue;
                }
                named.read += 1;
                match named.runs.iter_mut().find(|(known, _)| *known == sevenths) {
                    Some((_, known)) => known.extend(runs),
                    None => named.runs.push((sevenths, runs)),
                }
            }
        }
        for (_, runs) in &mut named.runs {
            *runs = merged(std::mem::take(runs));
        }
        named
    }

    fn run(&self, first: &str, last: &str, filter: &Filter) -> (u32, Vec<(u32, u32)>) {
        let (mut sevenths, mut ends) = (0, [first, last]);
        if first == last && self.codes.binary_search(&first).is_err() {
            // A code with its 7th character stands for that of its leaf.
            let Some((stem, seventh)) = self.with_seventh(first) else {
                return (0, Vec::new());
            };
            sevenths = bit(seventh);
            ends = [stem, stem];
        }
        let begin = |code: &&str, end: &str| code.get(..end.len()).unwrap_or(code) <= end;
        let from = self.codes.partition_point(|code| *code < ends[0]);
        let to = self.codes.partition_point(|code| begin(code, ends[1]));
        if let Filter::Sevenths(asked) = filter {
            sevenths = *asked;
        }
        let held = (from..to).filter(|at| self.holds(*at, filter));
        let runs = held.map(|at| (super::number(at), super::number(at + 1)));
        (sevenths, merged(runs.collect()))
    }

    /// The leaf of a code that has seven characters.
    fn with_seventh<'t>(&self, code: &'t str) -> Option<(&'t str, char)> {
        let seventh = code.chars().next_back().filter(|_| code.len() == 8)?;
        let stem = code[..7].trim_end_matches('X').trim_end_matches('.');
        let stem = (stem.len()..=7).filter_map(|end| code.get(..end));
        let mut known = stem.filter(|stem| self.codes.binary_search(stem).is_ok());
        Some((known.next_back()?, seventh))
    }

    fn holds(&self, at: usize, filter: &Filter) -> bool {
        let code = self.codes[at];
        let is_leaf = !self
            .codes
            .get(at + 1)
            .is_some_and(|next| next.starts_with(code));
        let plain = || code.chars().filter(|character| *character != '.');
        match filter {
            Filter::None | Filter::Sevenths(_) => true,
            Filter::At(place, values) => plain()
                .nth(*place)
                .is_some_and(|character| values.contains(&character)),
            Filter::Intent(values) => {
                is_leaf && (5..=6).contains(&plain().count()) && code.ends_with(values.as_slice())
            }
            Filter::Ends(ends) => is_leaf && ends.iter().any(|end| code.ends_with(end.as_str())),
            Filter::Begins(begins) => begins.iter().any(|begin| {
                code.get(3..)
                    .is_some_and(|rest| rest.starts_with(begin.as_str()))
            }),
        }
    }
}

/// The bit of a 7th character; digits have none, as no note asks for one.
fn bit(seventh: char) -> u32 {
    u32::from(seventh)
        .checked_sub(u32::from('A'))
        .filter(|place| *place < 26)
        .map_or(0, |place| 1 << place)
}

/// Runs in order, those that touch as one.
pub(super) fn merged(mut runs: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    runs.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(runs.len());
    for (from, to) in runs {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// The codes and ranges of a text, and what stands behind the last of them.
fn ranges(text: &str) -> (Vec<(&str, &str)>, &str) {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut behind = 0;
    let mut at = 0;
    while at < text.len() {
        let Some(length) = code_at(text, at) else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let code = &text[at..at + length];
        let between = &text[behind..at];
        let is_range = |gap: &str| {
            let only = gap.trim_matches(['.', '-', ' ']);
            (only.is_empty() && gap.contains('-')) || only == "to"
        };
        match found.last_mut() {
            Some(last) if last.0 == last.1 && is_range(between) => last.1 = code,
            _ => found.push((code, code)),
        }
        at += length;
        behind = at;
    }
    (found, &text[behind..])
}

/// How long the code is that stands at a byte, if one does.
fn code_at(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let before = at.checked_sub(1).map(|before| bytes[before]);
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'/') {
        return None;
    }
    let of_code = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let [letter, digit, third, rest @ ..] = &bytes[at..] else {
        return None;
    };
    if !letter.is_ascii_uppercase() || !digit.is_ascii_digit() || !of_code(third) {
        return None;
    }
    let mut length = 3;
    if let [b'.', tail @ ..] = rest {
        let more = tail.iter().take_while(|byte| of_code(byte)).count();
        length += if more == 0 { 0 } else { more + 1 };
    }
    let next = bytes.get(at + length);
    let ends = next.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    ends.then_some(length)
}

/// What the words behind codes ask of them, or nothing where that cannot be told.
fn filter(rest: &str) -> Option<Filter> {
    let rest = rest.trim_start_matches(['.', '-', ',', ' ']);
    let Some(asked) = rest.strip_prefix("with ") else {
        return Some(Filter::None);
    };
    if asked.contains("7th character") || asked.contains("seventh character") {
        let letters = asked.split(' ').filter(|word| word.len() == 1);
        let letters = letters.filter_map(|word| word.chars().next());
        let bits = letters.fold(0, |bits, letter| bits | bit(letter));
        return if asked.starts_with("open fracture") {
            Some(Filter::Sevenths(bit('B') | bit('C')))
        } else {
            (bits != 0).then_some(Filter::Sevenths(bits))
        };
    }
    if asked.ends_with("to indicate intent") {
        return Some(Filter::None);
    }
    let is_value = |word: &&str| word.contains(|letter: char| letter.is_ascii_digit());
    let words = asked
        .split([' ', ','])
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| !word.ends_with("th"));
    let values: Vec<&str> = words.filter(is_value).collect();
    if values.is_empty() {
        return None;
    }
    let sixth = asked.contains("six");
    let fifth = asked.contains("fifth") || asked.contains("5th");
    if values.iter().all(|value| value.starts_with('.')) && !fifth {
        let ends = values.iter().flat_map(|value| value.split('-'));
        let ends = ends.filter(|value| !value.is_empty()).map(str::to_owned);
        return Some(Filter::Begins(ends.collect()));
    }
    if asked.starts_with("final") || (asked.contains("fifth to sixth")) {
        let ends = values.iter().map(|value| value.trim_start_matches('-'));
        return Some(Filter::Ends(ends.map(str::to_owned).collect()));
    }
    let characters = values.iter().map(|value| value.trim_start_matches('.'));
    let characters = characters.flat_map(|value| match value.as_bytes() {
        [first, b'-', last] => (*first..=*last).map(char::from).collect(),
        _ => value.chars().collect::<Vec<_>>(),
    });
    let characters = characters.collect();
    match (fifth, sixth) {
        (true, true) => Some(Filter::Intent(characters)),
        (true, false) => Some(Filter::At(4, characters)),
        (false, true) => Some(Filter::At(5, characters)),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dictionary;

    /// The codes that a text names, and those of the whole list that a condition holds for.
    fn check(text: &str, expected: impl Fn(&str, bool) -> bool) -> Named {
        let dictionary = Dictionary::fy2026();
        let codes: Vec<&str> = dictionary.listed().collect();
        let named = List::new(codes.iter().copied()).named(text);
        let leaf = |at: usize| {
            !codes
                .get(at + 1)
                .is_some_and(|next| next.starts_with(codes[at]))
        };
        let held = |at: usize| {
            let place = u32::try_from(at).unwrap();
            named
                .runs
                .iter()
                .flat_map(|(_, runs)| runs)
                .any(|(from, to)| (*from..*to).contains(&place))
        };
        for (at, code) in codes.iter().enumerate() {
            assert_eq!(held(at), expected(code, leaf(at)), "{code} in `{text}`");
        }
        named
    }

    fn below(code: &str, first: &str, last: &str) -> bool {
        (first..=last).contains(&&code[..first.len().min(code.len())])
    }

    #[test]
    fn ranges_hold_what_a_count_over_the_whole_list_holds() {
        check("acute bronchitis (J20.-)", |code, _| {
            code.starts_with("J20")
        });
        check("diabetes mellitus (E08-E13)", |code, _| {
            below(code, "E08", "E13")
        });
        check("hypertensive disease (I13.0, I13.2)", |code, _| {
            code == "I13.0" || code == "I13.2"
        });
        check("sepsis (O03-O07, O08.0) or K65.-", |code, _| {
            below(code, "O03", "O07") || code == "O08.0" || code.starts_with("K65")
        });
        check("seropositive (M05.00 to M05.19)", |code, _| {
            code.starts_with("M05.0") && code != "M05.0" || code.starts_with("M05.1")
        });
        check("fracture (S32.1--S32.9)", |code, _| {
            ("S32.1".."S32.A").contains(&code)
        });
    }

    #[test]
    fn what_stands_behind_codes_confines_them() {
        let plain = |code: &str| code.replace('.', "");
        check("(T36-T50 with fifth or sixth character 5)", |code, leaf| {
            below(code, "T36", "T50") && leaf && code.ends_with('5') && plain(code).len() > 4
        });
        check(
            "(T36-T65 with fifth or sixth character 1-4 or 6)",
            |code, leaf| {
                below(code, "T36", "T65")
                    && leaf
                    && code.ends_with(['1', '2', '3', '4', '6'])
                    && plain(code).len() > 4
            },
        );
        check(
            "(E08, E09, E11, E13 with final characters .00 or .01)",
            |code, _| {
                ["E08", "E09", "E11", "E13"].contains(&&code[..3])
                    && (code.ends_with(".00") || code.ends_with(".01"))
            },
        );
        check("(F10-F19, with .17, .27, .97)", |code, _| {
            below(code, "F10", "F19")
                && [".17", ".27", ".97"]
                    .iter()
                    .any(|end| code[3..].starts_with(end))
        });
        check("(B27.0-B27.9 with fifth character 1)", |code, _| {
            code.starts_with("B27.") && code.len() > 5 && code.as_bytes()[5] == b'1'
        });
        let named = check("(S42.- with 7th character B or C)", |code, _| {
            code.starts_with("S42")
        });
        assert_eq!(named.runs[0].0, 0b110);
    }

    #[test]
    fn what_names_no_code_is_told_and_words_like_codes_are_none() {
        let named = check("gone (A77.7X), vitamin B12, H1N1, G6PD, C3", |_, _| false);
        assert_eq!(named.unread, ["A77.7X"]);
        let named = check("see E08-E10, E11 with ketoacidosis", |_, _| false);
        assert_eq!(named.unread.len(), 1);
    }
}

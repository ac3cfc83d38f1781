//! Documentation comments out of the prose of AWS.

use std::borrow::Cow;

/// A sentence shorter than this says too little alone; the next one follows.
const TELLING: usize = 40;

/// A sentence longer than this, in bytes, is cut.
const LONGEST: usize = 160;

/// Abbreviations whose full stop ends no sentence.
const ABBREVIATIONS: &[&str] = &["e.g.", "i.e.", "etc.", "vs.", "Inc.", "No.", "approx."];

/// Returns the first sentence of `prose`, as one line that rustdoc accepts.
///
/// Links become their text, because AWS moves its pages; what Markdown or
/// rustdoc would read as markup is escaped. Nothing is returned for no prose.
pub(crate) fn summary(prose: &str) -> Option<String> {
    let paragraph = first_paragraph(prose);
    let line = tidy(&unemphasized(&unlinked(&unmarked(&paragraph))));
    let sentence = first_sentences(&line).trim();
    if !sentence.contains(|letter: char| letter.is_alphanumeric()) {
        return None;
    }
    let mut line = escaped(&cut(sentence));
    if !line.ends_with(['.', '!', '?', ':', '…']) {
        line.push('.');
    }
    Some(line)
}

/// Returns the first paragraph in which something is said, as one line.
fn first_paragraph(prose: &str) -> String {
    prose
        .replace('\r', "")
        .split("\n\n")
        .map(|paragraph| {
            paragraph
                .lines()
                .map(|line| line.trim().trim_start_matches(['>', '#', '-', '+', ' ']))
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .find(|paragraph| !paragraph.is_empty())
        .unwrap_or_default()
}

/// Removes control characters, and evens out reStructuredText's double backticks.
fn unmarked(text: &str) -> String {
    let text: String = text
        .replace("``", "`")
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    // A lone backtick would swallow the rest of the line.
    if text.matches('`').count().is_multiple_of(2) {
        text
    } else {
        text.replace('`', "")
    }
}

/// Replaces `[text](address)` by its text.
fn unlinked(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some(middle) = rest.find("](") {
        let (before, after) = rest.split_at(middle);
        if let (Some(open), Some(close)) = (before.rfind('['), after.find(')')) {
            plain.push_str(&before[..open]);
            plain.push_str(&before[open + 1..]);
            rest = &after[close + 1..];
        } else {
            plain.push_str(before);
            plain.push_str("](");
            rest = &after[2..];
        }
    }
    plain + rest
}

/// Removes the stars around emphasized words, outside of code.
fn unemphasized(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (index, part) in text.split('`').enumerate() {
        if index > 0 {
            plain.push('`');
        }
        let mut rest = part;
        while let Some((before, words, after)) = emphasis(rest).filter(|_| index % 2 == 0) {
            plain.push_str(before);
            plain.push_str(words);
            rest = after;
        }
        plain.push_str(rest);
    }
    plain
}

/// Finds the first `*words*`: what is before, the words, and what is after.
fn emphasis(text: &str) -> Option<(&str, &str, &str)> {
    for (open, _) in text.match_indices('*') {
        let (before, rest) = (&text[..open], &text[open + 1..]);
        let Some((words, after)) = rest.split_once('*') else {
            break;
        };
        let word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        let opens = !word(before.chars().next_back()) && word(words.chars().next());
        let closes = word(words.chars().next_back()) && !word(after.chars().next());
        if opens && closes {
            return Some((before, words, after));
        }
    }
    None
}

/// Closes up the spaces that the sources leave, also before a comma or full stop.
fn tidy(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for mark in [".", ",", ";", ":"] {
        line = line.replace(&format!(" {mark} "), &format!("{mark} "));
        if let Some(start) = line.strip_suffix(&format!(" {mark}")) {
            line = format!("{start}{mark}");
        }
    }
    line
}

/// Returns the first sentence, and the second if the first says too little.
fn first_sentences(line: &str) -> &str {
    let mut ends = line.match_indices(". ").filter_map(|(stop, _)| {
        let sentence = &line[..=stop];
        let abbreviated = ABBREVIATIONS.iter().any(|short| sentence.ends_with(short));
        let in_code = sentence.matches('`').count() % 2 == 1;
        let begins = line[stop + 2..]
            .starts_with(|next: char| next.is_uppercase() || next == '`' || next == '*');
        (begins && !abbreviated && !in_code).then_some(sentence)
    });
    match (ends.next(), ends.next()) {
        (Some(first), _) if first.len() >= TELLING => first,
        (Some(_), Some(second)) => second,
        _ => line,
    }
}

/// Cuts a long sentence between two words, outside of code.
fn cut(sentence: &str) -> Cow<'_, str> {
    if sentence.len() <= LONGEST {
        return sentence.into();
    }
    let spaces = sentence.match_indices(' ').map(|(space, _)| space);
    let end = spaces
        .take_while(|&space| space < LONGEST)
        .filter(|&space| sentence[..space].matches('`').count().is_multiple_of(2))
        .last();
    match end {
        Some(end) => format!(
            "{} …",
            sentence[..end].trim_end_matches([',', ';', ':', '('])
        )
        .into(),
        None => sentence.into(),
    }
}

/// Escapes what is markup outside of code; gives addresses their brackets.
fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for (index, part) in line.split('`').enumerate() {
        if index > 0 {
            text.push('`');
        }
        if index % 2 == 1 {
            text.push_str(part);
            continue;
        }
        let mut rest = part;
        while let Some(start) = ["http://", "https://"]
            .iter()
            .filter_map(|scheme| rest.find(scheme))
            .min()
        {
            let length = rest[start..]
                .find(|letter: char| letter.is_whitespace() || "()<>[]\"',;*".contains(letter))
                .unwrap_or(rest.len() - start);
            let address = rest[start..start + length].trim_end_matches(['.', ':']);
            escape_into(&mut text, &rest[..start]);
            text.push('`');
            text.push_str(address);
            text.push('`');
            rest = &rest[start + address.len()..];
        }
        escape_into(&mut text, rest);
    }
    text
}

fn escape_into(text: &mut String, plain: &str) {
    for letter in plain.chars() {
        if "\\[]<>*_~|#&$".contains(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn summarized(prose: &str) -> String {
        summary(prose).expect("the prose says something")
    }

    #[test]
    fn only_the_first_sentence_is_taken() {
        assert_eq!(
            summarized(
                "The name of the queue, e.g. Jobs, in `a. B` form. It must be unique.\n\nMore."
            ),
            "The name of the queue, e.g. Jobs, in `a. B` form."
        );
    }

    #[test]
    fn a_short_sentence_brings_the_next() {
        assert_eq!(
            summarized("Required. The name of the queue. Up to 80 characters."),
            "Required. The name of the queue."
        );
    }

    #[test]
    fn links_become_text_and_spaces_close_up() {
        assert_eq!(
            summarized(
                "See [Amazon SQS FIFO queues](https://docs.aws.amazon.com/x_y) in the `Guide` ."
            ),
            "See Amazon SQS FIFO queues in the `Guide`."
        );
    }

    #[test]
    fn brackets_angles_and_addresses_do_not_reach_rustdoc() {
        assert_eq!(
            summarized("Use arn:<partition>:[REST] at https://example.com/a_b. or at * here"),
            "Use arn:\\<partition\\>:\\[REST\\] at `https://example.com/a_b`. or at \\* here."
        );
    }

    #[test]
    fn emphasis_goes_and_wildcards_stay() {
        assert_eq!(
            summarized("See the *User Guide* about s3:Get* and `a*b*` and arn:aws:s3:::* for more"),
            "See the User Guide about s3:Get\\* and `a*b*` and arn:aws:s3:::\\* for more."
        );
    }

    #[test]
    fn a_lone_backtick_is_dropped() {
        assert_eq!(summarized("Set `this to true"), "Set this to true.");
    }

    #[test]
    fn a_long_sentence_is_cut_between_words_and_not_in_code() {
        let line = summarized(&format!(
            "{} `{}` end.",
            "word ".repeat(30),
            "code ".repeat(9)
        ));
        assert_eq!(line, format!("{}…", "word ".repeat(30)));
    }

    #[test]
    fn no_prose_gives_no_comment() {
        assert_eq!(summary(""), None);
        assert_eq!(summary("\n\n> \n"), None);
    }

    proptest! {
        #[test]
        fn any_prose_becomes_one_closed_line(prose in "[ -~\n`\\[\\]()<>*.]{0,120}") {
            if let Some(line) = summary(&prose) {
                prop_assert!(!line.contains('\n'));
                prop_assert_eq!(line.matches('`').count() % 2, 0);
                for (index, part) in line.split('`').enumerate() {
                    if index % 2 == 0 {
                        let bare = part.replace("\\\\", "").replace("\\[", "").replace("\\<", "");
                        prop_assert!(!bare.contains(['[', '<']), "{}", line);
                    }
                }
            }
        }
    }
}

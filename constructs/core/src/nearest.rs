//! What was probably meant.

/// Returns a question after the name that is most like `wrong`, if any is like it.
pub(crate) fn did_you_mean<'n>(
    wrong: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<String> {
    nearest(wrong, names).map(|name| format!("did you mean `{name}`?"))
}

/// Returns the name that is most like `wrong`, if any is like it.
pub(crate) fn nearest<'n>(
    wrong: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let wrong = wrong.to_ascii_lowercase();
    let most = (wrong.chars().count() / 3).max(1);
    names
        .into_iter()
        .filter(|name| name.len().abs_diff(wrong.len()) <= most + 2)
        .map(|name| (distance(&wrong, &name.to_ascii_lowercase()), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

/// Returns how many letters must be added, left out, changed or swapped with the next.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (row, letter) in left.chars().enumerate() {
        let mut next = Vec::with_capacity(last.len());
        next.push(row + 1);
        for (column, other) in right.iter().enumerate() {
            let mut fewest = (last[column] + usize::from(letter != *other))
                .min(last[column + 1] + 1)
                .min(next[column] + 1);
            if column > 0 && previous == Some(*other) && letter == right[column - 1] {
                fewest = fewest.min(before_last[column - 1] + 1);
            }
            next.push(fewest);
        }
        before_last = std::mem::replace(&mut last, next);
        previous = Some(letter);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keys_is_understood() {
        let names = [
            "DelaySeconds",
            "QueueName",
            "KmsMasterKeyId",
            "eu-central-1",
        ];
        for (wrong, meant) in [
            ("DelaySecond", Some("DelaySeconds")),
            ("delayseconds", Some("DelaySeconds")),
            ("QuueeName", Some("QueueName")),
            ("KMSKeyId", None),
            ("Colour", None),
            ("", None),
            ("eu-centrl-1", Some("eu-central-1")),
            ("EU-CENTRAL-1", Some("eu-central-1")),
        ] {
            assert_eq!(nearest(wrong, names), meant, "{wrong}");
        }
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}

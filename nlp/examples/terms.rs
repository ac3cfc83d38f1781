//! Writes every term of the terminology that means a billable code, one a line, with the code.
#![expect(clippy::print_stdout, reason = "this is a program that people run")]

use lightsout_nlp::Dictionary;

fn main() {
    let dictionary = Dictionary::fy2026();
    let mut terms: Vec<_> = dictionary
        .terms()
        .filter_map(|(term, meaning)| Some((term, dictionary.billable(meaning)?.code)))
        .collect();
    terms.sort_unstable();
    for (term, code) in terms {
        println!("{term}\t{code}");
    }
}

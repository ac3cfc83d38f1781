//! Codes documents: JSON lines with `doc_id` and `text` (and perhaps `target`, two code point
//! offsets) on standard input, one record a line on standard output. An argument names the file of
//! a dictionary to code by, in the place of the embedded one.
#![expect(clippy::print_stdout, reason = "this is a program that people run")]

use std::error::Error;
use std::io::BufRead;

use lightsout_nlp::{Dictionary, Engine, Span, to_jsonl_record, to_target_record};

fn main() -> Result<(), Box<dyn Error>> {
    let dictionary = match std::env::args_os().nth(1) {
        Some(file) => Dictionary::from_bytes(&std::fs::read(file)?)?,
        None => Dictionary::fy2026(),
    };
    let engine = Engine::new(dictionary);
    for line in std::io::stdin().lock().lines() {
        let document: serde_json::Value = serde_json::from_str(&line?)?;
        let doc_id = document["doc_id"]
            .as_str()
            .ok_or("a line has no `doc_id`")?;
        let text = document["text"].as_str().ok_or("a line has no `text`")?;
        let offset = |at: usize| {
            document["target"][at]
                .as_u64()
                .and_then(|offset| usize::try_from(offset).ok())
        };
        let target = offset(0)
            .zip(offset(1))
            .and_then(|(start, end)| Span::from_chars(text, start, end));
        let record = match target {
            Some(target) => to_target_record(doc_id, text, &engine.assert_target(text, target)),
            None => to_jsonl_record(doc_id, text, &engine.code(text)),
        };
        println!("{}", serde_json::to_string(&record)?);
    }
    Ok(())
}

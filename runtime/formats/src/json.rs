//! JSON within its limits.

use serde_json::Value;

use crate::{
    Rejection,
    limits::{DEEPEST, MOST_VALUES},
};

/// Parses one JSON value.
pub(crate) fn parse(text: &str) -> Result<Value, Rejection> {
    measure(text)?;
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let first = values.next().unwrap_or_else(|| serde_json::from_str(""));
    let value = first.map_err(|error| Rejection::MalformedJson {
        line: error.line(),
        column: error.column(),
    })?;
    match values.next() {
        None => Ok(value),
        Some(Ok(_)) => Err(Rejection::SeveralResources),
        Some(Err(error)) => Err(Rejection::MalformedJson {
            line: error.line(),
            column: error.column(),
        }),
    }
}

/// Looks at depth and number of values before anything is kept.
fn measure(text: &str) -> Result<(), Rejection> {
    let (mut depth, mut values) = (0_usize, 0_usize);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'{' | b'[' => {
                depth += 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' | b':' => values += 1,
            _ => {}
        }
        if depth > DEEPEST {
            return Err(Rejection::TooDeep { limit: DEEPEST });
        }
        if values > MOST_VALUES {
            return Err(Rejection::TooManyParts { limit: MOST_VALUES });
        }
    }
    Ok(())
}

fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}

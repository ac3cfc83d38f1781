//! References to charts: what a queue message says, never what a chart says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The text of a medical chart at rest; a marker for typed buckets.
pub enum Chart {}

/// A notification that charts have arrived, as S3 writes it into the queue.
pub enum ChartArrival {}

/// One version of one chart in the inbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChartReference {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, decoded.
    pub key: String,
    /// The object's version, absent where the bucket is not versioned.
    pub version: Option<String>,
    /// The object's size in bytes, as S3 saw it arrive.
    pub size: u64,
}

impl ChartReference {
    /// The folder of the inbox that holds charts.
    pub const PREFIX: &'static str = "charts/";

    /// Returns the chart's opaque id: its key without the inbox's folder.
    pub fn id(&self) -> &str {
        self.key.strip_prefix(Self::PREFIX).unwrap_or(&self.key)
    }
}

/// Why a queue message could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The message is no JSON.
    #[error("the message is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The message is JSON, but no S3 event notification.
    #[error("the message is not an S3 event notification: {0}")]
    NotAnEvent(&'static str),
    /// The event is of a version that this program does not know.
    #[error("the S3 event has version `{0}`, and this program reads 2.x")]
    UnknownVersion(String),
}

/// Reads the charts that an [S3 event notification] announces.
///
/// S3's test event, sent once when a notification is configured, announces
/// none. Events other than the creation of an object announce none either.
///
/// [S3 event notification]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
///
/// ```
/// use lightsout_protocol::chart::arrivals;
///
/// let body = r#"{"Records": [{
///     "eventVersion": "2.1", "eventName": "ObjectCreated:Put",
///     "s3": {"bucket": {"name": "inbox"}, "object": {"key": "charts/a+b%2F1", "size": 3, "versionId": "v1"}}
/// }]}"#;
/// let charts = arrivals(body)?;
/// assert_eq!(charts[0].key, "charts/a b/1");
/// assert_eq!(charts[0].version.as_deref(), Some("v1"));
/// # Ok::<(), lightsout_protocol::chart::MessageError>(())
/// ```
pub fn arrivals(body: &str) -> Result<Vec<ChartReference>, MessageError> {
    let event: serde_json::Value = serde_json::from_str(body).map_err(MessageError::NotJson)?;
    if event.get("Event").and_then(|e| e.as_str()) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    let records = event
        .get("Records")
        .and_then(|r| r.as_array())
        .ok_or(MessageError::NotAnEvent("it has no `Records`"))?;
    let mut charts = Vec::with_capacity(records.len());
    for record in records {
        let version = text(record, "/eventVersion").unwrap_or_default();
        if !version.starts_with("2.") {
            return Err(MessageError::UnknownVersion(version.to_owned()));
        }
        let created = text(record, "/eventName")
            .is_some_and(|name| name.trim_start_matches("s3:").starts_with("ObjectCreated:"));
        if !created {
            continue;
        }
        let bucket = text(record, "/s3/bucket/name")
            .ok_or(MessageError::NotAnEvent("a record has no `s3.bucket.name`"))?;
        let key = text(record, "/s3/object/key")
            .ok_or(MessageError::NotAnEvent("a record has no `s3.object.key`"))?;
        charts.push(ChartReference {
            bucket: bucket.to_owned(),
            key: decode_key(key),
            version: text(record, "/s3/object/versionId")
                .filter(|version| !version.is_empty() && *version != "null")
                .map(str::to_owned),
            size: record
                .pointer("/s3/object/size")
                .and_then(serde_json::Value::as_u64)
                .unwrap_or_default(),
        });
    }
    Ok(charts)
}

impl fmt::Display for ChartReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

fn text<'a>(record: &'a serde_json::Value, pointer: &str) -> Option<&'a str> {
    record.pointer(pointer).and_then(serde_json::Value::as_str)
}

/// Decodes a key as S3 encodes it in events: form encoding, `+` for a space.
fn decode_key(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let ahead = rest.as_slice_hex();
                if let Some(decoded) = ahead {
                    bytes.push(decoded);
                    rest.next();
                    rest.next();
                } else {
                    bytes.push(b'%');
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| key.to_owned())
}

/// Looks at the next two characters as a hexadecimal number.
trait HexAhead {
    fn as_slice_hex(&self) -> Option<u8>;
}

impl HexAhead for std::str::Bytes<'_> {
    fn as_slice_hex(&self) -> Option<u8> {
        let mut ahead = self.clone();
        let high = char::from(ahead.next()?).to_digit(16)?;
        let low = char::from(ahead.next()?).to_digit(16)?;
        u8::try_from(high * 16 + low).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_test_event_announces_no_chart() {
        let body = r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "inbox"}"#;
        assert_eq!(arrivals(body).unwrap(), []);
    }

    #[test]
    fn a_removal_announces_no_chart() {
        let body = r#"{"Records": [{"eventVersion": "2.1", "eventName": "ObjectRemoved:Delete"}]}"#;
        assert_eq!(arrivals(body).unwrap(), []);
    }

    #[test]
    fn an_event_of_another_major_version_is_refused() {
        let body = r#"{"Records": [{"eventVersion": "3.0", "eventName": "ObjectCreated:Put"}]}"#;
        assert_eq!(
            arrivals(body).unwrap_err().to_string(),
            "the S3 event has version `3.0`, and this program reads 2.x"
        );
    }

    #[test]
    fn a_foreign_message_is_refused() {
        assert!(matches!(arrivals("{}"), Err(MessageError::NotAnEvent(_))));
        assert!(matches!(arrivals("hello"), Err(MessageError::NotJson(_))));
    }

    proptest! {
        #[test]
        fn any_key_survives_the_encoding_of_s3(key in "\\PC{1,40}") {
            let encoded: String = key
                .bytes()
                .map(|b| match b {
                    b' ' => "+".to_owned(),
                    b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
                    b => format!("%{b:02X}"),
                })
                .collect();
            prop_assert_eq!(decode_key(&encoded), key);
        }
    }
}

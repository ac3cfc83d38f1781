//! References to charts: what a queue message says, never what a chart says.

use std::fmt;

use serde::{Deserialize, Serialize, de::IgnoredAny};

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

    /// Refers to a version of a chart by its opaque id, as an outcome names it.
    pub fn again(bucket: &str, id: &str, version: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            key: format!("{}{id}", Self::PREFIX),
            version: (version != UNVERSIONED).then(|| version.to_owned()),
            size: 0,
        }
    }

    /// Writes the message that announces the chart, as S3 would: [`arrivals`] reads it.
    ///
    /// ```
    /// use lightsout_protocol::chart::{ChartReference, arrivals};
    ///
    /// let chart = ChartReference::again("inbox", "north/a b+1", "v1");
    /// assert_eq!(arrivals(&chart.announcement())?, [chart]);
    /// # Ok::<(), lightsout_protocol::chart::MessageError>(())
    /// ```
    pub fn announcement(&self) -> String {
        let mut object = serde_json::json!({"key": encode_key(&self.key), "size": self.size});
        if let Some(version) = &self.version {
            object["versionId"] = version.as_str().into();
        }
        let record = serde_json::json!({
            "eventVersion": "2.1",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": self.bucket}, "object": object},
        });
        serde_json::json!({"Records": [record]}).to_string()
    }

    /// Returns the chart's opaque id: its key without the inbox's folder.
    pub fn id(&self) -> &str {
        self.key.strip_prefix(Self::PREFIX).unwrap_or(&self.key)
    }
}

/// What stands for the version of a chart where the inbox keeps none.
pub const UNVERSIONED: &str = "unversioned";

/// The metadata of an object of the inbox that holds the SHA-256 of its bytes, in hexadecimal
/// digits: what was sent is what is coded, or it is rejected.
pub const SHA256: &str = "sha256";

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
    /// The message is longer than any that SQS carries.
    #[error("the message has {0} bytes, and none has more than {LARGEST_MESSAGE}")]
    TooLarge(usize),
    /// The event names an object as S3 never names one.
    #[error("a record has a `{0}` that S3 does not allow")]
    NoSuchName(&'static str),
}

/// The longest message, in bytes: what [SQS] carries at most.
///
/// [SQS]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
pub const LARGEST_MESSAGE: usize = 1 << 20;

/// The longest key of an object, in bytes of UTF-8
/// ([S3](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)).
const LONGEST_KEY: usize = 1_024;

/// The longest id of a version that is read. S3's own have 32 characters, and what is stored
/// of a chart has the id and the engine's name in 1,024 bytes.
const LONGEST_VERSION: usize = 512;

impl MessageError {
    /// A stable code for the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "message_not_json",
            Self::NotAnEvent(_) => "message_not_an_event",
            Self::UnknownVersion(_) => "message_of_unknown_version",
            Self::TooLarge(_) => "message_too_large",
            Self::NoSuchName(_) => "message_names_no_object",
        }
    }

    /// What a person can do; says nothing of what the message holds, which anybody may have
    /// written.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotJson(_) | Self::NotAnEvent(_) | Self::TooLarge(_) => {
                "the message is no event of S3; see in the dead-letter queue what it is and who \
                 sent it, and upload the chart again if it meant one"
            }
            Self::UnknownVersion(_) => {
                "the event of S3 is of a version that is not read; update the workers, and then \
                 redrive the dead-letter queue"
            }
            Self::NoSuchName(_) => {
                "the event names an object as S3 never names one; see in the dead-letter queue \
                 which one, and upload the chart again"
            }
        }
    }
}

/// Reads the charts that an [S3 event notification] announces.
///
/// S3's test event, sent once when a notification is configured, announces
/// none. Events other than the creation of an object announce none either,
/// nor does the folder itself that charts lie in.
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
    if body.len() > LARGEST_MESSAGE {
        return Err(MessageError::TooLarge(body.len()));
    }
    if let Ok(Event {
        event: None,
        records,
    }) = serde_json::from_str(body)
    {
        return records
            .iter()
            .map(created)
            .filter_map(Result::transpose)
            .collect();
    }
    let event: serde_json::Value = serde_json::from_str(body).map_err(MessageError::NotJson)?;
    if event.get("Event").and_then(|e| e.as_str()) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    let records = event
        .get("Records")
        .and_then(|r| r.as_array())
        .ok_or(MessageError::NotAnEvent("it has no `Records`"))?;
    let charts = records
        .iter()
        .map(|record| created(&Record::told_by(record)));
    charts.filter_map(Result::transpose).collect()
}

/// An event as S3 writes it, which is read without building a tree of values first: that took
/// a twentieth of the time of coding the chart. Whatever differs is read the long way.
#[derive(Deserialize)]
struct Event<'e> {
    #[serde(rename = "Event")]
    event: Option<IgnoredAny>,
    #[serde(rename = "Records", borrow)]
    records: Vec<Record<'e>>,
}

/// What happened to one object.
#[derive(Debug, PartialEq, Deserialize)]
struct Record<'e> {
    #[serde(rename = "eventVersion")]
    version: &'e str,
    #[serde(rename = "eventName")]
    name: &'e str,
    #[serde(borrow)]
    s3: Place<'e>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Place<'e> {
    #[serde(borrow)]
    bucket: Bucket<'e>,
    #[serde(borrow)]
    object: Object<'e>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Bucket<'e> {
    name: Option<&'e str>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object<'e> {
    key: Option<&'e str>,
    version_id: Option<&'e str>,
    size: Option<u64>,
}

impl<'e> Record<'e> {
    /// Takes out of a value what is of the kind that S3 writes.
    fn told_by(record: &'e serde_json::Value) -> Self {
        let text = |pointer| record.pointer(pointer).and_then(serde_json::Value::as_str);
        let size = record.pointer("/s3/object/size");
        Self {
            version: text("/eventVersion").unwrap_or_default(),
            name: text("/eventName").unwrap_or_default(),
            s3: Place {
                bucket: Bucket {
                    name: text("/s3/bucket/name"),
                },
                object: Object {
                    key: text("/s3/object/key"),
                    version_id: text("/s3/object/versionId"),
                    size: size.and_then(serde_json::Value::as_u64),
                },
            },
        }
    }
}

/// Returns the chart that a record says was created, if it does.
fn created(record: &Record<'_>) -> Result<Option<ChartReference>, MessageError> {
    if !record.version.starts_with("2.") {
        return Err(MessageError::UnknownVersion(record.version.to_owned()));
    }
    let name = record.name.trim_start_matches("s3:");
    if !name.starts_with("ObjectCreated:") {
        return Ok(None);
    }
    let Place { bucket, object } = &record.s3;
    let bucket = bucket
        .name
        .ok_or(MessageError::NotAnEvent("a record has no `s3.bucket.name`"))?;
    let key = object
        .key
        .ok_or(MessageError::NotAnEvent("a record has no `s3.object.key`"))?;
    let key = decode_key(key);
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(MessageError::NoSuchName("s3.object.key"));
    }
    // The console makes a folder by an empty object of its name.
    if key == ChartReference::PREFIX {
        return Ok(None);
    }
    let version = object
        .version_id
        .filter(|version| !version.is_empty() && *version != "null");
    if version.is_some_and(|id| id.len() > LONGEST_VERSION || id.contains('#')) {
        return Err(MessageError::NoSuchName("s3.object.versionId"));
    }
    Ok(Some(ChartReference {
        bucket: bucket.to_owned(),
        key,
        version: version.map(str::to_owned),
        size: object.size.unwrap_or_default(),
    }))
}

impl fmt::Display for ChartReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Encodes a key as S3 does in events.
fn encode_key(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            _ if byte.is_ascii_alphanumeric() || b"/.-_".contains(&byte) => {
                encoded.push(char::from(byte));
            }
            _ => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 15] {
                    let digit = char::from_digit(digit.into(), 16).unwrap_or_default();
                    encoded.push(digit.to_ascii_uppercase());
                }
            }
        }
    }
    encoded
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

    /// The event of one object, with `part` of it in place of what S3 would say.
    fn event(pointer: &str, part: serde_json::Value) -> String {
        let mut event = serde_json::json!({"Records": [{
            "eventVersion": "2.1", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "inbox"}, "object": {"key": "charts/1", "versionId": "v"}}
        }]});
        *event.pointer_mut(pointer).unwrap() = part;
        event.to_string()
    }

    #[test]
    fn what_is_no_event_of_a_chart_is_refused_with_its_reason() {
        let of = |pointer: &str, part: &str| event(pointer, part.into());
        let key = "/Records/0/s3/object/key";
        let version = "/Records/0/s3/object/versionId";
        for (message, reason) in [
            (String::new(), "message_not_json"),
            ("hello".to_owned(), "message_not_json"),
            ("\u{0}".to_owned(), "message_not_json"),
            (r#"{"Records": [{"eventVer"#.to_owned(), "message_not_json"),
            ("[".repeat(100_000), "message_not_json"),
            (" ".repeat(LARGEST_MESSAGE + 1), "message_too_large"),
            ("{}".to_owned(), "message_not_an_event"),
            ("null".to_owned(), "message_not_an_event"),
            (event("/Records", "none".into()), "message_not_an_event"),
            (event("/Records/0/s3", 7.into()), "message_not_an_event"),
            (event(key, serde_json::Value::Null), "message_not_an_event"),
            (
                r#"{"Records": [{}]}"#.to_owned(),
                "message_of_unknown_version",
            ),
            (
                of("/Records/0/eventVersion", "1.0"),
                "message_of_unknown_version",
            ),
            (
                of("/Records/0/eventVersion", "3.0"),
                "message_of_unknown_version",
            ),
            (of(key, ""), "message_names_no_object"),
            (of(key, &"k".repeat(1_025)), "message_names_no_object"),
            (of(version, &"v".repeat(513)), "message_names_no_object"),
            (of(version, "v#1"), "message_names_no_object"),
        ] {
            let shown: String = message.chars().take(80).collect();
            let error = arrivals(&message).expect_err(&shown);
            assert_eq!(error.code(), reason, "{shown}");
            assert!(!error.advice().is_empty());
        }
    }

    #[test]
    fn the_folder_of_charts_is_no_chart() {
        let body = event("/Records/0/s3/object/key", "charts/".into());
        assert_eq!(arrivals(&body).unwrap(), []);
    }

    #[test]
    fn an_event_of_s3_is_read_the_short_way_and_alike_the_long_way() {
        for version in ["2.0", "2.1", "2.2", "2.3"] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
            let body = std::fs::read_to_string(format!("{folder}/message-{version}.json")).unwrap();
            let short: Event<'_> = serde_json::from_str(&body).unwrap();
            let value: serde_json::Value = serde_json::from_str(&body).unwrap();
            let records = value["Records"].as_array().unwrap();
            let long: Vec<_> = records.iter().map(Record::told_by).collect();
            assert_eq!(short.records, long);
        }
    }

    proptest! {
        #[test]
        fn any_key_survives_the_encoding_of_s3(key in "\\PC{1,40}") {
            prop_assert_eq!(decode_key(&encode_key(&key)), key);
        }
    }
}

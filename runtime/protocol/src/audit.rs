//! How the audit trail is laid out in its table.

/// A record of the audit trail; a marker for typed tables.
pub enum AuditItem {}

/// The attributes of an item.
pub mod attribute {
    /// Partition key: the stream, or [`glass`] and who told an emergency.
    pub const STREAM: &str = "stream";
    /// Sort key: the record's [`number`](number()); of an emergency, when it ends in milliseconds
    /// since 1970.
    pub const NUMBER: &str = "number";
    /// The record as JSON text, which is what was hashed.
    pub const BODY: &str = "body";
    /// SHA-256 of the body, in hexadecimal digits.
    pub const HASH: &str = "hash";
    /// Why an emergency was told.
    pub const REASON: &str = "reason";

    /// What the partition keys of emergencies begin with: no stream is named so.
    pub const GLASS: &str = "break-glass/";

    /// Writes a number so that texts are in the order of their numbers.
    ///
    /// ```
    /// use lightsout_protocol::audit::attribute::number;
    ///
    /// assert!(number(9) < number(10));
    /// assert_eq!(number(7).parse(), Ok(7));
    /// ```
    pub fn number(number: u64) -> String {
        format!("{number:020}")
    }

    /// Returns the partition key of a person's emergencies.
    pub fn glass(tenant: &str, who: &str) -> String {
        format!("{GLASS}{tenant}/{who}")
    }
}

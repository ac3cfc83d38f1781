//! The layout of the two data files, shared by their writer and their reader.
//!
//! Both begin with a header: eight bytes of magic, the version as a little-endian
//! `u32`, a [`checksum`] of all that follows as a `u64`, then the body.
//!
//! Numbers in a body are LEB128 varints unless they are said to be fixed. Text is
//! its length and its UTF-8. In the schema file every text and every node is
//! stored once; the rest refers to texts by their offset and to nodes by number,
//! the most used first, so that references are short. Nothing is compressed: text
//! is borrowed from the file as it is, and only what is asked for is read.

/// How a file of resource schemas begins.
pub const SCHEMAS: [u8; 8] = *b"LOSCHEMA";
/// How a file of IAM actions begins.
pub const ACTIONS: [u8; 8] = *b"LOACTION";
/// The layout that this crate reads.
pub const VERSION: u32 = 1;
/// The bytes before the body.
pub const HEADER: usize = 20;

/// A number that is a varint follows, in zigzag order.
pub const WHOLE: u64 = 0;
/// A number that is eight fixed bytes follows.
pub const FRACTION: u64 = 1;
/// A text follows.
pub const TEXT: u64 = 2;
/// A truth value follows.
pub const TRUTH: u64 = 3;

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $value:literal,)+) => {
        /// The number that each keyword of a node begins with.
        pub mod tag {
            $($(#[$doc])* pub const $name: u64 = $value;)+
        }
    };
}

tags! {
    /// `type`: a bit set.
    TYPE = 1,
    /// `properties`, with whether they are all that there may be.
    PROPERTIES = 2,
    /// `required`.
    REQUIRED = 3,
    /// `items`.
    ITEMS = 4,
    /// `enum`.
    ENUM = 5,
    /// `enumCaseInsensitive`.
    ENUM_ANY_CASE = 6,
    /// `const`.
    CONST = 7,
    /// `pattern`.
    PATTERN = 8,
    /// `format`.
    FORMAT = 9,
    /// `minLength`.
    MIN_LENGTH = 10,
    /// `maxLength`.
    MAX_LENGTH = 11,
    /// `minimum`.
    MINIMUM = 12,
    /// `maximum`.
    MAXIMUM = 13,
    /// `exclusiveMinimum`.
    ABOVE = 14,
    /// `exclusiveMaximum`.
    BELOW = 15,
    /// `multipleOf`.
    MULTIPLE_OF = 16,
    /// `minItems`.
    MIN_ITEMS = 17,
    /// `maxItems`.
    MAX_ITEMS = 18,
    /// `uniqueItems`.
    UNIQUE_ITEMS = 19,
    /// `uniqueKeys`.
    UNIQUE_KEYS = 20,
    /// `minProperties`.
    MIN_PROPERTIES = 21,
    /// `maxProperties`.
    MAX_PROPERTIES = 22,
    /// `patternProperties`.
    PATTERN_PROPERTIES = 23,
    /// `requiredXor`.
    REQUIRED_XOR = 24,
    /// `requiredOr`.
    REQUIRED_OR = 25,
    /// `dependentRequired`.
    DEPENDENT_REQUIRED = 26,
    /// `dependentExcluded`.
    DEPENDENT_EXCLUDED = 27,
    /// `anyOf`.
    ANY_OF = 28,
    /// `oneOf`.
    ONE_OF = 29,
    /// `allOf`.
    ALL_OF = 30,
    /// `not`.
    NOT = 31,
    /// `if`, with `then` and `else`.
    IF = 32,
    /// `prefixItems`.
    PREFIX_ITEMS = 33,
}

/// Returns the sum that a header holds for its body: eight bytes a step.
pub fn checksum(body: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = PRIME ^ body.len() as u64;
    let mut chunks = body.chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        sum = (sum ^ word).wrapping_mul(PRIME).rotate_left(29);
    }
    for byte in chunks.remainder() {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(PRIME).rotate_left(29);
    }
    sum
}

/// Returns `body` with the header that its readers want.
pub fn with_header(magic: [u8; 8], body: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEADER + body.len());
    file.extend(magic);
    file.extend(VERSION.to_le_bytes());
    file.extend(checksum(body).to_le_bytes());
    file.extend(body);
    file
}

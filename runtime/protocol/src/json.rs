//! JSON text, written faster than `serde_json` does, byte for byte the same.
//!
//! A coded chart is a thousand short names and values, and a fifth of the time that it takes to
//! code went into looking at each of their characters. Here names of fields and variants, which
//! stand in our own code, are written as they are; of values, many characters are looked at at
//! once, and those that need no escape are copied together. Everything is inlined into what
//! serde derives, where names have a known length. Floating-point numbers and the rare kinds
//! are left to `serde_json`.

#![expect(
    clippy::inline_always,
    reason = "a name is copied as one constant only where it is inlined; a hint alone was not taken"
)]

use std::fmt::{self, Write as _};

use serde::{
    Serialize,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant, Serializer,
    },
};
use serde_json::Error;

/// The size of most outcomes, in bytes; growing a text copies it each time.
const USUAL: usize = 1 << 14;

/// Writes a value as `serde_json::to_string` does.
pub(crate) fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    let mut text = String::with_capacity(USUAL);
    value.serialize(Writer(&mut text))?;
    Ok(text)
}

/// Writes one value.
struct Writer<'t>(&'t mut String);

impl Writer<'_> {
    /// Leaves a value to `serde_json`.
    #[cold]
    fn slowly<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.0.push_str(&serde_json::to_string(value)?);
        Ok(())
    }

    /// Writes the name of a field or variant.
    #[inline(always)]
    fn name(&mut self, name: &'static str) {
        debug_assert!(is_plain(name.as_bytes()), "`{name}` is no plain name");
        self.0.push('"');
        self.0.push_str(name);
        self.0.push('"');
    }

    /// Writes what stands before the value of a variant that has one.
    fn variant(&mut self, name: &'static str) {
        self.0.push('{');
        self.name(name);
        self.0.push(':');
    }
}

/// Escapes what is displayed into it.
struct Escaping<'t>(&'t mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// Whether a byte of UTF-8 stands in JSON as it is.
#[inline(always)]
const fn is_plain_byte(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// Whether bytes stand in JSON as they are; without a way out before the end, so that the
/// processor looks at many of them at once.
#[inline(always)]
fn are_plain(bytes: &[u8]) -> bool {
    let all = |all, byte: &u8| all & is_plain_byte(*byte);
    bytes.iter().fold(true, all)
}

/// Whether a text stands in JSON as it is.
#[inline(always)]
fn is_plain(text: &[u8]) -> bool {
    let (blocks, rest) = text.as_chunks::<16>();
    blocks.iter().all(|block| are_plain(block))
        // Of the end, bytes that were looked at before are looked at again.
        && match (text.last_chunk::<16>(), text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (Some(last), _, _) => are_plain(last),
            (None, Some(first), Some(last)) => are_plain(first) & are_plain(last),
            _ => rest.iter().all(|byte| is_plain_byte(*byte)),
        }
}

/// Appends a text to JSON within quotation marks.
#[inline]
fn push_escaped(json: &mut String, text: &str) {
    let mut rest = text;
    while !is_plain(rest.as_bytes()) {
        let plain = rest.bytes().take_while(|byte| is_plain_byte(*byte)).count();
        let (before, from) = rest.split_at(plain);
        let (byte, after) = (from.as_bytes()[0], &from[1..]);
        json.push_str(before);
        push_escape(json, byte);
        rest = after;
    }
    json.push_str(rest);
}

/// Appends the escape of one byte.
fn push_escape(json: &mut String, byte: u8) {
    let short = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        0x08 => "\\b",
        0x0c => "\\f",
        _ => {
            let hex = |digit| char::from_digit(u32::from(digit), 16).unwrap_or('0');
            json.push_str("\\u00");
            json.push(hex(byte >> 4));
            json.push(hex(byte & 15));
            return;
        }
    };
    json.push_str(short);
}

macro_rules! left_to_serde_json {
    ($($method:ident($type:ty)),*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.slowly(&value)
        })*
    };
}

macro_rules! integers {
    ($($method:ident($type:ty)),*) => {
        $(#[inline]
        fn $method(self, value: $type) -> Result<(), Error> {
            self.0.push_str(itoa::Buffer::new().format(value));
            Ok(())
        })*
    };
}

impl<'t> Serializer for Writer<'t> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Several<'t>;
    type SerializeTuple = Several<'t>;
    type SerializeTupleStruct = Several<'t>;
    type SerializeTupleVariant = Several<'t>;
    type SerializeMap = Several<'t>;
    type SerializeStruct = Several<'t>;
    type SerializeStructVariant = Several<'t>;

    integers!(
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128)
    );

    left_to_serde_json!(
        serialize_char(char),
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_bytes(&[u8])
    );

    #[inline(always)]
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.0.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    #[inline(always)]
    fn serialize_str(self, text: &str) -> Result<(), Error> {
        self.0.push('"');
        push_escaped(self.0, text);
        self.0.push('"');
        Ok(())
    }

    #[inline(always)]
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.0.push('"');
        write!(Escaping(self.0), "{value}").map_err(serde::ser::Error::custom)?;
        self.0.push('"');
        Ok(())
    }

    #[inline(always)]
    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    #[inline(always)]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_unit(self) -> Result<(), Error> {
        self.0.push_str("null");
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    #[inline(always)]
    fn serialize_unit_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.name(variant);
        Ok(())
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant);
        value.serialize(Writer(self.0))?;
        self.0.push('}');
        Ok(())
    }

    #[inline(always)]
    fn serialize_seq(self, _: Option<usize>) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, '[', "]"))
    }

    #[inline(always)]
    fn serialize_tuple(self, _: usize) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, '[', "]"))
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, '[', "]"))
    }

    #[inline(always)]
    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Several<'t>, Error> {
        self.variant(variant);
        Ok(Several::open(self.0, '[', "]}"))
    }

    #[inline(always)]
    fn serialize_map(self, _: Option<usize>) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, '{', "}"))
    }

    #[inline(always)]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, '{', "}"))
    }

    #[inline(always)]
    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Several<'t>, Error> {
        self.variant(variant);
        Ok(Several::open(self.0, '{', "}}"))
    }
}

/// Writes the elements of a list, or the fields of an object.
struct Several<'t> {
    text: &'t mut String,
    is_first: bool,
    end: &'static str,
}

impl<'t> Several<'t> {
    #[inline(always)]
    fn open(text: &'t mut String, start: char, end: &'static str) -> Self {
        text.push(start);
        Self {
            text,
            is_first: true,
            end,
        }
    }

    #[inline(always)]
    fn comma(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.text.push(',');
        }
    }

    #[inline(always)]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.comma();
        value.serialize(Writer(self.text))
    }

    #[inline(always)]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.text.push(':');
        value.serialize(Writer(self.text))
    }

    #[inline(always)]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.comma();
        Writer(self.text).name(name);
        self.value(value)
    }

    #[inline(always)]
    fn close(self) {
        self.text.push_str(self.end);
    }
}

macro_rules! lists {
    ($($kind:ident::$method:ident),*) => {
        $(impl $kind for Several<'_> {
            type Ok = ();
            type Error = Error;

            #[inline(always)]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            #[inline(always)]
            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        })*
    };
}

lists!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! objects {
    ($($kind:ident),*) => {
        $(impl $kind for Several<'_> {
            type Ok = ();
            type Error = Error;

            #[inline(always)]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(name, value)
            }

            #[inline(always)]
            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        })*
    };
}

objects!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Several<'_> {
    type Ok = ();
    type Error = Error;

    /// Names of an object are text; `serde_json` says what else may be one, and how.
    #[inline(always)]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let written = serde_json::to_string(&Alone(key))?;
        self.comma();
        self.text
            .push_str(&written[1..written.len() - ":null}".len()]);
        Ok(())
    }

    #[inline(always)]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    #[inline(always)]
    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

/// An object with one name and nothing in it.
struct Alone<'k, K: ?Sized>(&'k K);

impl<K: Serialize + ?Sized> Serialize for Alone<'_, K> {
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &())?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Every shape that a type can have.
    #[derive(Debug, Clone, Serialize)]
    enum Shape {
        Unit,
        Newtype(Option<Box<Self>>),
        Tuple(i64, f64, char),
        Struct {
            text: String,
            flag: bool,
            #[serde(flatten)]
            more: BTreeMap<String, f32>,
        },
        Numbered(BTreeMap<u32, (u8, String)>),
        Unnamed(Unnamed, ()),
    }

    #[derive(Debug, Clone, Serialize)]
    struct Unnamed(i128, Vec<u16>);

    fn shape() -> impl Strategy<Value = Shape> {
        let leaf = prop_oneof![
            Just(Shape::Unit),
            any::<(i64, f64, char)>().prop_map(|(a, b, c)| Shape::Tuple(a, b, c)),
            (
                any::<String>(),
                any::<bool>(),
                any::<BTreeMap<String, f32>>()
            )
                .prop_map(|(text, flag, more)| Shape::Struct { text, flag, more }),
            prop::collection::btree_map(any::<u32>(), (any::<u8>(), ".*"), 0..4)
                .prop_map(Shape::Numbered),
            (any::<i128>(), prop::collection::vec(any::<u16>(), 0..4))
                .prop_map(|(a, b)| Shape::Unnamed(Unnamed(a, b), ())),
        ];
        leaf.prop_recursive(3, 8, 1, |inner| {
            prop::option::of(inner).prop_map(|shape| Shape::Newtype(shape.map(Box::new)))
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            // Marks that are escaped, among plain letters, at every place of eight.
            "[a-z\"\\\\\u{0}-\u{20}é]{0,40}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"é]{0,12}", inner, 0..6)
                    .prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_written_as_serde_json_writes_them(value in value()) {
            prop_assert_eq!(to_string(&value).unwrap(), serde_json::to_string(&value).unwrap());
        }

        #[test]
        fn types_of_every_shape_are_written_as_serde_json_writes_them(shape in shape()) {
            prop_assert_eq!(to_string(&shape).unwrap(), serde_json::to_string(&shape).unwrap());
        }
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let of_lists = BTreeMap::from([(vec![1], 2)]);
        assert!(to_string(&of_lists).is_err());
        assert!(to_string(&json!({"a": "b"})).is_ok());
    }
}

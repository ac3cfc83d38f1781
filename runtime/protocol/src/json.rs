//! JSON text, written faster than `serde_json` does, byte for byte the same.
//!
//! A coded chart is a thousand short names and values, and a fifth of the time that it takes to
//! code went into looking at each of their characters. Here names of fields and variants, which
//! stand in our own code, are written as they are, and of values eight characters are looked at
//! at once; what has to be escaped, and every number, is left to `serde_json`.

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
    let mut text = Vec::with_capacity(USUAL);
    value.serialize(Writer(&mut text))?;
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

/// Writes one value.
struct Writer<'t>(&'t mut Vec<u8>);

impl Writer<'_> {
    /// Leaves a value to `serde_json`.
    fn slowly<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        serde_json::to_writer(self.0, value)
    }

    /// Writes a text that stands in JSON as it is.
    fn plain(&mut self, text: &str) {
        self.0.reserve(text.len() + 3);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    /// Writes the name of a field or variant.
    fn name(&mut self, name: &'static str) {
        debug_assert!(is_plain(name.as_bytes()), "`{name}` is no plain name");
        self.plain(name);
    }

    /// Writes what stands before the value of a variant that has one.
    fn variant(&mut self, name: &'static str) {
        self.0.push(b'{');
        self.name(name);
        self.0.push(b':');
    }
}

/// Whether a text stands in JSON as it is.
fn is_plain(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    if !words.iter().all(|word| is_plain_word(*word)) {
        return false;
    }
    match text.last_chunk() {
        // The last eight bytes, some of them a second time.
        Some(last) => rest.is_empty() || is_plain_word(*last),
        None => rest
            .iter()
            .all(|byte| *byte >= b' ' && *byte != b'"' && *byte != b'\\'),
    }
}

/// Whether eight bytes are plain; where they are not, a byte behind may seem so wrongly, and
/// that changes nothing.
fn is_plain_word(word: [u8; 8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(word);
    let below = |word: u64, least: u64| word.wrapping_sub(least * EACH) & !word & HIGH;
    let is = |byte: u8| below(word ^ (u64::from(byte) * EACH), 1);
    below(word, 0x20) | is(b'"') | is(b'\\') == 0
}

macro_rules! left_to_serde_json {
    ($($method:ident($type:ty)),*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.slowly(&value)
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

    left_to_serde_json!(
        serialize_bool(bool),
        serialize_char(char),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
        serialize_f32(f32),
        serialize_f64(f64)
    );

    fn serialize_str(mut self, text: &str) -> Result<(), Error> {
        if !is_plain(text.as_bytes()) {
            return self.slowly(text);
        }
        self.plain(text);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        self.slowly(bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.name(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant);
        value.serialize(Writer(self.0))?;
        self.0.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, b'[', "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, b'[', "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, b'[', "]"))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Several<'t>, Error> {
        self.variant(variant);
        Ok(Several::open(self.0, b'[', "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, b'{', "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Several<'t>, Error> {
        Ok(Several::open(self.0, b'{', "}"))
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Several<'t>, Error> {
        self.variant(variant);
        Ok(Several::open(self.0, b'{', "}}"))
    }
}

/// Writes the elements of a list, or the fields of an object.
struct Several<'t> {
    text: &'t mut Vec<u8>,
    is_first: bool,
    end: &'static str,
}

impl<'t> Several<'t> {
    fn open(text: &'t mut Vec<u8>, start: u8, end: &'static str) -> Self {
        text.push(start);
        Self {
            text,
            is_first: true,
            end,
        }
    }

    fn comma(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.text.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.comma();
        value.serialize(Writer(self.text))
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.text.push(b':');
        value.serialize(Writer(self.text))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.comma();
        Writer(self.text).name(name);
        self.value(value)
    }

    fn close(self) {
        self.text.extend_from_slice(self.end.as_bytes());
    }
}

macro_rules! lists {
    ($($kind:ident::$method:ident),*) => {
        $(impl $kind for Several<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

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

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(name, value)
            }

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
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let written = serde_json::to_string(&Alone(key))?;
        self.comma();
        let name = &written.as_bytes()[1..written.len() - ":null}".len()];
        self.text.extend_from_slice(name);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

/// An object with one name and nothing in it.
struct Alone<'k, K: ?Sized>(&'k K);

impl<K: Serialize + ?Sized> Serialize for Alone<'_, K> {
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

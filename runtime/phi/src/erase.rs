//! What can be overwritten with noughts.

use std::{borrow::Cow, mem};

use serde_json::Value;
use zeroize::Zeroize;

/// Data whose memory can be overwritten with noughts, in a way the compiler keeps.
///
/// What was moved or copied before is not reached: programs that read charts have an allocator
/// that overwrites whatever is freed.
pub trait Erase {
    /// Overwrites it.
    fn erase(&mut self);

    /// Overwrites several at once.
    fn erase_all(several: &mut [Self])
    where
        Self: Sized,
    {
        several.iter_mut().for_each(Self::erase);
    }
}

macro_rules! erased_by_zeroize {
    ($($name:ty),*) => {
        $(impl Erase for $name {
            fn erase(&mut self) {
                self.zeroize();
            }

            /// A chart's bytes take long to be overwritten one after the other.
            fn erase_all(several: &mut [Self]) {
                several.zeroize();
            }
        })*
    };
}

erased_by_zeroize!(u8, bool, u32, u64, usize, f64);

impl Erase for String {
    fn erase(&mut self) {
        self.zeroize();
    }
}

/// What is borrowed is erased with its owner.
impl Erase for Cow<'_, str> {
    fn erase(&mut self) {
        if let Cow::Owned(text) = self {
            text.zeroize();
        }
    }
}

impl<T: Erase> Erase for Option<T> {
    fn erase(&mut self) {
        if let Some(data) = self {
            data.erase();
        }
    }
}

impl<T: Erase> Erase for Vec<T> {
    fn erase(&mut self) {
        T::erase_all(self);
    }
}

impl Erase for Value {
    fn erase(&mut self) {
        match self {
            Self::String(text) => text.zeroize(),
            Self::Array(values) => values.iter_mut().for_each(Erase::erase),
            Self::Object(fields) => {
                for (mut name, mut value) in mem::take(fields) {
                    name.zeroize();
                    value.erase();
                }
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => *self = Self::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_word_is_left_in_any_kind_of_data() {
        let mut value = json!({"code": "I10", "evidence": ["gout", 7, {"text": "asthma"}]});
        value.erase();
        assert_eq!(value, json!({}));
        let mut list = json!(["gout", 7, true]);
        list.erase();
        assert_eq!(list, json!(["", null, null]));
        let mut owned: Cow<'_, str> = Cow::Owned("gout".to_owned());
        owned.erase();
        assert_eq!(owned, "");
        let mut many = vec![Some("gout".to_owned()), None];
        many.erase();
        assert_eq!(many, [Some(String::new()), None]);
        let mut chart = b"Assessment: gout.".to_vec();
        chart.erase();
        assert_eq!(chart, [0; 17]);
    }
}

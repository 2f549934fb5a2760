//! Reads types out of values that the browser has parsed.
//!
//! It knows what the types of a contract are made of: objects, lists, strings, whole numbers, truth values, and enums without content. A
//! field is found by its name in the object, so fields that a type does not know are never looked at.

use js_sys::{Array, JSON, Reflect};
use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use std::fmt::{self, Display};
use wasm_bindgen::{JsCast, JsValue};

/// Values may stand so deep in one another: as deep as `serde_json` goes.
const DEPTH_MAX: u32 = 128;

/// The largest whole number that a browser's number holds exactly, with all below it.
const INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

pub(super) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let value = parse(text).ok_or("not JSON")?;
    T::deserialize(Parsed { value, depth: 0 }).map_err(|Fault(what)| what)
}

fn parse(text: &[u8]) -> Option<JsValue> {
    JSON::parse(std::str::from_utf8(text).ok()?).ok()
}

/// What is wrong with a value.
#[derive(Debug)]
struct Fault(String);

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: Display>(what: T) -> Self {
        Self(what.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self(format!("expected {wanted}"))
    }

    fn invalid_value(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self(format!("expected {wanted}"))
    }
}

/// A value, and how many stand around it.
struct Parsed {
    value: JsValue,
    depth: u32,
}

impl Parsed {
    fn integer(&self) -> Result<i64, Fault> {
        (self.value.as_f64())
            .filter(|number| number.trunc() == *number && number.abs() <= INTEGER_MAX)
            .map(|number| number as i64)
            .ok_or_else(|| wanted("a whole number"))
    }

    fn string(&self) -> Result<String, Fault> {
        self.value.as_string().ok_or_else(|| wanted("a string"))
    }

    fn items(self) -> Result<Items, Fault> {
        let depth = self.within()?;
        let array = self.value.dyn_into().map_err(|_| wanted("a list"))?;
        Ok(Items {
            array,
            next: 0,
            depth,
        })
    }

    fn fields(self, names: &'static [&'static str]) -> Result<Fields, Fault> {
        let depth = self.within()?;
        if !self.value.is_object() || Array::is_array(&self.value) {
            return Err(wanted("an object"));
        }
        Ok(Fields {
            object: self.value,
            names,
            next: 0,
            value: JsValue::UNDEFINED,
            depth,
        })
    }

    /// The depth of what stands in it.
    fn within(&self) -> Result<u32, Fault> {
        match self.depth {
            DEPTH_MAX => Err(wanted("less depth")),
            depth => Ok(depth + 1),
        }
    }
}

fn wanted(what: &str) -> Fault {
    Fault(format!("expected {what}"))
}

/// Whether a number is in the range of its type is the type's to say.
macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.visit_i64(self.integer()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Parsed {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(wanted("a type of the contract"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = self.value.as_bool();
        visitor.visit_bool(value.ok_or_else(|| wanted("true or false"))?)
    }

    integers! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_i64 }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_string(self.string()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_string(self.string()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.is_null() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.items()?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.items()?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_map(self.fields(names)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let name = self.string()?;
        let place = (0..).zip(names).find(|(_, known)| **known == name);
        // A place behind the last stands for a name that is not known: some enums have a variant for those.
        let place = place.map_or(u32::MAX, |(place, _)| place);
        let unknown = |_| Fault(format!("unknown variant `{name}`"));
        visitor
            .visit_enum(U32Deserializer::<Fault>::new(place))
            .map_err(unknown)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple_struct map identifier ignored_any
    }
}

/// The items of a list.
struct Items {
    array: Array,
    next: u32,
    depth: u32,
}

impl Items {
    fn advance(&mut self) -> Option<Parsed> {
        let next = self.next;
        self.next += 1;
        (next < self.array.length()).then(|| Parsed {
            value: self.array.get(next),
            depth: self.depth,
        })
    }
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        self.advance()
            .map(|item| seed.deserialize(item))
            .transpose()
    }
}

/// The fields of an object that its type knows.
struct Fields {
    object: JsValue,
    names: &'static [&'static str],
    /// The place of the next name.
    next: u32,
    /// The value of the field before.
    value: JsValue,
    depth: u32,
}

impl Fields {
    /// The place of the next name that the object has.
    fn advance(&mut self) -> Option<u32> {
        loop {
            let place = self.next;
            let name = self.names.get(place as usize)?;
            self.next += 1;
            // Only a proxy's field could fail to be read.
            let value = Reflect::get(&self.object, &JsValue::from_str(name)).ok()?;
            if !value.is_undefined() {
                self.value = value;
                return Some(place);
            }
        }
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        // A type knows its fields by their places, too.
        self.advance()
            .map(|place| seed.deserialize(U32Deserializer::<Fault>::new(place)))
            .transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(Parsed {
            value: std::mem::take(&mut self.value),
            depth: self.depth,
        })
    }
}

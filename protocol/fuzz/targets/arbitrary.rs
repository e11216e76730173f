//! Values of any message type, made through its own `Deserialize`: every variant and field, whatever the type is.

use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use tributary_protocol::entropy::Entropy;
use tributary_protocol::secagg::toy::Seeded;

/// Draws for one value.
const DRAWS_MAX: u64 = 16;

/// A value of `T` from a seed; with `variant`, that variant of the outermost enum (modulo their number).
pub(crate) fn value<T: DeserializeOwned>(seed: u64, variant: Option<u32>) -> T {
    // Parsed types are given parts that fit; where one refuses a draw all the same, the next is taken.
    let drawn = (0..DRAWS_MAX).find_map(|draw| {
        let seeded = Seeded::new(seed ^ (draw << 48));
        let mut source = Source { seeded, variant, fixed: None, exact: None, client: 0, group: 0, person: 0, depth: 0 };
        T::deserialize(&mut source).ok()
    });
    drawn.expect("some draw is a value")
}

/// How many variants an enum has; 1 for anything else.
pub(crate) fn variants<T: DeserializeOwned>() -> u32 {
    struct Count(u32);
    impl<'de> Deserializer<'de> for &mut Count {
        type Error = Fault;
        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
            Err(Fault)
        }
        fn deserialize_enum<V: Visitor<'de>>(self, _: &str, variants: &[&str], _: V) -> Result<V::Value, Fault> {
            self.0 = u32::try_from(variants.len()).map_err(|_| Fault)?;
            Err(Fault)
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
            seq tuple tuple_struct map struct identifier ignored_any
        }
    }
    let mut count = Count(1);
    let _ = T::deserialize(&mut count);
    count.0
}

/// Cannot happen, but must be a type.
#[derive(Debug)]
pub(crate) struct Fault;

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no value")
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

struct Source {
    seeded: Seeded,
    variant: Option<u32>,
    /// What every integer is while a field of a parsed type has one value only.
    fixed: Option<u8>,
    /// How long the next sequence is, where only one length fits.
    exact: Option<usize>,
    /// The last person of a roster: strictly ascending by staff number.
    person: u32,
    /// The next client of a roster: strictly ascending.
    client: u32,
    /// The last group of a roster: strictly ascending by name.
    group: u32,
    depth: usize,
}

impl Source {
    fn word(&mut self) -> u64 {
        if let Some(fixed) = self.fixed {
            return fixed.into();
        }
        let mut bytes = [0; 9];
        self.seeded.fill(&mut bytes);
        let word = u64::from_le_bytes(bytes[1..].try_into().expect("eight bytes"));
        // Small numbers, all sizes, and the edges.
        match bytes[0] % 8 {
            0 => word % 4,
            1 => u64::MAX,
            shift => word >> (shift * 8),
        }
    }

    fn length(&mut self) -> usize {
        // Deep sequences stay short, so that messages do.
        let most = if self.depth <= 3 { 5 } else { 3 };
        let mut byte = [0];
        self.seeded.fill(&mut byte);
        usize::from(byte[0]) % most
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let word = self.word().to_le_bytes();
            let low = word.first_chunk().ok_or(Fault)?;
            visitor.$visit(<$type>::from_le_bytes(*low))
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Source {
    type Error = Fault;

    integers!(
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64
    );

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault)
    }
    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u128(u128::from(self.word()) << 64 | u128::from(self.word()))
    }
    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_i128(i128::from(self.word()) << 32)
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bool(self.word() % 2 == 1)
    }
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_char('é')
    }
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        // Every fourth text is a staff number: nothing else fits where a person stands outside a roster.
        if self.word() % 4 == 3 {
            return visitor.visit_string(format!("bank/e{:04}", self.word() % 10));
        }
        visitor.visit_string("né ".repeat(self.length()))
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_byte_buf(vec![7; self.length()])
    }
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.word() % 2 == 1 { visitor.visit_some(self) } else { visitor.visit_none() }
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let left = self.exact.take().unwrap_or_else(|| self.length());
        self.depth += 1;
        let value = visitor.visit_seq(Parts { source: &mut *self, left, fields: None });
        self.depth -= 1;
        value
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Parts { source: self, left, fields: None })
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &str, left: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_tuple(left, visitor)
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let left = self.length();
        self.depth += 1;
        let value = visitor.visit_map(Parts { source: &mut *self, left, fields: None });
        self.depth -= 1;
        value
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_seq(Parts { source: self, left: fields.len(), fields: Some((name, fields)) })
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let count = u32::try_from(variants.len()).map_err(|_| Fault)?;
        let drawn = u32::try_from(self.word() % u64::from(count)).map_err(|_| Fault)?;
        let variant = self.variant.take().map_or(drawn, |variant| variant % count);
        visitor.visit_enum(Variant { source: self, variant })
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault)
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault)
    }
    fn deserialize_f32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault)
    }
    fn deserialize_f64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault)
    }
    fn is_human_readable(&self) -> bool {
        false
    }
}

struct Parts<'a> {
    source: &'a mut Source,
    left: usize,
    /// Name and fields of a struct: a roster is parsed, so its parts must fit.
    fields: Option<(&'static str, &'static [&'static str])>,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        let field = self.fields.and_then(|(name, fields)| Some((name, *fields.get(fields.len() - self.left)?)));
        self.left -= 1;
        match field {
            Some(("RosterParts", "epoch")) => {
                // A message may hold two rosters.
                (self.source.client, self.source.group, self.source.person) = (0, 0, 0);
                self.source.fixed = Some(1);
            }
            Some(("RosterParts", "previous")) => self.source.fixed = Some(0),
            Some(("RosterEntry", "client")) => {
                self.source.client += 1;
                return seed.deserialize(Newtype(self.source.client)).map(Some);
            }
            // Each member is an organisation of its own.
            Some(("RosterEntry", "name")) => {
                let name = format!("bank-{0}/branch-{0}", self.source.client);
                return seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(name)).map(Some);
            }
            Some(("RosterEntry", "organisation")) => {
                return seed.deserialize(Newtype(self.source.client)).map(Some);
            }
            // Of no entries there are no groups.
            Some(("RosterParts", "groups")) if self.source.client == 0 => {
                return seed.deserialize(Clients(1..=self.source.client)).map(Some);
            }
            Some(("Person", "staff")) => {
                self.source.person += 1;
                let staff = format!("bank/e{:04}", self.source.person);
                return seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(staff)).map(Some);
            }
            Some(("Attestation", "staff")) => {
                let staff = format!("bank/e{:04}", self.source.word() % 10);
                return seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(staff)).map(Some);
            }
            // One role in person, of everything, for a second.
            Some(("Person", "holdings")) => self.source.exact = Some(1),
            Some(("Holding", "deputy_of")) => {
                return seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(())).map(Some);
            }
            Some(("Holding", "role")) => {
                let roles = [0, 1, 2, 3, 6, 7];
                let drawn = usize::try_from(self.source.word() % 6).map_err(|_| Fault)?;
                self.source.variant = roles.get(drawn).copied();
            }
            Some(("Holding", "scope")) => self.source.variant = Some(0),
            Some(("Holding", "from" | "until")) => self.source.fixed = Some(1),
            Some(("RosterGroup", "name")) => {
                self.source.group += 1;
                let name = format!("group-{:04}", self.source.group);
                return seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(name)).map(Some);
            }
            Some(("RosterGroup", "members")) => {
                let drawn = self.source.word() % u64::from(self.source.client);
                let first = u32::try_from(drawn).map_err(|_| Fault)? + 1;
                return seed.deserialize(Clients(first..=self.source.client)).map(Some);
            }
            _ => {}
        }
        let value = seed.deserialize(&mut *self.source).map(Some);
        if matches!(field, Some(("RosterParts", "epoch" | "previous") | ("Holding", "from" | "until"))) {
            self.source.fixed = None;
        }
        value
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(&mut *self.source)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// One number as a newtype.
struct Newtype(u32);

impl<'de> Deserializer<'de> for Newtype {
    type Error = Fault;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(IntoDeserializer::<Fault>::into_deserializer(self.0))
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// A list of clients, ascending.
struct Clients(std::ops::RangeInclusive<u32>);

impl<'de> Deserializer<'de> for Clients {
    type Error = Fault;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(self)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for Clients {
    type Error = Fault;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.0.next().map(|client| seed.deserialize(Newtype(client))).transpose()
    }
}

struct Variant<'a> {
    source: &'a mut Source,
    variant: u32,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        let index = IntoDeserializer::<Fault>::into_deserializer(self.variant);
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.source)
    }
    fn tuple_variant<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Parts { source: self.source, left, fields: None })
    }
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Parts { source: self.source, left: fields.len(), fields: None })
    }
}

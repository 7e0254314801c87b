//! An item as the struct that it was written from.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::{DeserializeOwned, IntoDeserializer, value::MapDeserializer};
use serde_dynamo::{Deserializer, Error, Result};

use super::Item;

struct Attribute(AttributeValue);

/// Reads an item. The library's own function first makes a map of its own of it, which costs more than the reading.
pub(super) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T> {
    T::deserialize(MapDeserializer::new(item.into_iter().map(|(name, value)| (name, Attribute(value)))))
}

impl IntoDeserializer<'_, Error> for Attribute {
    type Deserializer = Deserializer;

    fn into_deserializer(self) -> Deserializer {
        Deserializer::from_attribute_value(self.0.into())
    }
}

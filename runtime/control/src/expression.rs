//! Attributes and writes of `DynamoDB`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, TransactWriteItem,
    builders::{PutBuilder, UpdateBuilder},
};

/// An item with its attributes.
pub type Item = HashMap<String, AttributeValue>;

/// Returns an attribute of type S.
pub fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// Returns an attribute of type N.
pub fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Returns `put` as part of a transaction.
pub fn putting(put: PutBuilder) -> TransactWriteItem {
    let put = put
        .build()
        .expect("`Table::put` sets the table, and its caller the item");
    TransactWriteItem::builder().put(put).build()
}

/// Returns `update` as part of a transaction.
pub fn updating(update: UpdateBuilder) -> TransactWriteItem {
    let update = update
        .build()
        .expect("`Table::update` sets table and key, and its caller the expression");
    TransactWriteItem::builder().update(update).build()
}

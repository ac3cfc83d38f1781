//! Tables of typed items.

use std::{collections::BTreeSet, fmt, marker::PhantomData};

use lightsout_contract::{Capability, ReadItems, WriteItems};
use lightsout_core::{Arn, Construct, Name, ResourceId, Scope, Value, join};

use crate::{Removal, Wired, cfn::dynamodb, iam::Statement, kms::KeyRef};

/// A table of items that hold a `T`, with text as its keys.
///
/// Without an option it is paid by request, encrypted with its own key, can be
/// restored to any second of the last 35 days, is protected against deletion and
/// kept when its stack goes.
///
/// ```
/// use lightsout::{App, Stage, cfn, dynamodb::Table, kms::Key};
///
/// struct Result;
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Storage");
/// let key = stack.add("Key", Key::new("Results"));
/// let results = stack.add(
///     "Results",
///     Table::<Result>::new(&key, "chart").sort("version").index("ByRun", "run", "chart"),
/// );
/// let reader = results.reader();
///
/// let assembly = app.synth()?;
/// let template = assembly.template("Storage");
/// template.has(cfn::dynamodb::Table::matching().deletion_protection_enabled(true));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug)]
pub struct Table<T> {
    key: KeyRef,
    partition: String,
    sort: Option<String>,
    indexes: Vec<Index>,
    expiry: Option<String>,
    items: PhantomData<fn() -> T>,
}

#[derive(Debug)]
struct Index {
    name: String,
    partition: String,
    sort: String,
}

/// A table that was added to a stack.
pub struct TableRef<T> {
    id: ResourceId,
    key: KeyRef,
    has_indexes: bool,
    items: PhantomData<fn() -> T>,
}

impl<T> Table<T> {
    /// A table encrypted with `key`, whose items are found by `partition`.
    pub fn new(key: &KeyRef, partition: impl Into<String>) -> Self {
        Self {
            key: *key,
            partition: partition.into(),
            sort: None,
            indexes: Vec::new(),
            expiry: None,
            items: PhantomData,
        }
    }

    /// Orders the items of one partition by this attribute.
    pub fn sort(mut self, attribute: impl Into<String>) -> Self {
        self.sort = Some(attribute.into());
        self
    }

    /// Finds items by other attributes too; the index holds whole items.
    pub fn index(
        mut self,
        name: impl Into<String>,
        partition: impl Into<String>,
        sort: impl Into<String>,
    ) -> Self {
        self.indexes.push(Index {
            name: name.into(),
            partition: partition.into(),
            sort: sort.into(),
        });
        self
    }

    /// Removes items some time after the Unix time in this attribute.
    pub fn ttl(mut self, attribute: impl Into<String>) -> Self {
        self.expiry = Some(attribute.into());
        self
    }
}

impl<T> Construct for Table<T> {
    type Handle = TableRef<T>;

    fn build(self, scope: &mut Scope<'_>) -> TableRef<T> {
        let keys: BTreeSet<&str> = [Some(self.partition.as_str()), self.sort.as_deref()]
            .into_iter()
            .flatten()
            .chain(
                self.indexes
                    .iter()
                    .flat_map(|index| [index.partition.as_str(), index.sort.as_str()]),
            )
            .collect();
        let definitions: Vec<_> = keys
            .into_iter()
            .map(|name| dynamodb::TableAttributeDefinition::new(name, "S"))
            .collect();
        let mut table = dynamodb::Table::new(key_schema(&self.partition, self.sort.as_deref()))
            .attribute_definitions(definitions)
            .billing_mode("PAY_PER_REQUEST")
            .sse_specification(
                dynamodb::TableSseSpecification::new(true)
                    .sse_type("KMS")
                    .kms_master_key_id(self.key.arn()),
            )
            .point_in_time_recovery_specification(
                dynamodb::TablePointInTimeRecoverySpecification::new()
                    .point_in_time_recovery_enabled(true)
                    .recovery_period_in_days(35),
            )
            .deletion_protection_enabled(self.key.removal() == Removal::Keep);
        let has_indexes = !self.indexes.is_empty();
        if has_indexes {
            let indexes = self.indexes.iter().map(|index| {
                dynamodb::TableGlobalSecondaryIndex::new(
                    index.name.as_str(),
                    key_schema(&index.partition, Some(&index.sort)),
                    dynamodb::TableProjection::new().projection_type("ALL"),
                )
            });
            table = table.global_secondary_indexes(indexes.collect::<Vec<_>>());
        }
        if let Some(attribute) = self.expiry {
            table = table.time_to_live_specification(
                dynamodb::TableTimeToLiveSpecification::new(true).attribute_name(attribute),
            );
        }
        let table = table.build(scope);
        self.key.removal().apply(scope, table.id());
        TableRef {
            id: table.id(),
            key: self.key,
            has_indexes,
            items: PhantomData,
        }
    }
}

impl<T> TableRef<T> {
    /// Lets a program read items: the table's name, with the permission.
    ///
    /// `DynamoDB`
    /// [uses the key for whoever uses the table](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
    pub fn reader(&self) -> Wired<ReadItems<T>> {
        self.wired(["kms:Decrypt", "kms:DescribeKey"])
    }

    /// Lets a program read and write items: the table's name, with the permission.
    pub fn writer(&self) -> Wired<WriteItems<T>> {
        self.wired([
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ])
    }

    /// Returns the table's name.
    pub const fn name(&self) -> Value<Name<Table<T>>> {
        self.id.reference()
    }

    /// Returns the table's ARN.
    pub const fn arn(&self) -> Value<Arn<Table<T>>> {
        self.id.attribute("Arn")
    }

    fn wired<C: Capability, const N: usize>(&self, key_use: [&'static str; N]) -> Wired<C> {
        let mut statement = Statement::allow(C::ACTIONS).on(self.arn());
        if self.has_indexes {
            statement = statement.on(join![self.arn(), "/index/*"]);
        }
        Wired::allowed(self.name(), statement).and(self.key.used_by("dynamodb", key_use))
    }
}

impl<T> Clone for TableRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TableRef<T> {}

impl<T> fmt::Debug for TableRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TableRef").field(&self.id).finish()
    }
}

fn key_schema(partition: &str, sort: Option<&str>) -> Vec<dynamodb::TableKeySchema> {
    let partition = dynamodb::TableKeySchema::new(partition, "HASH");
    let sort = sort.map(|sort| dynamodb::TableKeySchema::new(sort, "RANGE"));
    [Some(partition), sort].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{key, synth},
        kms::Key,
    };

    #[test]
    fn a_table_without_options_is_encrypted_recoverable_and_protected() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Table", Table::<()>::new(&key, "id"));
        });
        let template = assembly.template("Test");
        template.has(
            dynamodb::Table::matching()
                .billing_mode("PAY_PER_REQUEST")
                .deletion_protection_enabled(true)
                .key_schema([dynamodb::TableKeySchema::new("id", "HASH")])
                .sse_specification(dynamodb::TableSseSpecification::new(true).sse_type("KMS"))
                .point_in_time_recovery_specification(
                    dynamodb::TablePointInTimeRecoverySpecification::new()
                        .point_in_time_recovery_enabled(true)
                        .recovery_period_in_days(35),
                ),
        );
        assert_eq!(
            template.json()["Resources"]["Table"]["DeletionPolicy"],
            "Retain"
        );
    }

    #[test]
    fn a_table_of_a_passing_key_can_be_deleted() {
        let assembly = synth(|scope| {
            let key = scope.add("Key", Key::new("Test").removal(Removal::Destroy));
            scope.add("Table", Table::<()>::new(&key, "id"));
        });
        let template = assembly.template("Test");
        template.has(dynamodb::Table::matching().deletion_protection_enabled(false));
        assert_eq!(
            template.json()["Resources"]["Table"]["DeletionPolicy"],
            "Delete"
        );
    }

    #[test]
    fn each_key_attribute_is_defined_once() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let table = Table::<()>::new(&key, "note").sort("version");
            scope.add("Table", table.index("ByRun", "run", "note").ttl("expires"));
        });
        let definitions = &assembly.template("Test").json()["Resources"]["Table"]["Properties"]["AttributeDefinitions"];
        let names: Vec<&str> = definitions
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|definition| definition["AttributeName"].as_str())
            .collect();
        assert_eq!(names, ["note", "run", "version"]);
    }

    #[test]
    fn indexes_are_read_only_where_there_are_any() {
        synth(|scope| {
            let key = key(scope);
            let plain = scope.add("Plain", Table::<()>::new(&key, "id"));
            let indexed = scope.add(
                "Indexed",
                Table::<()>::new(&key, "id").index("By", "a", "b"),
            );
            let of =
                |table: TableRef<()>| Statement::allow(ReadItems::<()>::ACTIONS).on(table.arn());
            assert_eq!(plain.reader().statements()[0], of(plain));
            assert_eq!(
                indexed.reader().statements()[0],
                of(indexed).on(join![indexed.arn(), "/index/*"])
            );
        });
    }
}

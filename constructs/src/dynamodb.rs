//! Tables of typed items.

use std::{collections::BTreeSet, fmt, marker::PhantomData};

use lightsout_contract::{AppendItems, Capability, ReadItems, UpdateItems, WriteItems};
use lightsout_core::{Arn, Construct, Name, ResourceId, Scope, Value, join};

use crate::{
    Removal, Wired,
    cfn::dynamodb,
    cloudwatch::{Metric, Statistic},
    iam::Statement,
    kms::KeyRef,
    limits,
};

/// A table of items that hold a `T`, with text as its keys.
///
/// Without an option it is paid by request, encrypted with its own key, can be
/// restored to any second of the last 35 days, is protected against deletion and
/// kept when its stack goes. Contributor Insights stay off: they show keys.
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
#[must_use = "a table is made once it is added to a stack"]
pub struct Table<T> {
    key: KeyRef,
    partition: String,
    sort: Option<String>,
    indexes: Vec<Index>,
    expiry: Option<String>,
    billing: Billing,
    stream: Option<StreamView>,
    items: PhantomData<fn() -> T>,
}

/// A [`Table`] that tells of each change to its items.
///
/// ```
/// use lightsout::{App, Stage, cfn, dynamodb::{StreamView, Table}, kms::Key};
///
/// struct Run;
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Storage");
/// let key = stack.add("Key", Key::new("Runs"));
/// let runs = stack.add("Runs", Table::<Run>::new(&key, "id").streamed(StreamView::New));
/// let writer = runs.table().writer();
///
/// let assembly = app.synth()?;
/// assembly.template("Storage").has(cfn::dynamodb::Table::matching().stream_specification(
///     cfn::dynamodb::TableStreamSpecification::new("NEW_IMAGE"),
/// ));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug)]
#[must_use = "a table is made once it is added to a stack"]
pub struct StreamedTable<T>(Table<T>);

/// What a table costs: by the request, or for what is kept ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Billing {
    /// By the request, with no limit but the account's.
    #[default]
    OnDemand,
    /// By the request, refusing more than so many units in a second.
    OnDemandUpTo {
        /// Read request units.
        reads: u32,
        /// Write request units.
        writes: u32,
    },
    /// For so many units in each second, used or not; indexes have as many.
    Provisioned {
        /// Read capacity units.
        reads: u32,
        /// Write capacity units.
        writes: u32,
    },
}

/// What a stream tells of an item that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamView {
    /// Its keys.
    Keys,
    /// The item as it is now.
    New,
    /// The item as it was.
    Old,
    /// Both.
    Both,
}

#[derive(Debug)]
struct Index {
    name: String,
    partition: String,
    sort: String,
    /// What it holds besides keys; everything where nothing is said.
    attributes: Option<Vec<String>>,
}

/// A table that was added to a stack.
pub struct TableRef<T> {
    id: ResourceId,
    key: KeyRef,
    has_indexes: bool,
    items: PhantomData<fn() -> T>,
}

/// A table with a stream that was added to a stack.
pub struct StreamedTableRef<T>(TableRef<T>);

/// What `DynamoDB` does with the key for whoever writes.
const KEY_USE_OF_WRITERS: [&str; 6] = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

impl<T> Table<T> {
    /// A table encrypted with `key`, whose items are found by `partition`.
    pub fn new(key: &KeyRef, partition: impl Into<String>) -> Self {
        Self {
            key: *key,
            partition: partition.into(),
            sort: None,
            indexes: Vec::new(),
            expiry: None,
            billing: Billing::default(),
            stream: None,
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
            attributes: None,
        });
        self
    }

    /// Finds items by other attributes too; the index holds keys and these attributes alone.
    ///
    /// A write costs an index as many units as what it holds has kilobytes, and no partition
    /// takes more than a thousand units a second: an index of large items is slow and dear.
    ///
    /// ```
    /// # use lightsout::{App, Stage, dynamodb::Table, kms::Key};
    /// # struct Result;
    /// # let mut app = App::new("clinic", Stage::new("dev"));
    /// # let mut stack = app.stack("Storage");
    /// # let key = stack.add("Key", Key::new("Results"));
    /// let results = Table::<Result>::new(&key, "chart").index_of("ByRun", "run", "chart", ["status"]);
    /// # stack.add("Results", results);
    /// # app.synth()?;
    /// # Ok::<(), lightsout::SynthError>(())
    /// ```
    pub fn index_of<A: Into<String>>(
        mut self,
        name: impl Into<String>,
        partition: impl Into<String>,
        sort: impl Into<String>,
        attributes: impl IntoIterator<Item = A>,
    ) -> Self {
        self.indexes.push(Index {
            name: name.into(),
            partition: partition.into(),
            sort: sort.into(),
            attributes: Some(attributes.into_iter().map(Into::into).collect()),
        });
        self
    }

    /// Removes items some time after the Unix time in this attribute.
    pub fn ttl(mut self, attribute: impl Into<String>) -> Self {
        self.expiry = Some(attribute.into());
        self
    }

    /// Pays otherwise; by the request unless said.
    pub fn billing(mut self, billing: Billing) -> Self {
        self.billing = billing;
        self
    }

    /// Tells of each change for 24 hours, encrypted as the table is.
    pub fn streamed(mut self, view: StreamView) -> StreamedTable<T> {
        self.stream = Some(view);
        StreamedTable(self)
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
        self.billing.check(scope);
        let definitions: Vec<_> = keys
            .into_iter()
            .map(|name| dynamodb::TableAttributeDefinition::new(name, "S"))
            .collect();
        let mut table = dynamodb::Table::new(key_schema(&self.partition, self.sort.as_deref()))
            .attribute_definitions(definitions)
            .billing_mode(self.billing.mode())
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
                let mut described = dynamodb::TableGlobalSecondaryIndex::new(
                    index.name.as_str(),
                    key_schema(&index.partition, Some(&index.sort)),
                    index.projection(),
                );
                if let Some(throughput) = self.billing.provisioned() {
                    described = described.provisioned_throughput(throughput);
                }
                if let Some(throughput) = self.billing.on_demand() {
                    described = described.on_demand_throughput(throughput);
                }
                described
            });
            table = table.global_secondary_indexes(indexes.collect::<Vec<_>>());
        }
        if let Some(attribute) = self.expiry {
            table = table.time_to_live_specification(
                dynamodb::TableTimeToLiveSpecification::new(true).attribute_name(attribute),
            );
        }
        if let Some(throughput) = self.billing.provisioned() {
            table = table.provisioned_throughput(throughput);
        }
        if let Some(throughput) = self.billing.on_demand() {
            table = table.on_demand_throughput(throughput);
        }
        if let Some(view) = self.stream {
            table =
                table.stream_specification(dynamodb::TableStreamSpecification::new(view.name()));
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

impl<T> Construct for StreamedTable<T> {
    type Handle = StreamedTableRef<T>;

    fn build(self, scope: &mut Scope<'_>) -> StreamedTableRef<T> {
        StreamedTableRef(self.0.build(scope))
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

    /// Lets a program add items and read them, but change and delete none: the table's name,
    /// with the permission.
    ///
    /// IAM cannot tell a put that adds from one that replaces: that is a condition of the
    /// program's writes.
    pub fn appender(&self) -> Wired<AppendItems<T>> {
        self.wired(KEY_USE_OF_WRITERS)
    }

    /// Lets a program read and write items: the table's name, with the permission.
    pub fn writer(&self) -> Wired<WriteItems<T>> {
        self.wired(KEY_USE_OF_WRITERS)
    }

    /// Lets a program set attributes of items, and read no other: the table's name, with the
    /// permission.
    pub fn updater(&self) -> Wired<UpdateItems<T>> {
        self.wired(KEY_USE_OF_WRITERS)
    }

    /// Lets a program read items one by one, and store them in parts that begin with
    /// `prefix`: the table's name, with the permission.
    pub(crate) fn writer_under(&self, prefix: &str) -> Wired<WriteItems<T>> {
        let key = self.key.used_by("dynamodb", KEY_USE_OF_WRITERS);
        let put = Statement::allow(["dynamodb:PutItem"]).on(self.arn()).when(
            "ForAllValues:StringLike",
            "dynamodb:LeadingKeys",
            format!("{prefix}*"),
        );
        Wired::allowed(
            self.name(),
            Statement::allow(["dynamodb:GetItem"]).on(self.arn()),
        )
        .and(put)
        .and(key)
    }

    /// Returns the table's name.
    pub const fn name(&self) -> Value<Name<Table<T>>> {
        self.id.reference()
    }

    /// Returns the table's ARN.
    pub const fn arn(&self) -> Value<Arn<Table<T>>> {
        self.id.attribute("Arn")
    }

    /// Returns the key that items are encrypted with.
    pub const fn key(&self) -> KeyRef {
        self.key
    }

    /// Returns how many reads of the table itself were refused for want of capacity.
    pub fn throttled_reads(&self) -> Metric {
        self.events("ReadThrottleEvents")
    }

    /// Returns how many writes to the table itself were refused for want of capacity.
    pub fn throttled_writes(&self) -> Metric {
        self.events("WriteThrottleEvents")
    }

    /// Returns how many writes were refused because one of its indexes lacked capacity.
    pub fn throttled_writes_of(&self, index: &str) -> Metric {
        self.throttled_writes()
            .dimension("GlobalSecondaryIndexName", index)
    }

    /// A metric [by table](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html):
    /// `ThrottledRequests` is one by operation, and is nothing without.
    fn events(&self, name: &str) -> Metric {
        Metric::new("AWS/DynamoDB", name)
            .dimension("TableName", self.name())
            .statistic(Statistic::Sum)
    }

    fn wired<C: Capability, const N: usize>(&self, key_use: [&'static str; N]) -> Wired<C> {
        let mut statement = Statement::allow(C::ACTIONS).on(self.arn());
        if self.has_indexes {
            statement = statement.on(join![self.arn(), "/index/*"]);
        }
        Wired::allowed(self.name(), statement).and(self.key.used_by("dynamodb", key_use))
    }
}

impl<T> StreamedTableRef<T> {
    /// Returns the table itself.
    pub const fn table(&self) -> TableRef<T> {
        self.0
    }

    /// Returns the ARN of the table's stream.
    pub const fn stream_arn(&self) -> Value<String> {
        self.0.id.attribute("StreamArn")
    }

    /// Allows a role to read the stream, with the key that it is encrypted with.
    pub(crate) fn read(&self) -> [Statement; 3] {
        // Streams are listed all or none: AWS knows no resource for it.
        let list = Statement::allow(["dynamodb:ListStreams"]).on_everything();
        let actions = [
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
        ];
        [
            Statement::allow(actions).on(self.stream_arn()),
            list,
            self.0
                .key
                .used_by("dynamodb", ["kms:Decrypt", "kms:DescribeKey"]),
        ]
    }
}

impl Index {
    fn projection(&self) -> dynamodb::TableProjection {
        let projection = dynamodb::TableProjection::new();
        match self.attributes.as_deref() {
            None => projection.projection_type("ALL"),
            Some([]) => projection.projection_type("KEYS_ONLY"),
            Some(some) => projection
                .projection_type("INCLUDE")
                .non_key_attributes(some.to_vec()),
        }
    }
}

impl Billing {
    const fn mode(self) -> &'static str {
        match self {
            Self::OnDemand | Self::OnDemandUpTo { .. } => "PAY_PER_REQUEST",
            Self::Provisioned { .. } => "PROVISIONED",
        }
    }

    fn provisioned(self) -> Option<dynamodb::TableProvisionedThroughput> {
        match self {
            Self::Provisioned { reads, writes } => {
                Some(dynamodb::TableProvisionedThroughput::new(reads, writes))
            }
            Self::OnDemand | Self::OnDemandUpTo { .. } => None,
        }
    }

    fn on_demand(self) -> Option<dynamodb::TableOnDemandThroughput> {
        match self {
            Self::OnDemandUpTo { reads, writes } => Some(
                dynamodb::TableOnDemandThroughput::new()
                    .max_read_request_units(reads)
                    .max_write_request_units(writes),
            ),
            Self::OnDemand | Self::Provisioned { .. } => None,
        }
    }

    fn check(self, scope: &mut Scope<'_>) {
        if let Self::OnDemandUpTo { reads, writes } | Self::Provisioned { reads, writes } = self {
            limits::within(scope, "ReadUnits", reads, &(1..=u32::MAX), " units");
            limits::within(scope, "WriteUnits", writes, &(1..=u32::MAX), " units");
        }
    }
}

impl StreamView {
    const fn name(self) -> &'static str {
        match self {
            Self::Keys => "KEYS_ONLY",
            Self::New => "NEW_IMAGE",
            Self::Old => "OLD_IMAGE",
            Self::Both => "NEW_AND_OLD_IMAGES",
        }
    }
}

impl<T> Clone for StreamedTableRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StreamedTableRef<T> {}

impl<T> fmt::Debug for StreamedTableRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamedTableRef").field(&self.0.id).finish()
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
        fixture::{key, problems, synth},
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
    fn an_index_holds_whole_items_or_what_is_named() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let table = Table::<()>::new(&key, "note")
                .index("Whole", "run", "note")
                .index_of("Keys", "run", "note", [] as [&str; 0])
                .index_of("Some", "run", "note", ["status", "kind"]);
            scope.add("Table", table);
        });
        let indexes = &assembly.template("Test").json()["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"];
        let projections: Vec<_> = indexes
            .as_array()
            .unwrap()
            .iter()
            .map(|index| &index["Projection"])
            .collect();
        let wanted = [
            serde_json::json!({"ProjectionType": "ALL"}),
            serde_json::json!({"ProjectionType": "KEYS_ONLY"}),
            serde_json::json!({
                "ProjectionType": "INCLUDE", "NonKeyAttributes": ["status", "kind"]
            }),
        ];
        assert_eq!(projections, wanted.iter().collect::<Vec<_>>());
    }

    #[test]
    fn indexes_are_read_only_where_there_are_any() {
        synth(|scope| {
            let key = key(scope);
            let plain = scope.add("Plain", Table::<()>::new(&key, "id"));
            let indexed = scope.add(
                "Indexed",
                Table::<()>::new(&key, "id").index("ByDay", "a", "b"),
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

    #[test]
    fn nobody_is_shown_the_keys_of_items() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let table = Table::<()>::new(&key, "id").index("ByDay", "a", "b");
            scope.add("Table", table);
        });
        let template = assembly.template("Test").json().to_string();
        assert!(!template.contains("ContributorInsights"));
    }

    #[test]
    fn what_is_paid_for_is_so_for_each_index_too() {
        let table = |billing: Billing| {
            let assembly = synth(|scope| {
                let key = key(scope);
                let table = Table::<()>::new(&key, "id").index("ByDay", "a", "b");
                scope.add("Table", table.billing(billing));
            });
            assembly.template("Test").json()["Resources"]["Table"]["Properties"].clone()
        };
        let (reads, writes) = (5, 2);
        let table_of = table(Billing::Provisioned { reads, writes });
        assert_eq!(table_of["BillingMode"], "PROVISIONED");
        for of in [&table_of, &table_of["GlobalSecondaryIndexes"][0]] {
            assert_eq!(of["ProvisionedThroughput"]["ReadCapacityUnits"], 5);
            assert_eq!(of["ProvisionedThroughput"]["WriteCapacityUnits"], 2);
        }
        let table_of = table(Billing::OnDemandUpTo { reads, writes });
        assert_eq!(table_of["BillingMode"], "PAY_PER_REQUEST");
        for of in [&table_of, &table_of["GlobalSecondaryIndexes"][0]] {
            assert_eq!(of["OnDemandThroughput"]["MaxReadRequestUnits"], 5);
        }
    }

    #[test]
    fn a_table_without_any_capacity_is_a_problem() {
        let problems = problems(|scope| {
            let key = key(scope);
            let (reads, writes) = (0, 0);
            let billing = Billing::Provisioned { reads, writes };
            scope.add("Table", Table::<()>::new(&key, "id").billing(billing));
        });
        assert_eq!(problems.len(), 2);
    }
}

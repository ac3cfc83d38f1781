//! What AWS asks for, in dollars, without free tiers and volume discounts.
//!
//! Prices are of one region on one date, and change: each says where it was read, and
//! those that were not read anywhere say so. Most are what others wrote, and a few stand
//! in undated copies of AWS's own pages.

/// The region of all prices.
pub const REGION: &str = "us-east-1";

/// A price, its unit, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// What is paid for.
    pub name: &'static str,
    /// What one of it is.
    pub unit: &'static str,
    /// Dollars for one.
    pub dollars: f64,
    /// The month to which the price belongs.
    pub as_of: &'static str,
    /// Where the price comes from.
    pub basis: Basis,
}

/// Where a price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Written on this page.
    Read(&'static str),
    /// Believed, and to be looked up before it is relied on.
    Assumed,
}

macro_rules! prices {
    ($($id:ident: $name:literal, $unit:literal, $dollars:literal, $as_of:literal, $basis:expr;)+) => {
        $(#[doc = concat!("Price of ", $name, ", ", $unit, ".")]
        pub const $id: Price = Price {
            name: $name, unit: $unit, dollars: $dollars, as_of: $as_of, basis: $basis,
        };)+

        /// Every price.
        pub const ALL: &[Price] = &[$($id),+];
    };
}

const INSTANCES: Basis =
    Basis::Read("a public program that says it read the price list of AWS on 2026-09-29");
const ENDPOINTS: Basis = Basis::Read(
    "https://www.factualminds.com/blog/amazon-vpc-pricing-endpoints-peering-transit-gateway/",
);
const PER_GB_OF_ENDPOINTS: Basis = Basis::Read("https://aws.amazon.com/privatelink/pricing/");
const QUEUES: Basis = Basis::Read("https://cloudburn.io/blog/amazon-sqs-pricing");
const OBJECTS: Basis = Basis::Read("https://cloudburn.io/blog/amazon-s3-pricing");
const REQUESTS: Basis = Basis::Read(
    "https://devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples",
);
const TABLES: Basis =
    Basis::Read("https://airbyte.com/data-engineering-resources/dynamodb-pricing");
const KEYS: Basis = Basis::Read("https://cloudburn.io/blog/aws-kms-pricing");
const WATCHED: Basis =
    Basis::Read("a public program that read the Pricing API of AWS on 2025-10-28");
const NOTES: Basis = Basis::Read("notes of several public projects, which agree");
const STORED: Basis = Basis::Read("https://aws.amazon.com/dynamodb/pricing/");

prices! {
    WORKER: "a worker in full (c7g.xlarge)", "hour", 0.145, "2026-09", INSTANCES;
    SPOT_WORKER: "a worker as spot (c7g.xlarge)", "hour", 0.065, "2026-11", Basis::Assumed;
    MASTER: "a master (t4g.small)", "hour", 0.0168, "2026-09", INSTANCES;
    DISK: "disks of machines (gp3)", "GB-month", 0.08, "2026-09", INSTANCES;
    MONITORING: "detailed monitoring of a machine", "hour", 0.002_877, "undated", NOTES;
    QUEUE_CALLS: "requests to SQS", "million", 0.4, "2026-03", QUEUES;
    PUTS: "writes to S3", "thousand", 0.005, "undated", REQUESTS;
    GETS: "reads from S3", "thousand", 0.0004, "undated", REQUESTS;
    OBJECT_STORAGE: "charts kept in S3", "GB-month", 0.023, "2026-03", OBJECTS;
    WRITE_UNITS: "write units of DynamoDB", "million", 0.625, "2025-07", TABLES;
    READ_UNITS: "read units of DynamoDB", "million", 0.125, "2025-07", TABLES;
    TABLE_STORAGE: "outcomes kept in the table and its index", "GB-month", 0.25, "undated", STORED;
    TABLE_BACKUP: "point-in-time recovery of the table", "GB-month", 0.2, "undated", NOTES;
    LAMBDA_CALLS: "invocations of Lambda", "million", 0.2, "undated", NOTES;
    LAMBDA_TIME: "time of Lambda (arm64)", "GB-second", 0.000_013_333_4, "undated", NOTES;
    KEY: "customer keys of KMS", "key-month", 1.0, "2026-03", KEYS;
    KEY_CALLS: "requests to KMS", "ten thousand", 0.03, "2026-03", KEYS;
    ALARM: "alarms of CloudWatch", "alarm-month", 0.1, "2025-10", WATCHED;
    METRIC: "metrics taken from logs", "metric-month", 0.3, "2025-10", WATCHED;
    ENDPOINT: "interface endpoints, in each zone", "hour", 0.01, "2026-06", ENDPOINTS;
    ENDPOINT_DATA: "data through interface endpoints", "GB", 0.01, "undated", PER_GB_OF_ENDPOINTS;
}

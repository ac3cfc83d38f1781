//! Which resources hold data that a new resource would not have.

use serde_json::Value as Json;

/// Types whose replacement or removal loses data or keys, or cuts off whoever
/// uses them from outside.
const TYPES: [&str; 24] = [
    "AWS::Backup::BackupVault",
    "AWS::CloudTrail::Trail",
    "AWS::Cognito::UserPool",
    "AWS::DocDB::DBCluster",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EC2::Volume",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::FSx::FileSystem",
    "AWS::KMS::Key",
    "AWS::KMS::ReplicaKey",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::Neptune::DBCluster",
    "AWS::OpenSearchService::Domain",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
];

/// Returns whether a resource holds data, by its type or because its template
/// keeps it when the stack goes.
pub(crate) fn is_stateful(type_name: &str, resource: Option<&Json>) -> bool {
    let is_kept = |policy: &str| {
        resource
            .and_then(|resource| resource[policy].as_str())
            .is_some_and(|policy| policy != "Delete")
    };
    TYPES.contains(&type_name) || is_kept("DeletionPolicy") || is_kept("UpdateReplacePolicy")
}

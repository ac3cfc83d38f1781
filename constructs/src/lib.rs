//! AWS constructs in Rust: secure defaults, typed through, reusable.
//!
//! One crate is enough: an [`App`] and its scopes, these constructs, every
//! `CloudFormation` resource type in [`cfn`], and in [`contract`] what infrastructure
//! and programs agree on.
//!
//! - A construct is secure without an option: encrypted with a key of the
//!   account, closed to the public, reached over TLS, kept when its stack goes.
//!   What is not safe has no name here; a raw resource of [`cfn`] is the way to it.
//! - Adding a construct consumes it and gives a reference back, which is `Copy` and
//!   works in every stack of the app. Nothing is configured after it was added.
//! - A reference gives capabilities: an address with its permission, and with the
//!   permission to use the key that the resource is encrypted with. A program's
//!   role allows what its environment holds, and nothing else.
//! - A value that AWS would refuse, such as a period out of range, is a problem of
//!   [`App::synth`], with the path, the value and the range; nothing panics.
//! - [`ec2::UserDataFits`] checks what types cannot, and every app what the schemas of
//!   AWS and the actions of IAM say: an action with a wildcard is allowed only by name,
//!   with [`App::allow_wildcard_action`].
//!
//! # Example: a queue, its failures, a function and the alarm that starts it
//!
//! ```
//! use lightsout::{
//!     App, Asset, Stage, cfn,
//!     contract::{Binary, MeasureQueue, Program, Setting, Side, WriteItems, binary, environment},
//!     dynamodb::Table,
//!     ec2::{Endpoint, Network, Zones},
//!     kms::Key,
//!     lambda::{Code, Function},
//!     s3::Bucket,
//!     setting,
//!     sqs::{DeadLetters, Queue},
//! };
//!
//! /// What waits in the queue.
//! pub struct Job;
//! /// What the table remembers.
//! pub struct Run;
//!
//! // The program reads the same declaration as typed endpoints.
//! environment! {
//!     /// What the launcher needs.
//!     pub struct LauncherEnvironment {
//!         /// The queue whose depth decides.
//!         work: MeasureQueue<Job> = "WORK_QUEUE",
//!         /// What was started.
//!         runs: WriteItems<Run> = "RUNS_TABLE",
//!         /// Seconds until a run is given up.
//!         deadline: Setting<u64> = "DEADLINE_SECONDS",
//!     }
//! }
//!
//! /// Decides whether to start a run.
//! pub struct Launcher;
//!
//! impl Program for Launcher {
//!     // No such binary in that package's manifest, and this does not compile.
//!     const BINARY: Binary = binary!("launcher" in "examples/programs");
//!     type Message = ();
//!     type Environment<S: Side> = LauncherEnvironment<S>;
//! }
//!
//! let mut app = App::new("clinic", Stage::new("dev"));
//!
//! let mut storage = app.stack("Storage");
//! let key = storage.add("Key", Key::new("Jobs and runs"));
//! let assets = storage.add("Assets", Bucket::<()>::new(&key));
//! let failed = storage.add("Failed", DeadLetters::<Job>::new(&key));
//! let work = storage.add("Work", Queue::new(&key).dead_letter(&failed, 3));
//! let runs = storage.add("Runs", Table::<Run>::new(&key, "id"));
//!
//! let mut compute = app.stack("Compute");
//! let network = compute.add(
//!     "Network",
//!     Network::new("10.20.0.0/16".parse()?, Zones::Two).endpoint(Endpoint::Sqs),
//! );
//! let asset = compute.asset(Asset::program("Launcher", Launcher::BINARY));
//! let environment = LauncherEnvironment {
//!     work: work.meter(),
//!     runs: runs.writer(),
//!     deadline: setting(3600),
//! };
//! let launcher = compute.add(
//!     "Launcher",
//!     Function::new(Launcher, environment, Code::new(asset, assets.name()), &network, &key),
//! );
//! compute.add("Backlog", work.depth().at_least(100).invokes(&launcher));
//! app.asset_store("Storage", assets.id());
//!
//! let assembly = app.synth()?;
//! let template = assembly.template("Compute");
//! template.has(cfn::lambda::Function::matching().runtime("provided.al2023"));
//! template.has(cfn::lambda::Permission::matching().principal("lambda.alarms.cloudwatch.amazonaws.com"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The examples `batch` and `audit` have every construct in use, over four stacks
//! each, and [`walkthrough`] goes through a project of another team line by line.
//!
//! # What a construct is without an option
//!
//! | construct | what it is made with |
//! |---|---|
//! | [`kms::Key`] | rotation each year, 30 days until it is deleted, kept; its policy leaves use and administration to IAM, apart, and lets in the services that a [wiring](kms#who-is-let-to-a-key) needs, each for this account |
//! | [`s3::Bucket`] | its key and no other, a bucket key, no caller's keys, versions, no public access, no ACLs, TLS 1.2; old versions go after 365 days and broken uploads after 7; kept |
//! | [`s3::AuditBucket`] | what a bucket has, access logs, a lock for 2,192 days in compliance mode, colder storage after 90 |
//! | [`s3::LogBucket`] | keys of S3, as S3 delivers logs to no other; logs of this account's buckets only, for 2,192 days |
//! | [`sqs::Queue`], [`sqs::FifoQueue`] | its key, TLS only, 14 days, long polls, no dead letters of others, no sender but by wiring |
//! | [`sqs::DeadLetters`], [`sqs::FifoDeadLetters`] | the same, and letters of the queues that say so only |
//! | [`sns::Topic`], [`sns::FifoTopic`] | its key, TLS only, no publisher but by wiring, no mail and no HTTP |
//! | [`sns::OpsTopic`] | the same with mail, and a tag that says that no chart is in it |
//! | [`dynamodb::Table`] | its key, payment by the request, restoring to any second of 35 days, protection against deletion, no Contributor Insights; kept |
//! | [`lambda::Function`] | a role of its own, a private network, its key for variables and logs, JSON logs, Graviton |
//! | [`logs::LogGroup`] | its key, 400 days, masked identifiers; kept |
//! | [`logs::LogGroup::audit`] | its key, 2,192 days, protection against deletion; kept |
//! | [`events::Rule`] | enabled; what it sends to lets in this rule alone, with its key |
//! | [`events::EventBus`] | its key for this bus alone; closed to other accounts |
//! | [`cloudwatch::Alarm`], [`cloudwatch::CompositeAlarm`] | at least one action, which can be delivered; no data is good news |
//! | [`cloudwatch::Contributors`] | a count by one field of a log, which an alarm can be about |
//! | [`cloudtrail::Trail`] | every region, signed files, the key of a locked bucket, an encrypted log group for 2,192 days, unusual rates |
//! | [`backup::Vault`] | its key, no deletion within 35 days; kept |
//! | [`backup::Plan`] | each day, for 35 days; a role that reads what is named |
//! | [`ec2::LaunchTemplate`] | metadata by session tokens in one hop, encrypted disks that go with the host, no public address, no key pair, an end when switched off |
//! | [`imagebuilder::MachineImage`] | encrypted disks, no agent left in it; made by an instance in a private network that ends with it |
//! | [`iam::Role`] | one service, one managed policy, nothing in line |

pub mod apigateway;
pub mod backup;
pub mod batch_fleet;
pub mod cloudtrail;
pub mod cloudwatch;
pub mod cognito;
pub mod dynamodb;
pub mod ec2;
pub mod events;
#[cfg(test)]
mod fixture;
pub mod iam;
pub mod imagebuilder;
mod json;
pub mod kms;
pub mod lambda;
mod limits;
pub mod logs;
mod names;
mod removal;
pub mod s3;
pub mod schedule;
pub mod scheduler;
pub mod secretsmanager;
pub mod sns;
pub mod sqs;
pub mod ssm;
#[cfg(doc)]
#[doc = include_str!("../README.md")]
pub mod walkthrough {}
pub mod wafv2;
mod wired;

/// Every `CloudFormation` resource type, without opinions.
pub use lightsout_cfn as cfn;
/// What infrastructure and programs agree on.
pub use lightsout_contract as contract;
pub use lightsout_core::*;

pub use removal::Removal;
pub use wired::{Infra, IntoSetting, Wired, setting};

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
//! - [`iam::NoWildcardActions`] and [`ec2::UserDataFits`] check what types cannot.
//!
//! # Example: a queue, its failures, a function and the alarm that starts it
//!
//! ```
//! use lightsout::{
//!     App, Asset, Stage, cfn,
//!     contract::{Binary, MeasureQueue, Program, Setting, Side, WriteItems, binary, environment},
//!     dynamodb::Table,
//!     ec2::{Endpoint, Network, Zones},
//!     iam::NoWildcardActions,
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
//! app.check(NoWildcardActions);
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
//! The example `batch` has every construct in use, over four stacks, and
//! [`walkthrough`] goes through a project of another team line by line.

pub mod apigateway;
pub mod backup;
mod bounds;
pub mod cloudtrail;
pub mod cloudwatch;
pub mod dynamodb;
pub mod ec2;
pub mod events;
#[cfg(test)]
mod fixture;
pub mod iam;
pub mod kms;
pub mod lambda;
pub mod logs;
mod names;
mod removal;
pub mod s3;
pub mod sns;
pub mod sqs;
#[cfg(doc)]
#[doc = include_str!("../README.md")]
pub mod walkthrough {}
mod wired;

/// Every `CloudFormation` resource type, without opinions.
pub use lightsout_cfn as cfn;
/// What infrastructure and programs agree on.
pub use lightsout_contract as contract;
pub use lightsout_core::*;

pub use removal::Removal;
pub use wired::{Infra, IntoSetting, Wired, setting};

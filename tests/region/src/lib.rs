//! A throw-away AWS region on one Linux machine.
//!
//! One endpoint answers for the region. EC2 is this crate's own: an instance
//! is a real host on this machine, with an address, an OpenSSH server, user
//! data that runs, instance metadata and a power switch. Everything else is
//! passed on to `MiniStack`, a local AWS in Python.
//!
//! Hosts live in private namespaces where the kernel allows it, and in plain
//! process groups where it does not: see [`Isolation`].
//!
//! ```no_run
//! use std::process::ExitCode;
//! use lightsout_region::{Entry, OpenSsh, Region, RegionConfig, enter};
//!
//! fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
//!     // Downloads come first: inside the namespaces there is no way out.
//!     let openssh = OpenSsh::find_or_fetch("cache".as_ref())?;
//!     let isolation = match enter()? {
//!         Entry::Inside(isolation) => isolation,
//!         Entry::Finished(code) => return Ok(code),
//!     };
//!     let runtime = tokio::runtime::Runtime::new()?;
//!     runtime.block_on(async {
//!         let config = RegionConfig::new("region", "venv/bin/ministack", openssh, isolation);
//!         let region = Region::start(config).await?;
//!         println!("{}", region.endpoint());
//!         region.shutdown().await?;
//!         Ok(ExitCode::SUCCESS)
//!     })
//! }
//! ```

#![cfg(target_os = "linux")]

mod ec2;
mod enter;
mod event;
mod fault;
mod fleet;
mod gateway;
mod host;
mod instance;
mod isolation;
mod keeper;
mod marks;
mod metadata;
mod ministack;
mod openssh;
mod program;
mod region;
mod world;

pub use enter::{Door, EnterError, Entry, Place, enter, place};
pub use event::Event;
pub use fault::Fault;
pub use instance::{InstanceId, InstanceState, InstanceSummary};
pub use isolation::{HostUser, Isolation};
pub use keeper::{Keeper, KeeperError};
pub use ministack::MiniStackError;
pub use openssh::{OpenSsh, OpenSshError};
pub use region::{Region, RegionConfig, ShutdownError, StartError};

//! What the infrastructure promises and the running code relies on.
//!
//! A [`Program`] declares its [binary](binary!) and its [environment](environment!)
//! once. The stacks fill it with deploy-time values and derive the IAM permissions
//! from it; the binary reads the same declaration as typed endpoints. A wrong
//! queue, a wrong permission, a forgotten variable or a binary that does not exist
//! does not compile.
//!
//! # Example: one declaration, read by the running program
//!
//! ```
//! use lightsout_contract::{environment, Live, ReadObjects, SendTo, Setting};
//!
//! pub struct Note;
//! pub struct Coded;
//!
//! environment! {
//!     /// What the coder needs from its surroundings.
//!     pub struct CoderEnvironment {
//!         /// Notes to code.
//!         notes: ReadObjects<Note> = "NOTES",
//!         /// Where finished codings go.
//!         coded: SendTo<Coded> = "CODED",
//!         /// How many notes are coded at once.
//!         batch: Setting<u32> = "BATCH",
//!     }
//! }
//!
//! let variable = |name: &str| match name {
//!     "NOTES" => Some("inbox".to_owned()),
//!     "BATCH" => Some("ten".to_owned()),
//!     _ => None,
//! };
//! let error = CoderEnvironment::<Live>::from_variables(variable).err().unwrap();
//! assert_eq!(
//!     error.to_string(),
//!     "the environment is incomplete: `CODED` is missing; `BATCH` holds `ten`, which is not a u32",
//! );
//! ```
//!
//! # Example: what a capability does not allow does not exist
//!
//! ```compile_fail
//! use lightsout_contract::{Endpoint, ReadObjects, SendTo};
//! fn wants_sender(_: &Endpoint<SendTo<u8>>) {}
//! fn has_reader(reader: &Endpoint<ReadObjects<u8>>) { wants_sender(reader); }
//! ```

mod binary;
mod capability;
mod environment;
pub mod fleet;

pub use binary::Binary;
pub use capability::{
    AppendItems, Capability, Endpoint, HandOutObjects, Invoke, LaunchFrom, MeasureQueue, ReadItems,
    ReadObjects, ReadParameter, ReadSecret, ReceiveFrom, RotateSecret, SendInOrder, SendTo,
    Setting, TerminateFleet, UpdateItems, WriteItems, WriteObjects,
};
#[doc(hidden)]
pub use environment::Reader;
pub use environment::{
    Environment, EnvironmentError, Fault, Live, Program, Side, Variable, Visitor,
};

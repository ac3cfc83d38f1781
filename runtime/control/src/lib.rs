//! The control table and the depth of the queue, as the Lambdas see them.
//!
//! The launcher and the reaper decide on the same readings, and race each other with
//! the same conditional writes: both are here once.

mod code;
mod expression;
mod queue;
mod table;

pub use code::{code, malformed};
pub use expression::{Item, number, putting, text, updating};
pub use queue::Queue;
pub use table::Table;

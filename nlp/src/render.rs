//! A coded chart as people and other programs read it.
//!
//! Pure functions from a [`Chart`] to text: [`table()`] and [`explain()`] for a terminal, [`html`] for a page,
//! [`fhir`] for records. None of them reads, writes or decides anything.

mod explain;
pub mod fhir;
pub mod html;
mod marks;
mod places;
mod table;

pub use explain::{Look, Wanted, explain, why};
pub use table::table;

use crate::coding::Coding;

/// A chart with its name, its text and what the engine says of it.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'c> {
    /// What the chart is called, such as the name of its file.
    pub name: &'c str,
    /// Its text, as it was coded.
    pub text: &'c str,
    /// Its coding.
    pub coding: &'c Coding<'c>,
}

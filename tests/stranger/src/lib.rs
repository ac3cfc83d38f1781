//! Where parcels are: a small system of its own, made of `lightsout`'s constructs.
//!
//! - [`contract`]: what the scanner needs, for the templates and for the program
//! - [`account`]: a resource type that `lightsout` does not know
//! - [`carrier`]: a construct around it, with defaults that are safe
//! - [`tracking`]: a whole system, composed of these and of `lightsout`'s
//! - [`rules`]: a check and an amendment
//! - [`app`]: the stacks

pub mod account;
pub mod app;
pub mod carrier;
pub mod contract;
pub mod rules;
pub mod tracking;

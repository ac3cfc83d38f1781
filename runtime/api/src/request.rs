//! A request as the router sees it.

use std::collections::BTreeMap;

/// A request, free of what API Gateway wraps around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The path below the stage; it may be percent-encoded.
    pub path: String,
    /// The query's parameters, decoded, each with its values in order.
    pub query: BTreeMap<String, Vec<String>>,
    /// The id that the answer carries back.
    pub id: String,
    /// Who asks, where API Gateway knows.
    pub caller: Option<String>,
}

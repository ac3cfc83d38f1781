//! A request as the router sees it.

use std::collections::BTreeMap;

use lightsout_protocol::caller::Caller;

/// A request, free of what API Gateway wraps around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The path below the stage; it may be percent-encoded.
    pub path: String,
    /// The query's parameters, decoded, each with its values in order.
    pub query: BTreeMap<String, Vec<String>>,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, empty where there is none.
    pub body: String,
    /// The id that the answer carries back.
    pub id: String,
    /// Who asks, as the authorizer took it from the verified token; nothing else in a request
    /// says so.
    pub caller: Option<Caller>,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

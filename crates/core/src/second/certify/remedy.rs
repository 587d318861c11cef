//! One edit that the checker thinks of by itself, and the requests that make it.

use serde_json::Value;

use super::super::apply::Request;

/// One way to open a gate.
#[derive(Clone)]
pub(super) struct Remedy {
    /// Kinds of its changes, as plans call them.
    pub(super) kinds: Vec<&'static str>,
    pub(super) title: String,
    pub(super) requests: Vec<Request>,
}

pub(super) fn put(path: String, body: Value) -> Request {
    Request { method: "PUT".to_owned(), path, body }
}

pub(super) fn delete(path: String) -> Request {
    Request { method: "DELETE".to_owned(), path, body: Value::Null }
}

pub(super) fn single(kind: &'static str, title: String, request: Request) -> Remedy {
    Remedy { kinds: vec![kind], title, requests: vec![request] }
}

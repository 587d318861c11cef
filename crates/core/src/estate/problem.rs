//! What could not be read of an input, and where it stands.

use std::sync::Arc;

use super::shared::Shared;

/// Something in an input that could not be read, with where it stands. Nothing is dropped without one of these.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The file, or `-` for standard input.
    pub file: String,
    /// JSON pointer into that file.
    pub pointer: String,
    /// What is wrong with it, and what follows from that.
    pub message: String,
}

/// Where a body stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, or `-` for standard input.
    pub file: Arc<str>,
    /// JSON pointer of the body in that file.
    pub pointer: String,
}

impl Origin {
    /// Something that could not be read here.
    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem {
            file: self.file.to_string(),
            pointer: self.pointer.clone(),
            message: message.into(),
        }
    }
}

/// Collects problems of one resource, and knows what others said alike.
pub(crate) struct Problems<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) list: &'a mut Vec<Problem>,
    pub(crate) shared: &'a mut Shared,
}

impl Problems<'_> {
    pub(crate) fn add(&mut self, pointer: &str, message: impl Into<String>) {
        self.list.push(Problem {
            file: self.origin.file.to_string(),
            pointer: format!("{}{pointer}", self.origin.pointer),
            message: message.into(),
        });
    }

    /// The same, where it was not said of this place yet.
    pub(crate) fn add_once(&mut self, pointer: &str, message: &str) {
        let pointer_there = format!("{}{pointer}", self.origin.pointer);
        let is_said = |one: &Problem| one.pointer == pointer_there && one.message == message;
        if !self.list.iter().any(is_said) {
            self.add(pointer, message);
        }
    }
}

//! Bounds on what one template may cost, so that a hostile or broken one ends with a message.

use std::cell::Cell;

use serde_json::Value;

use super::scope::Why;

/// Values produced for one template, texts counted by their length. The largest recorded template takes 30,000.
const WORK_MAX: usize = 2_000_000;

/// Texts: this many bytes count as one value.
const BYTES_PER_VALUE: usize = 16;

/// Evaluations inside each other: variables in variables, lists in objects. Small enough for a thread of 2 MB.
const DEPTH_MAX: usize = 160;

/// What is left of the bounds.
pub(super) struct Limits {
    work_left: Cell<usize>,
    depth: Cell<usize>,
}

impl Limits {
    pub(super) fn new() -> Limits {
        Limits { work_left: Cell::new(WORK_MAX), depth: Cell::new(0) }
    }

    /// Whether the template has used up its bound.
    pub(super) fn is_spent(&self) -> bool {
        self.work_left.get() == 0
    }

    /// Counts a value.
    ///
    /// # Errors
    /// When the bound is used up.
    pub(super) fn charge(&self, value: &Value) -> Result<(), Why> {
        let left = self.work_left.get().saturating_sub(size(value));
        self.work_left.set(left);
        if left == 0 {
            return Err(Why::because(format!("the template makes more than {WORK_MAX} values")));
        }
        Ok(())
    }

    /// Does something one level deeper.
    ///
    /// # Errors
    /// When that is too deep, or the bound is used up.
    pub(super) fn deeper<T>(&self, work: impl FnOnce() -> Result<T, Why>) -> Result<T, Why> {
        // A step costs something even where it comes to nothing.
        self.charge(&Value::Null)?;
        let depth = self.depth.get();
        if depth >= DEPTH_MAX {
            return Err(Why::because(format!("nested more than {DEPTH_MAX} levels deep")));
        }
        self.depth.set(depth + 1);
        let result = work();
        self.depth.set(depth);
        result
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        Value::String(text) => 1 + text.len() / BYTES_PER_VALUE,
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

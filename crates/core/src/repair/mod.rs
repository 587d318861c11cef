//! The repair: which changes let the copier reach the source at the least cost, and what they do besides.

pub mod allowed;
mod clients;
pub mod cost;
mod found;
mod halves;
mod last_resorts;
mod node;
mod open;
mod rules;
pub mod safety;
pub mod search;
mod sets;
mod touched;

pub use allowed::{Bar, Policy};
pub use cost::Cost;
pub use found::{Closed, Found, Repair};
pub use last_resorts::search;
pub use safety::Safety;

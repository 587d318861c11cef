//! The pure part of Flexway: what the network does with a connection, why it fails, how to repair it, and what a move consists of.
//! Nothing here reads a file, a clock, a socket or the environment, so every answer can be replayed.

pub mod address;
pub mod change;
pub mod checks;
pub mod diagnose;
pub mod estate;
pub mod explain;
pub mod finding;
pub mod fusion;
pub mod guide;
pub mod id;
pub mod plan;
pub mod probes;
pub mod render;
pub mod repair;
pub mod second;
mod shell;
pub mod trace;

pub mod assess;
pub mod format;
pub mod history;
pub mod migrate;
pub mod pace;
pub mod port;
pub mod text;

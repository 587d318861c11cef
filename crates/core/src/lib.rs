//! The pure part of Flexway: what the network does with a connection, why it fails, how to repair it, and what a move consists of.
//! Nothing here reads a file, a clock, a socket or the environment, so every answer can be replayed.

pub mod address;
pub mod estate;
pub mod id;
pub mod trace;

pub mod migrate;
pub mod port;

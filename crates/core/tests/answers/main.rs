//! What a diagnosis says, and what it rests on: the pages of checks, the causes they answer for, a second reading, and probes.

mod address;
mod causes;
mod explain;
mod fusion;
mod hub;
mod pages;
mod probes;
mod reads;
mod second;
#[path = "../support/mod.rs"]
mod support;

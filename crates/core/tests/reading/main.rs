//! What inputs become: captures, templates, Terraform and plans over them, in any encoding, and however hostile.

mod after;
mod bodies;
#[allow(dead_code, reason = "the other users need all of it")]
#[path = "../worlds/chance.rs"]
mod chance;
mod hostile;
mod id;
mod inputs;
mod lists;
mod providers;
mod recorded;
#[path = "../support/mod.rs"]
mod support;
mod template;
mod text;

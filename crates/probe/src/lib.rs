//! Stands where the copier stands and looks: the ladder from a name to a replication slot, rung by
//! rung, each with its own bound on time and its own evidence.
//!
//! Two vantages: this machine ([`climb`]), and the inside of another server ([`probe_inside`]).
//! [`carry_out`] does what a plan says.

mod carry;
mod dns;
mod inside;
mod ladder;
mod login;
mod measure;
mod name;

pub use carry::{CarryError, carry_out, machine, now, read_plan};
pub use inside::{InsideError, probe_inside};
pub use ladder::climb;
pub use name::name_servers;

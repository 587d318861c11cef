//! Plans: which repair is found and told, what it opens and breaks, and whether its certificate holds.

mod certify;
mod exposure;
mod halves;
mod nearby;
mod optimal;
mod policy;
mod probed;
mod spelling;
#[path = "../support/mod.rs"]
mod support;
mod through;
mod told;
mod untold;

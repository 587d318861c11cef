//! `flexway migrate`, `resume`, `status` and `verify` between real servers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod pair;
mod sample;

mod assessed;
mod cancelled;
mod crashes;
mod interrupted;
mod judged;
mod kills;
mod left_open;
mod newer;
mod noted;
mod ordinary;
mod paced;
mod packed;
mod pathless;
mod refused;
mod reported;
mod sampled;
mod secret;
mod serviced;
mod standing;
mod verified;
mod whole;
mod xml;

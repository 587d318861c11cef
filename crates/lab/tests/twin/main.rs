//! Twins of estates: real routing, real filters, a real DNS server.

mod faults;
mod fixture;
mod paths;
mod text;
mod told;

#[allow(dead_code, reason = "random worlds need all of it")]
#[path = "../worlds/expected.rs"]
mod expected;
#[path = "../worlds/folder.rs"]
mod folder;
#[path = "../worlds/seen.rs"]
mod seen;

#[path = "../../../core/tests/inject/broken.rs"]
mod broken;
#[allow(dead_code, reason = "its own tests need all of it")]
#[path = "../../../core/tests/worlds/chance.rs"]
mod chance;
#[path = "../../../core/tests/inject/doors.rs"]
mod doors;
#[path = "../../../core/tests/inject/filters.rs"]
mod filters;
#[path = "../../../core/tests/inject/harmless.rs"]
mod harmless;
#[path = "../../../core/tests/inject/healthy.rs"]
mod healthy;
#[allow(dead_code, reason = "its own tests need all of it")]
#[path = "../../../core/tests/inject/injectors.rs"]
mod injectors;
#[allow(dead_code, reason = "its own tests need all of it")]
#[path = "../../../core/tests/inject/masks.rs"]
mod masks;
#[path = "../../../core/tests/inject/names.rs"]
mod names;
#[path = "../../../core/tests/support/mod.rs"]
mod support;
#[path = "../../../core/tests/inject/ways.rs"]
mod ways;
#[allow(dead_code, reason = "its own tests need all of it")]
#[path = "../../../core/tests/inject/world.rs"]
mod world;

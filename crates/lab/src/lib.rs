//! Real PostgreSQL servers in private folders, for the demo and the tests, and [`twin`]s of estates.
//!
//! ```no_run
//! let install = flexway_lab::installed::find(17)?;
//! let server = flexway_lab::Server::start(&install, &flexway_lab::Options::default())?;
//! assert_eq!(server.psql("postgres", "select 1")?, "1\n");
//! # Ok::<(), flexway_lab::Error>(())
//! ```
//!
//! What holds:
//! - A server never outlives its owner, and neither does its folder: not after a panic, a Ctrl-C or
//!   a `kill -9` of the owner. See "Leftovers" below.
//! - No server listens anywhere but on 127.0.0.1 and a Unix socket inside its own folder.
//! - PostgreSQL refuses to run as root. When we are root, servers run as the account `nobody`.
//!
//! # Leftovers
//! Dropping a [`Server`] stops it and removes its folder. When the owner dies without dropping, a
//! small shell process that waits on a pipe from the owner does the same. Only when that one dies
//! too (power cut, the whole session killed at once) a folder `flexway-lab-*` stays behind in the
//! temporary folder; the next [`Server::start`] removes it.

mod account;
mod cluster;
mod error;
mod folder;
pub mod installed;
mod options;
pub mod run;
mod secret;
mod server;
mod still;
mod tls;
pub mod twin;

pub use error::Error;
pub use folder::Scratch;
pub use installed::Install;
pub use options::{Auth, Options};
pub use server::Server;
pub use still::Still;

//! PostgreSQL as a client sees it: connections, sessions, and the relay of COPY streams.
//!
//! Blocking, one thread a session, no async runtime. TLS is verified by default.

// Connections, lowest layer first.
mod connect_error;
pub mod conninfo;
mod dial;
mod login;
mod refusal;
mod stream;
mod tls;
mod wire;

// Sessions and what runs on them.
mod canceller;
mod pg_error;
mod quote;
// mod relay;
mod session;

// High-level modules (catalog, schema, roles, ...) go below this line.

pub use canceller::Canceller;
pub use connect_error::{ConnectError, Rung};
pub use conninfo::{ConnInfo, ConnInfoError};
pub use pg_error::{ConnectionLost, PgError, ServerError};
pub use quote::{quote_ident, quote_literal};
// pub use relay::{RelayError, read_copy, relay};
pub use session::{Row, ServerVersion, Session};

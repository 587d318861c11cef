//! PostgreSQL as a client sees it: connections, sessions, and the relay of COPY streams.
//!
//! Blocking, one thread a session, no async runtime. TLS is verified by default.

// Connections, lowest layer first.
mod connect_error;
pub mod conninfo;
mod dial;
mod login;
mod octets;
mod refusal;
pub mod rungs;
mod stream;
mod tls;
mod waiting;
mod watch;
mod wire;

// Sessions and what runs on them.
mod canceller;
mod copy;
mod pg_error;
mod quote;
mod read_copy;
mod relay;
mod row_sum;
mod session;

// What a move does with sessions: questions, facts, schema, roles, rows, comparison.
mod ask;
mod assess;
mod catalog;
mod compare;
mod content;
mod large_objects;
mod locks;
mod mover;
mod owners_path;
mod parts;
mod path;
mod pool;
mod refresh;
mod roles;
mod schema;
mod statistics;

pub use canceller::Canceller;
pub use connect_error::ConnectError;
pub use conninfo::{ConnInfo, ConnInfoError, SslMode};
pub use mover::Mover;
pub use pg_error::{ConnectionLost, PgError, ServerError};
pub use quote::{quote_ident, quote_literal};
pub use read_copy::read_copy;
pub use relay::{RelayError, relay};
pub use session::{Row, ServerVersion, Session};

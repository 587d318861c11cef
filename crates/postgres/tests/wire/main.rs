//! Connections, sessions and relays against real servers, and against ones that only pretend.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod connect;
mod fake;
mod hung;
mod relay;
mod relay_failures;
mod session;
mod tls;

use flexway_lab::{Options, Server, installed};
use flexway_postgres::{ConnInfo, ConnectError, Session};

/// A server of this major; set-up provides it.
fn server(major: u32, options: &Options) -> Server {
    Server::start(&installed::find(major).unwrap(), options).unwrap()
}

fn info(text: &str) -> ConnInfo {
    ConnInfo::parse(text, &|_| None).unwrap()
}

/// A session on the server's own database.
fn session(server: &Server) -> Session {
    Session::connect(&info(&server.url("postgres"))).unwrap()
}

fn try_connect(text: &str) -> Result<Session, ConnectError> {
    Session::connect(&info(text))
}

/// The first value of the first row.
fn value(session: &mut Session, sql: &str) -> String {
    session.rows(sql).unwrap()[0][0].clone().unwrap()
}

//! Servers whose processes stand still, so that their kernel takes connections for them and nobody answers.

use std::fs;
use std::time::{Duration, Instant};

use flexway_lab::{Options, Server, Still};
use flexway_postgres::Session;

use crate::{info, server, value};

/// A silent server is asked after two seconds.
const TIMES: &str = "keepalives_idle=1&keepalives_interval=1&keepalives_count=1";

fn session(server: &Server, more: &str) -> Session {
    Session::connect(&info(&format!("{}?{TIMES}{more}", server.url("postgres")))).unwrap()
}

#[test]
fn a_server_that_answers_nobody_is_given_up() {
    let server = server(17, &Options::default());
    let mut session = session(&server, "&connect_timeout=2");
    let still = server.stand_still().unwrap();
    let started = Instant::now();
    let error = session.execute("SELECT 1").unwrap_err().to_string();
    let took = started.elapsed();
    assert!(error.contains("takes new connections without answering them"), "{error}");
    assert!(session.is_lost() && took > Duration::from_secs(4), "after {took:?}");
    drop(still);
    assert_eq!(value(&mut crate::session(&server), "SELECT 2"), "2");
}

#[test]
fn as_long_as_a_server_answers_others_a_statement_is_waited_for() {
    let settings = vec![("log_connections".to_owned(), "on".to_owned())];
    let server = server(17, &Options { settings, ..Options::default() });
    // However busy the machine is, it answers within ten seconds.
    let mut session = session(&server, "");
    let logins = || {
        let log = fs::read_to_string(server.log()).unwrap();
        log.matches("connection authorized").count()
    };
    let before = logins();
    assert_eq!(value(&mut session, "SELECT 3 FROM pg_sleep(8)"), "3");
    let asked = logins() - before;
    assert!((1..=4).contains(&asked), "asked {asked} times");
    // One that stands still alone cannot be told from one that works.
    let still = Still::process(session.backend_pid()).unwrap();
    let went_on = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(8));
        drop(still);
    });
    assert_eq!(value(&mut session, "SELECT 4"), "4");
    went_on.join().unwrap();
}

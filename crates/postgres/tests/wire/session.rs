//! Statements, their rows and errors, and what is left of a session afterwards.

use std::time::{Duration, Instant};

use flexway_lab::{Auth, Options};
use flexway_postgres::{PgError, Session};

use crate::{info, server, value};

#[test]
fn rows_errors_and_misuse_leave_the_session_usable() {
    let server = server(11, &Options::default());
    let mut session = crate::session(&server);
    assert_eq!(session.version().major(), 11);

    let rows = session.rows("select 1, null, ''; select 'a\nb'").unwrap();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(rows, [vec![some("1"), None, some("")], vec![some("a\nb")]]);
    assert_eq!(session.rows("").unwrap(), Vec::<Vec<_>>::new());

    let PgError::Server(error) = session.rows("select 1; select x from nowhere").unwrap_err()
    else {
        panic!("not the server's error");
    };
    assert_eq!((error.code.as_str(), error.position), ("42P01", Some(25)));
    assert!(error.to_string().contains("relation \"nowhere\" does not exist"));

    let misuses = ["copy (select 1) to stdout", "create temp table t (a int); copy t from stdin"];
    for sql in misuses {
        assert!(matches!(session.rows(sql), Err(PgError::Misuse(_))), "{sql}");
    }
    assert!(matches!(session.execute("select '\0'"), Err(PgError::Misuse(_))));

    session.execute("do $$ begin raise notice 'n'; raise warning 'w'; end $$").unwrap();
    assert_eq!(session.notice_count(), 2);

    session.execute("begin").unwrap();
    assert!(session.execute("select 1/0").is_err());
    assert_eq!(session.execute("select 1").unwrap_err().code(), Some("25P02"));
    session.execute("rollback").unwrap();
    assert_eq!(value(&mut session, "select repeat('y', 5000000)").len(), 5_000_000);
    assert_eq!(value(&mut session, "select 2"), "2");
}

#[test]
fn no_error_shows_row_values() {
    let server = server(17, &Options { auth: Auth::Trust, ..Options::default() });
    let mut session = crate::session(&server);
    session
        .execute(
            "create table public.t (a int primary key, b varchar(6), check (a <> 7)); \
             insert into public.t values (4711471, 'x')",
        )
        .unwrap();
    // Longer than a port or the number of a process, which may be shown.
    let statements = [
        ("insert into public.t values (4711471, 'y')", "23505"),
        ("insert into public.t values (7, '4711471')", "22001"),
        ("insert into public.t values (7, 'abc')", "23514"),
        ("insert into public.t values (null, '471147')", "23502"),
        ("select '4711471x'::text::int", "22P02"),
        ("select 4711471::text::smallint * 4711471::smallint", "22003"),
        ("select '{\"4711471\": x}'::text::json", "22P02"),
        ("select date '4711471-13-13'", "22008"),
    ];
    for (sql, code) in statements {
        let error = session.execute(sql).unwrap_err();
        assert_eq!(error.code(), Some(code), "{sql}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("471147") && !shown.contains("abc"), "{shown}");
    }
    assert!(!format!("{session:?}").contains("471147"));
}

#[test]
fn a_lost_connection_is_told_by_what_the_server_said_last() {
    let mut server = server(15, &Options { auth: Auth::Trust, ..Options::default() });
    let mut victim = crate::session(&server);
    let mut other = crate::session(&server);
    other.execute(&format!("select pg_terminate_backend({})", victim.backend_pid())).unwrap();
    let error = victim.execute("select 1").unwrap_err();
    assert_eq!(error.code(), Some("57P01"), "{error}");
    assert!(victim.is_lost());
    let error = victim.execute("select 1").unwrap_err();
    assert!(error.to_string().contains("lost during an earlier statement"), "{error}");

    server.kill9().unwrap();
    assert!(other.execute("select 1").is_err());
    assert!(other.is_lost());
}

#[test]
fn silence_can_be_bounded() {
    let server = server(15, &Options { auth: Auth::Trust, ..Options::default() });
    let mut session = crate::session(&server);
    session.set_silence_time_max(Some(Duration::from_secs(1)));
    let start = Instant::now();
    let error = session.execute("select pg_sleep(30)").unwrap_err();
    assert!(matches!(error, PgError::Connection(_)), "{error}");
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(session.is_lost());
}

#[test]
fn bytes_that_are_not_utf_8_come_back_as_they_were() {
    let server = server(15, &Options { auth: Auth::Trust, ..Options::default() });
    server
        .psql("postgres", "create database raw template template0 encoding 'SQL_ASCII' locale 'C'")
        .unwrap();
    let mut session = Session::connect(&info(&server.url("raw"))).unwrap();
    assert_eq!(session.parameter("server_encoding"), Some("SQL_ASCII"));
    // The server refuses to pass it on as UTF-8; asked for the bytes as they are, it does.
    assert_eq!(session.rows("select E'\\xff'").unwrap_err().code(), Some("22021"));
    session.execute("set client_encoding = sql_ascii").unwrap();
    let byte = value(&mut session, "select E'\\xff'");
    assert_eq!(value(&mut session, &format!("select encode('{byte}'::bytea, 'hex')")), "ff");
}

#[test]
fn sessions_and_cancellers_can_go_to_other_threads() {
    fn assert_send<T: Send>() {}
    assert_send::<Session>();
    assert_send::<flexway_postgres::Canceller>();
    assert_send::<flexway_postgres::ConnectError>();
    assert_send::<PgError>();
}

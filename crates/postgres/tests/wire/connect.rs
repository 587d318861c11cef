//! Every rung of the ladder: what holds, what fails, and that the error says which.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use flexway_core::probes::Rung;
use flexway_lab::{Auth, Options};
use flexway_postgres::{ConnectError, Session};

use crate::fake::{self, Fake};
use crate::{info, server, try_connect, value};

fn failure(text: &str) -> ConnectError {
    let error = try_connect(text).expect_err(text);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    error
}

#[test]
fn every_way_to_log_in_and_to_be_refused() {
    let hba = [
        "host all scram all scram-sha-256",
        "host all md5 all md5",
        "host all clear all password",
        "host all banned all reject",
    ];
    let options =
        Options { auth: Auth::Trust, hba: hba.map(str::to_owned).to_vec(), ..Options::default() };
    let server = server(15, &options);
    let token = "t".repeat(2000);
    let sql = format!(
        "create role scram login password 's3cret é%'; set password_encryption = md5; \
         create role md5 login password 's3cret'; create role clear login password '{token}'; \
         create role full login connection limit 0; create role banned login; \
         create database closed; revoke connect on database closed from public;"
    );
    server.psql("postgres", &sql).unwrap();
    let url = |user: &str, password: &str, database: &str| {
        format!(
            "host=127.0.0.1 port={} user={user} password='{password}' dbname={database}",
            server.port()
        )
    };

    for (user, password) in
        [("scram", "s3cret é%"), ("md5", "s3cret"), ("clear", &token), ("postgres", "")]
    {
        let mut session = try_connect(&url(user, password, "postgres")).expect(user);
        assert_eq!(value(&mut session, "select current_user"), user);
        assert_eq!(value(&mut session, "show application_name"), "flexway");
    }
    let table = [
        ("scram", "wrong", "postgres", Rung::Auth, "28P01", "check user and password"),
        ("md5", "wrong", "postgres", Rung::Auth, "28P01", "check user and password"),
        ("clear", "wrong", "postgres", Rung::Auth, "28P01", "check user and password"),
        ("scram", "", "postgres", Rung::Auth, "", "set PGPASSWORD"),
        ("banned", "", "postgres", Rung::Startup, "28000", "pg_hba.conf"),
        ("nobody", "", "postgres", Rung::Auth, "28000", "that the role exists"),
        ("postgres", "", "nowhere", Rung::Startup, "3D000", "name a database that exists"),
        ("full", "", "postgres", Rung::Startup, "53300", "use fewer jobs"),
        ("md5", "s3cret", "closed", Rung::Startup, "42501", "CONNECT"),
        ("postgres", "", "template0", Rung::Startup, "55000", "name another database"),
    ];
    for (user, password, database, rung, code, words) in table {
        let error = failure(&url(user, password, database));
        assert_eq!((error.rung, error.code.as_deref().unwrap_or("")), (rung, code), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn sessions_do_not_depend_on_the_settings_of_server_database_or_role() {
    let server = server(17, &Options::default());
    server
        .psql(
            "postgres",
            "alter role postgres set datestyle = 'SQL, DMY'; alter role postgres set timezone = \
             'Asia/Tokyo'; alter role postgres set statement_timeout = '5s'; \
             alter database postgres \
             set bytea_output = escape; alter role postgres set extra_float_digits = 0",
        )
        .unwrap();
    let over_socket = format!(
        "host={} port={} user=postgres password={}",
        server.socket_dir().display(),
        server.port(),
        server.password()
    );
    for text in [server.url("postgres"), over_socket] {
        let mut session = Session::connect(&info(&text)).unwrap();
        let sql = "select timestamptz '2026-11-22 10:00+00', bytea '\\x00ff', 0.1::float8 + 0.2";
        let row = session.rows(sql).unwrap().remove(0);
        let row: Vec<_> = row.iter().flatten().map(String::as_str).collect();
        assert_eq!(row, ["2026-11-22 10:00:00+00", "\\x00ff", "0.30000000000000004"]);
        assert_eq!(value(&mut session, "show statement_timeout"), "0");
        assert_eq!(value(&mut session, "show search_path"), "\"\"");
        assert_eq!(session.version().major(), 17);
        let pid = session.backend_pid().to_string();
        assert_eq!(value(&mut session, "select pg_backend_pid()"), pid);
    }
}

#[test]
fn a_closed_port_a_missing_socket_and_an_unknown_name_are_told_apart() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = failure(&format!("host=127.0.0.1 port={port} user=bob password=s3cret"));
    assert_eq!(error.rung, Rung::Tcp);
    assert!(error.why.contains("it refused: nothing listens"), "{error}");

    let error = failure("host=/nonexistent user=bob password=s3cret");
    assert_eq!(error.rung, Rung::Tcp);
    assert!(error.why.contains("no such socket file"), "{error}");

    let error = failure("host=nowhere.invalid user=bob password=s3cret connect_timeout=5");
    assert_eq!(error.rung, Rung::Name);
}

#[test]
fn a_silent_listener_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for (mode, rung) in
        [("disable", Rung::Startup), ("prefer", Rung::SslRequest), ("require", Rung::SslRequest)]
    {
        let start = Instant::now();
        let error = failure(&format!(
            "host=127.0.0.1 port={port} user=bob password=s3cret sslmode={mode} connect_timeout=2"
        ));
        assert_eq!(error.rung, rung, "{error}");
        assert!(error.why.contains("2 s"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(4));
    }
}

#[test]
fn what_is_not_postgresql_is_recognised() {
    let answers: [(&[u8], &str); 6] = [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "an SSH server"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "a web server"),
        (b"\x4a\0\0\0\x0a8.0.36\0", "a MySQL server"),
        (b"\xff\xfb\x01", "no PostgreSQL server"),
        (b"SX", "no PostgreSQL server"),
        (b"", "closed without an answer"),
    ];
    for (answer, words) in answers {
        let fake = Fake::start(1, move |_, mut stream| {
            fake::read_first(&mut stream);
            stream.write_all(answer).unwrap();
        });
        let error = failure(&fake.url("sslmode=require"));
        assert_eq!(error.rung, Rung::SslRequest, "{error}");
        assert!(error.why.contains(words), "{error}");
        fake.finish();
    }
    // In the clear the first answer is a message, or should be.
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\xff\xff", b"R\xff\xff\xff\xff"] {
        let fake = Fake::start(1, move |_, mut stream| {
            fake::read_first(&mut stream);
            stream.write_all(answer).unwrap();
        });
        let error = failure(&fake.url("sslmode=disable"));
        assert_eq!(error.rung, Rung::Startup, "{error}");
        assert!(error.why.contains("not PostgreSQL's"), "{error}");
        fake.finish();
    }
}

#[test]
fn a_server_that_is_starting_is_waited_for() {
    let fake = Fake::start(2, |number, mut stream| {
        fake::read_first(&mut stream);
        let code = if number == 0 { "57P03" } else { "53300" };
        fake::send(&mut stream, b'E', &fake::error(code, "as scripted"));
    });
    assert_eq!(failure(&fake.url("sslmode=disable")).code.as_deref(), Some("53300"));
    fake.finish();
}

#[test]
fn a_server_that_skips_its_own_proof_is_refused() {
    let fake = Fake::start(1, |_, mut stream| {
        fake::read_first(&mut stream);
        fake::send(&mut stream, b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
        assert_eq!(fake::read_message(&mut stream), b'p');
        fake::send(&mut stream, b'R', &[0, 0, 0, 0]);
        fake::send(&mut stream, b'Z', b"I");
    });
    let error = failure(&fake.url("sslmode=disable"));
    assert_eq!(error.rung, Rung::Auth);
    assert!(error.why.contains("could not prove who it is"), "{error}");
    fake.finish();
}

//! The probe from inside a server, by `dblink` and by `postgres_fdw`.

use flexway_core::probes::{Observation, Place, ProbePlan, Rung, RungOutcome, Seen, Symptom};
use flexway_lab::{Auth, Options, Server, installed};

use crate::sockets::Hole;
use crate::{NOW, failure, info};

pub(crate) fn server(major: u32, options: &Options) -> Server {
    Server::start(&installed::find(major).unwrap(), options).unwrap()
}

pub(crate) fn look(from: &Server, to: &str) -> Observation {
    let plan = ProbePlan { place: Place::Target, ..ProbePlan::of(to) };
    let seen = flexway_probe::probe_inside(&info(&from.url("postgres")), &info(to), &plan, NOW);
    let seen = seen.unwrap();
    let rungs: Vec<Rung> = seen.rungs.iter().map(|report| report.rung).collect();
    assert_eq!(rungs, Rung::ALL);
    assert!(!serde_json::to_string(&seen).unwrap().contains("s3cret"));
    seen
}

/// What a probe must not leave: objects, sessions, and secrets in the log.
fn assert_clean(server: &Server) {
    let left = "select (select count(*) from pg_extension where extname <> 'plpgsql'), \
        (select count(*) from pg_foreign_server), (select count(*) from pg_namespace where nspname = 'flexway_probe'), \
        (select count(*) from pg_replication_slots)";
    assert_eq!(server.psql("postgres", left).unwrap(), "0|0|0|0\n");
    let log = std::fs::read_to_string(server.log()).unwrap();
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn a_server_dials_another_and_leaves_nothing() {
    let settings = vec![("wal_level".to_owned(), "logical".to_owned())];
    let source = server(15, &Options { tls: true, settings, ..Options::default() });
    source
        .psql(
            "postgres",
            "create role mover login superuser password 's3cret with \\ and '' in it'",
        )
        .unwrap();
    let password = "s3cret%20with%20%5C%20and%20'%20in%20it";
    let url = |password: &str, database: &str| {
        format!(
            "postgres://mover:{password}@localhost:{}/{database}?connect_timeout=3",
            source.port()
        )
    };
    for major in [11, 17, 18] {
        let settings = vec![("log_statement".to_owned(), "all".to_owned())];
        let target = server(major, &Options { settings, ..Options::default() });
        let seen = look(&target, &url(password, "postgres"));
        assert_eq!(seen.seen(), Seen::Through(Rung::Replication), "{seen:#?}");
        assert_eq!(seen.vantage.host.as_deref(), Some("127.0.0.1"));
        assert!(seen.seen_as.is_some_and(|address| address.is_loopback()));
        assert!(seen.round_trip_ms.is_some());
        // libpq names addresses since 14.
        assert_eq!(seen.addresses.len(), usize::from(major >= 14), "{:?}", seen.addresses);

        let (rung, symptom, _) = failure(&look(&target, &url("wrong", "postgres")));
        assert_eq!((rung, symptom), (Rung::Auth, Symptom::WrongPassword));
        let (rung, symptom, _) = failure(&look(&target, &url(password, "nowhere")));
        assert_eq!((rung, symptom), (Rung::Startup, Symptom::NoDatabase));
        let refused = format!("postgres://a:s3cret@127.0.0.1:{}/b", crate::child::free_port());
        let seen = look(&target, &refused);
        assert_eq!(failure(&seen).1, Symptom::Refused);
        assert_eq!(seen.addresses, ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
        let seen = look(&target, "postgres://a:s3cret@no-such-host.invalid/b");
        match major {
            // The build of 18 cannot encrypt, and TLS is the default.
            18 => assert_eq!(seen.seen(), Seen::Nothing),
            _ => assert_eq!(failure(&seen).0, Rung::Name, "{seen:#?}"),
        }
        assert_clean(&target);
    }
    assert_clean(&source);
}

#[test]
fn a_slot_that_has_to_wait_is_given_up_in_time() {
    // The probe's own transaction holds the slot up where the server dials itself.
    let settings = vec![("wal_level".to_owned(), "logical".to_owned())];
    for major in [15, 17] {
        let options = Options { settings: settings.clone(), ..Options::default() };
        let server = server(major, &options);
        let since = std::time::Instant::now();
        let seen = look(&server, &format!("{}?connect_timeout=3", server.url("postgres")));
        assert_eq!(seen.seen(), Seen::Through(Rung::Auth), "{seen:#?}");
        let slot = seen.rung(Rung::Replication).unwrap();
        assert!(slot.detail.contains("waits for transactions"), "{}", slot.detail);
        assert!(since.elapsed() < std::time::Duration::from_secs(10), "{:?}", since.elapsed());
        assert_clean(&server);
    }
}

#[test]
fn silence_is_bounded_inside_too_and_told_from_a_mute_listener() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mute_port = mute.local_addr().unwrap().port();
    let hole = Hole::dig();
    let url = |port: u16| format!("postgres://a:s3cret@127.0.0.1:{port}/b?connect_timeout=2");
    // libpq bounds requests without an answer since 12; its own time-out of the whole dial does not count from 16 on.
    for (major, tool) in [(11, "dblink"), (15, "dblink"), (17, "dblink"), (17, "postgres_fdw")] {
        let target = server(major, &Options { auth: Auth::Trust, ..Options::default() });
        target.psql("postgres", &format!("create extension {tool}")).unwrap();
        let since = std::time::Instant::now();
        let (rung, symptom, detail) = failure(&look(&target, &url(hole.port())));
        assert_eq!((rung, symptom), (Rung::Tcp, Symptom::Silent), "{major} {tool}: {detail}");
        let seen = failure(&look(&target, &url(mute_port)));
        match major {
            11 => {
                assert_eq!(seen.1, Symptom::Silent);
                assert!(seen.2.contains("accepts and then says nothing"), "{}", seen.2);
            }
            _ => assert_eq!(
                (seen.0, seen.1),
                (Rung::SslRequest, Symptom::Mute),
                "{tool}: {}",
                seen.2
            ),
        }
        assert!(since.elapsed() < std::time::Duration::from_secs(12), "{:?}", since.elapsed());
    }
}

#[test]
fn without_dblink_postgres_fdw_dials() {
    let source = server(15, &Options::default());
    source.psql("postgres", "create role mover login password 's3cret'").unwrap();
    let target = server(17, &Options { auth: Auth::Trust, ..Options::default() });
    target.psql("postgres", "create extension postgres_fdw").unwrap();
    let url = |password: &str| {
        format!("postgres://mover:{password}@127.0.0.1:{}/postgres", source.port())
    };
    let seen = look(&target, &url("s3cret"));
    assert_eq!(seen.rung(Rung::Auth).unwrap().outcome, RungOutcome::Pass, "{seen:#?}");
    assert_eq!(seen.seen_as, "127.0.0.1".parse().ok());
    let (rung, symptom, _) = failure(&look(&target, &url("wrong-s3cret")));
    assert_eq!((rung, symptom), (Rung::Auth, Symptom::WrongPassword));
    target.psql("postgres", "drop extension postgres_fdw").unwrap();
    assert_clean(&target);
}

#[test]
fn a_server_that_may_not_dial_is_no_witness() {
    let target = server(17, &Options { auth: Auth::Trust, ..Options::default() });
    target.psql("postgres", "create role plain login").unwrap();
    let from = format!("postgres://plain@127.0.0.1:{}/postgres", target.port());
    let to = "postgres://a:s3cret@127.0.0.1:1/b";
    let plan = ProbePlan::of(to);
    let seen = flexway_probe::probe_inside(&info(&from), &info(to), &plan, NOW).unwrap();
    assert_eq!(seen.seen(), Seen::Nothing);
    assert!(seen.rungs[0].detail.contains("permission denied"), "{}", seen.rungs[0].detail);
}

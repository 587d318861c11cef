//! Real servers: what each rung shows when it holds, and how it fails.

use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use flexway_core::probes::{ProbePlan, Rung, RungOutcome, Symptom};
use flexway_lab::{Auth, Options, Server, installed};

use crate::{assert_fails, climb, climb_as, failure};

fn server(major: u32, options: &Options) -> Server {
    Server::start(&installed::find(major).unwrap(), options).unwrap()
}

fn server_of(major: u32, settings: Vec<(String, String)>) -> Server {
    server(major, &Options { settings, ..Options::default() })
}

fn set(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn every_rung_of_a_healthy_server_holds_and_nothing_is_left() {
    for major in [11, 17] {
        let settings = vec![set("wal_level", "logical")];
        let server = server(major, &Options { tls: true, settings, ..Options::default() });
        let authority = server.certificate_authority().unwrap().display().to_string();
        let url = format!("{}?sslmode=verify-full&sslrootcert={authority}", server.url("postgres"));
        let url = url.replace("127.0.0.1", "localhost");
        let plan =
            ProbePlan { throughput_s: Some(1), idle_s: Some(1), ..ProbePlan::of(url.clone()) };
        let seen = climb_as(&plan, &url);
        for rung in &seen.rungs {
            assert_eq!(rung.outcome, RungOutcome::Pass, "{major}: {rung:?}");
            assert!(rung.time_ms.is_some());
        }
        let tls = &seen.rung(Rung::Tls).unwrap().evidence;
        assert!(tls["version"].as_str().unwrap().starts_with("TLSv1."), "{tls:?}");
        assert_eq!(tls["chain"][0]["names"][0], "localhost");
        assert!(tls["root_wanted"].as_str().unwrap().contains("Flexway lab authority"));
        assert_eq!(seen.seen_as, "127.0.0.1".parse().ok());
        assert!(seen.round_trip_ms.is_some_and(|time| time > 0.0));
        assert!(seen.server["version"].as_str().unwrap().starts_with(&major.to_string()));
        assert!(seen.server["throughput"]["bytes"].as_u64().unwrap() > 0);
        assert_eq!(seen.server["idle"]["survived"], true);
        let replication = &seen.rung(Rung::Replication).unwrap().evidence;
        assert!(replication["system_id"].is_string() && replication["lsn"].is_string());
        assert_eq!(
            server.psql("postgres", "select count(*) from pg_replication_slots").unwrap(),
            "0\n"
        );
    }
}

#[test]
fn refusals_of_the_gate_the_login_and_the_database_are_told_apart() {
    let hba = [
        "local all all trust",
        "host all banned all reject",
        "hostssl all tls all scram-sha-256",
        "hostnossl all tls all reject",
        "host all all all scram-sha-256",
    ];
    let hba = hba.map(str::to_owned).to_vec();
    let server = server(17, &Options { tls: true, hba, ..Options::default() });
    server
        .psql(
            "postgres",
            "create role banned login; create role tls login password 's3cret'; \
             create role plain login password 's3cret'; create role group_only nologin; \
             create database closed; alter database closed allow_connections false; \
             create database private; revoke connect on database private from public",
        )
        .unwrap();
    let url = |user: &str, database: &str, mode: &str| {
        format!("postgres://{user}@127.0.0.1:{}/{database}?sslmode={mode}", server.port())
    };
    let table = [
        (url("banned:s3cret", "postgres", "require"), Rung::Startup, Symptom::GateRefused),
        (url("tls:s3cret", "postgres", "disable"), Rung::Startup, Symptom::GateWantsEncryption),
        (url("tls:s3cret", "nowhere", "require"), Rung::Startup, Symptom::NoDatabase),
        (url("tls:s3cret", "closed", "require"), Rung::Startup, Symptom::DatabaseClosed),
        (url("tls:s3cret", "private", "require"), Rung::Startup, Symptom::NoConnectRight),
        (url("tls:wrong", "postgres", "require"), Rung::Auth, Symptom::WrongPassword),
        (url("tls", "postgres", "require"), Rung::Auth, Symptom::NoPassword),
        (url("tls:s3cret", "postgres", "verify-full"), Rung::Tls, Symptom::AuthorityUnknown),
        (url("tls:s3cret", "postgres", "require"), Rung::Replication, Symptom::WalLevel),
    ];
    for (url, rung, symptom) in table {
        let seen = assert_fails(&url, rung, symptom);
        if symptom == Symptom::GateRefused {
            assert_eq!(seen.rung(rung).unwrap().faults, ["host/pg-hba"]);
            assert_eq!(seen.seen_as, "127.0.0.1".parse().ok());
        }
    }
    let authority = server.certificate_authority().unwrap().display();
    let port = server.port();
    let wrong_name = format!(
        "host=wrong.example hostaddr=127.0.0.1 port={port} user=tls password=s3cret \
         dbname=postgres sslmode=verify-full sslrootcert={authority}"
    );
    let seen = assert_fails(&wrong_name, Rung::Tls, Symptom::CertificateName);
    let tls = seen.rung(Rung::Tls).unwrap();
    assert_eq!(tls.detail, "the server's certificate is for other hosts: localhost, 127.0.0.1");
    assert_eq!(tls.faults, ["tls/verification-failed"]);
    assert_eq!(tls.evidence["chain"].as_array().unwrap().len(), 1);
}

#[test]
fn an_expired_certificate_is_told_from_an_unknown_authority() {
    let server = server(17, &Options { tls: true, ..Options::default() });
    let authority = server.certificate_authority().unwrap();
    let folder = authority.parent().unwrap();
    let scratch = folder.join("expired.pem");
    let sign = "printf 'subjectAltName = DNS:localhost' > names && \
        openssl req -new -key server.key -subj /CN=localhost | \
        openssl x509 -req -CA authority.pem -CAkey authority.key -CAcreateserial -extfile names -days -1 -out expired.pem";
    let signed = Command::new("sh").args(["-ec", sign]).current_dir(folder).output().unwrap();
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    fs::write(folder.join("server.pem"), fs::read(scratch).unwrap()).unwrap();
    server.psql("postgres", "select pg_reload_conf()").unwrap();
    let url = format!(
        "{}?sslmode=verify-full&sslrootcert={}",
        server.url("postgres").replace("127.0.0.1", "localhost"),
        authority.display()
    );
    // The server reads its files again a moment after it was told to.
    let end = Instant::now() + Duration::from_secs(10);
    while climb(&url).rung(Rung::Tls).unwrap().outcome == RungOutcome::Pass && Instant::now() < end
    {
        thread::sleep(Duration::from_millis(50));
    }
    let seen = assert_fails(&url, Rung::Tls, Symptom::CertificateDates);
    let tls = seen.rung(Rung::Tls).unwrap();
    assert!(tls.detail.contains("has expired") && tls.fix.as_ref().unwrap().contains("renew"));
    assert_eq!(tls.faults, ["tls/verification-failed"]);
    assert!(tls.evidence["chain"][0]["not_after"].is_string());
}

#[test]
fn what_following_changes_needs_is_told() {
    let settings = vec![set("wal_level", "logical"), set("max_replication_slots", "1")];
    let server = server(15, &Options { auth: Auth::Trust, settings, ..Options::default() });
    server.psql("postgres", "create role plain login").unwrap();
    let url = |user: &str| format!("postgres://{user}@127.0.0.1:{}/postgres", server.port());
    let seen = assert_fails(&url("plain"), Rung::Replication, Symptom::NoReplicationRight);
    assert_eq!(seen.rung(Rung::Tls).unwrap().outcome, RungOutcome::NotSeen);
    assert_eq!(climb(&url("postgres")).rung(Rung::Replication).unwrap().outcome, RungOutcome::Pass);
    let slot = "select pg_create_logical_replication_slot('held', 'test_decoding')";
    server.psql("postgres", slot).unwrap();
    let seen = assert_fails(&url("postgres"), Rung::Replication, Symptom::NoFreeSlot);
    let (_, _, detail) = failure(&seen);
    assert_eq!(detail, "1 of 1 replication slots are taken");
    let settings = [("wal_level", "logical"), ("output_plugin_libraries", "test_decoding")];
    let settings = settings.map(|(name, value)| set(name, value)).to_vec();
    let strict = server_of(18, settings);
    assert_fails(&strict.url("postgres"), Rung::Replication, Symptom::PluginMissing);
    let require = format!("{}?sslmode=require", url("postgres"));
    let seen = assert_fails(&require, Rung::Tls, Symptom::NoTls);
    assert_eq!(seen.rung(Rung::Tls).unwrap().faults, ["tls/server-without-tls"]);
}

//! Debian's pgbouncer in front of a real server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use flexway_core::probes::{Rung, Symptom};
use flexway_lab::{Auth, Options, Server, installed};

use crate::child::{Served, free_port};
use crate::inside::{look, server};
use crate::{assert_fails, failure};

const PGBOUNCER: &str = "/usr/sbin/pgbouncer";

fn pooler(server: &Server, port: u16, more: &str) -> Served {
    let settings = format!(
        "[databases]\npostgres = host=127.0.0.1 port={} user=postgres\n\
         dead = host=127.0.0.1 port=1 user=postgres\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = trust\nauth_file = users\nserver_connect_timeout = 1\nquery_wait_timeout = 2\n{more}\n",
        server.port()
    );
    Served::start(
        "pgbouncer",
        port,
        |folder| {
            let users = folder.join("users");
            fs::write(&users, "\"postgres\" \"\"\n").unwrap();
            let settings = settings.replace("users", &users.display().to_string());
            fs::write(folder.join("pgbouncer.ini"), settings).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        },
        |folder| {
            let mut command = Command::new(PGBOUNCER);
            // As root it wants another user to become.
            if fs::metadata("/proc/self")
                .is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
            {
                command.args(["-u", "nobody"]);
            }
            command.arg(folder.join("pgbouncer.ini"));
            command
        },
    )
}

#[test]
fn a_pooler_is_no_server() {
    let server = Server::start(
        &installed::find(17).unwrap(),
        &Options { auth: Auth::Trust, ..Options::default() },
    );
    let server = server.unwrap();
    let port = free_port();
    let url =
        |port: u16, database: &str| format!("postgres://postgres@127.0.0.1:{port}/{database}");
    let strict = pooler(&server, port, "");
    let seen = assert_fails(&url(port, "postgres"), Rung::Startup, Symptom::Pooler);
    assert!(seen.rung(Rung::Startup).unwrap().detail.ends_with("is a pooler, not the server"));
    drop(strict);
    // One that swallows what it does not know betrays itself by the process that answers.
    let port = free_port();
    let _lenient = pooler(&server, port, "ignore_startup_parameters = options");
    let seen = assert_fails(&url(port, "postgres"), Rung::Startup, Symptom::Pooler);
    assert!(seen.rung(Rung::Startup).unwrap().detail.contains("pooler"));
    assert_fails(&url(port, "nowhere"), Rung::Startup, Symptom::NoDatabase);
    assert_fails(&url(port, "dead"), Rung::Startup, Symptom::Pooler);
}

#[test]
fn a_pooler_is_no_server_from_inside_either_and_keeps_no_slot() {
    let settings = vec![("wal_level".to_owned(), "logical".to_owned())];
    let options = Options { auth: Auth::Trust, settings, ..Options::default() };
    let (source, target) = (server(15, &options), server(17, &options));
    let modes = ["", "ignore_startup_parameters = options\npool_mode = transaction"];
    for (tool, mode) in
        ["dblink", "postgres_fdw"].into_iter().flat_map(|tool| modes.map(|mode| (tool, mode)))
    {
        target.psql("postgres", &format!("create extension {tool}")).unwrap();
        let port = free_port();
        let _pooler = pooler(&source, port, mode);
        let seen = look(&target, &format!("postgres://postgres:x@127.0.0.1:{port}/postgres"));
        let (rung, symptom, detail) = failure(&seen);
        assert_eq!((rung, symptom), (Rung::Startup, Symptom::Pooler), "{tool} {mode}: {detail}");
        let slots = "select count(*) from pg_replication_slots";
        assert_eq!(source.psql("postgres", slots).unwrap(), "0\n");
        target.psql("postgres", &format!("drop extension {tool}")).unwrap();
    }
}

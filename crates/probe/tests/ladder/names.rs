//! Names: Debian's unbound answers, and the system's own resolver.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use flexway_core::probes::{ProbePlan, Rung, RungOutcome, Symptom};

use crate::child::{Served, free_port};
use crate::{climb_as, failure};

const UNBOUND: &str = "/usr/sbin/unbound";

const ZONE: &str = "\
$ORIGIN azure.test.
@ 300 IN SOA ns hostmaster 1 60 60 60 60
@ 300 IN NS ns
ns 300 IN A 127.0.0.1
old.postgres.database 300 IN CNAME old.privatelink.postgres.database
old.privatelink.postgres.database 10 IN A 127.0.0.1
past.postgres.database 300 IN CNAME past.privatelink.postgres.database
past.privatelink.postgres.database 10 IN A 20.1.2.3
empty 300 IN TXT \"no address\"
";

fn resolver(port: u16) -> Served {
    Served::start(
        "unbound",
        port,
        |folder| {
            fs::write(folder.join("zone"), ZONE).unwrap();
            let folder = folder.display();
            let settings = format!(
                "server:\n directory: \"{folder}\"\n chroot: \"\"\n username: \"\"\n pidfile: \"\"\n \
                 use-syslog: no\n do-daemonize: no\n interface: 127.0.0.1@{port}\n \
                 module-config: \"iterator\"\n local-zone: \"test.\" nodefault\n local-zone: \"refused.test.\" refuse\n\
                 auth-zone:\n name: \"azure.test.\"\n zonefile: \"zone\"\n\
                 remote-control:\n control-enable: no\n"
            );
            fs::write(format!("{folder}/unbound.conf"), settings).unwrap();
        },
        |folder| {
            let mut command = Command::new(UNBOUND);
            command.args(["-d", "-c"]).arg(folder.join("unbound.conf"));
            command
        },
    )
}

fn ask(name: &str, server: SocketAddr) -> flexway_core::probes::Observation {
    let url = format!("host={name} user=bob dbname=d connect_timeout=2");
    let plan =
        ProbePlan { resolver: Some(server), up_to: Rung::Name, ..ProbePlan::of(url.clone()) };
    climb_as(&plan, &url)
}

#[test]
fn a_dns_server_is_asked_and_its_answer_shown() {
    let port = free_port();
    let _unbound = resolver(port);
    let server = SocketAddr::from(([127, 0, 0, 1], port));
    let seen = ask("old.postgres.database.azure.test", server);
    let name = seen.rung(Rung::Name).unwrap();
    assert_eq!(name.outcome, RungOutcome::Pass, "{name:?}");
    assert_eq!(seen.addresses, ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
    let names =
        ["old.postgres.database.azure.test", "old.privatelink.postgres.database.azure.test"];
    let answer = &name.evidence["answers"][0];
    assert_eq!(answer["names"], serde_json::json!(names));
    assert_eq!((&answer["answer"], &answer["keep_s"]), (&"found".into(), &10.into()));
    assert_eq!(name.evidence["addresses"][0]["class"], "this machine");

    let past = ask("past.postgres.database.azure.test", server);
    assert_eq!(past.rung(Rung::Name).unwrap().faults[0], "dns/zone-not-linked");
    let table = [
        ("none.azure.test", Symptom::NameUnknown),
        ("empty.azure.test", Symptom::NameWithoutAddress),
        ("x.refused.test", Symptom::NameServerFailed),
    ];
    for (name, symptom) in table {
        let (rung, found, detail) = failure(&ask(name, server));
        assert_eq!((rung, found), (Rung::Name, symptom), "{name}: {detail}");
    }
}

#[test]
fn a_silent_dns_server_is_given_up_in_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let since = Instant::now();
    let (_, symptom, _) = failure(&ask("db.example", silent.local_addr().unwrap()));
    assert_eq!(symptom, Symptom::NameServerSilent);
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    let closed = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let (_, symptom, detail) = failure(&ask("db.example", closed));
    assert_eq!(symptom, Symptom::NameServerFailed);
    assert!(detail.contains("refused"), "{detail}");
}

#[test]
fn the_systems_resolver_decides_unless_told_otherwise() {
    let url = "host=localhost port=1 user=bob dbname=d";
    let plan = ProbePlan { up_to: Rung::Name, ..ProbePlan::of(url) };
    let seen = climb_as(&plan, url);
    assert!(seen.addresses.iter().all(std::net::IpAddr::is_loopback), "{:?}", seen.addresses);
    assert_eq!(seen.rung(Rung::Name).unwrap().evidence["resolver"], "this machine");
    let url = "host=no-such-host.invalid user=bob dbname=d connect_timeout=5";
    let seen = climb_as(&ProbePlan { up_to: Rung::Name, ..ProbePlan::of(url) }, url);
    let (rung, symptom, _) = failure(&seen);
    assert_eq!(rung, Rung::Name);
    // Without any DNS server in reach the system cannot say that there is no such name.
    assert!(matches!(
        symptom,
        Symptom::NameUnknown | Symptom::NameServerFailed | Symptom::NameServerSilent
    ));
}

//! Symptoms of probes: what suspects them, what servers and clients say, and when it was seen.

use flexway_core::checks;
use flexway_core::probes::message::{client_address, dialled_address, of_client, of_refusal};
use flexway_core::probes::{Moment, Symptom};

const DAY_SECONDS: u64 = 86_400;

/// Every symptom, with the word of its rung, as the page lists them.
fn documented() -> Vec<(&'static str, Symptom)> {
    let page = include_str!("../../../../docs/probe-json.md");
    let mut all = Vec::new();
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let (rung, words) = row.trim_matches('|').split_once('|').expect("two columns");
        for word in words.split('`').skip(1).step_by(2) {
            let symptom = serde_json::from_value(word.into()).unwrap_or_else(|why| panic!("{why}"));
            all.push((rung.trim(), symptom));
        }
    }
    all
}

#[test]
fn every_suspect_has_a_page() {
    let is_known = |name: &str| match name.strip_suffix('/') {
        Some(_) => checks::ALL.iter().any(|check| check.fault.starts_with(name)),
        None => checks::find(name).is_some(),
    };
    for (_, symptom) in documented() {
        for name in symptom.faults() {
            assert!(is_known(name), "{symptom:?}: {name}");
        }
        assert!(!symptom.means().is_empty() && !symptom.fix().is_empty());
    }
}

#[test]
fn the_documented_symptoms_stand_at_their_rungs() {
    let all = documented();
    for (rung, symptom) in &all {
        assert!(*rung == "any" || symptom.rung().word() == *rung, "{symptom:?}");
    }
    // Listing one more in the enum makes its last number grow.
    assert_eq!(all.len(), Symptom::Other as usize + 1);
}

#[test]
fn a_symptom_suspects_by_what_is_dialled() {
    let azure = "x.postgres.database.azure.com";
    assert_eq!(Symptom::GateRefused.suspects("db.example.com"), ["host/pg-hba"]);
    assert_eq!(Symptom::GateRefused.suspects(azure)[0], "server/firewall-rule-missing");
    assert!(Symptom::Silent.fits("peering/initiated") && Symptom::Silent.fits("host/firewall"));
    assert!(!Symptom::Silent.fits("tls/version-mismatch"));
    assert!(!Symptom::GateRefused.is_beyond_network());
    assert!(Symptom::NoDatabase.is_beyond_network());
}

#[test]
fn texts_of_clients_are_told_apart() {
    let table = [
        (
            "could not translate host name \"db.invalid\" to address: Name or service not known",
            Symptom::NameUnknown,
        ),
        (
            "could not translate host name \"db\" to address: Temporary failure in name resolution",
            Symptom::NameServerFailed,
        ),
        (
            "could not connect to server: Connection refused\n\tIs the server running on host \"a\" \
             (10.0.0.4) and accepting\n\tTCP/IP connections on port 5432?",
            Symptom::Refused,
        ),
        (
            "connection to server at \"a\" (10.0.0.4), port 5432 failed: timeout expired",
            Symptom::Silent,
        ),
        (
            "connection to server at \"a\" (10.0.0.4), port 5432 failed: FATAL:  no \
             pg_hba.conf entry for host \"10.1.0.9\", user \"u\", database \"d\", SSL \
             encryption\nconnection to server at \"a\" (10.0.0.4), port 5432 failed: FATAL:  \
             no pg_hba.conf entry for host \"10.1.0.9\", user \"u\", database \"d\", no \
             encryption",
            Symptom::GateRefused,
        ),
        (
            "FATAL:  no pg_hba.conf entry for host \"1.2.3.4\", user \"u\", database \"d\", SSL off",
            Symptom::GateWantsEncryption,
        ),
        (
            "FATAL:  pg_hba.conf rejects connection for host \"1.2.3.4\", user \"u\", database \"d\", SSL on",
            Symptom::GateRefused,
        ),
        (
            "FATAL:  SSL connection is required. Specify SSL options and retry.",
            Symptom::GateWantsEncryption,
        ),
        (
            "FATAL:  Client from Azure Virtual Networks is not allowed to access the server.",
            Symptom::VnetRuleMissing,
        ),
        ("server does not support SSL, but SSL was required", Symptom::NoTls),
        ("SSL error: certificate verify failed", Symptom::AuthorityUnknown),
        ("server certificate for \"b\" does not match host name \"a\"", Symptom::CertificateName),
        ("received invalid response to SSL negotiation: H", Symptom::NotPostgres),
        ("SSL SYSCALL error: EOF detected", Symptom::Closed),
        ("FATAL:  password authentication failed for user \"u\"", Symptom::WrongPassword),
        ("FATAL:  role \"u\" does not exist", Symptom::NoRole),
        ("FATAL:  database \"d\" does not exist", Symptom::NoDatabase),
        ("FATAL:  sorry, too many clients already", Symptom::TooManyConnections),
        ("FATAL:  the database system is starting up", Symptom::Starting),
        ("FATAL:  LDAP authentication failed for user \"u\"", Symptom::WrongPassword),
        ("FATAL:  connection requires a valid client certificate", Symptom::MethodUnsupported),
        ("nothing that is known", Symptom::Other),
    ];
    for (text, symptom) in table {
        assert_eq!(of_client(text), symptom, "{text}");
    }
}

#[test]
fn a_server_of_another_language_is_read_by_its_code() {
    let german = "kein pg_hba.conf-Eintrag für Host »1.2.3.4«";
    assert_eq!(of_refusal("28000", german), Symptom::GateRefused);
    assert_eq!(of_refusal("28000", "Rolle »u« existiert nicht"), Symptom::NoRole);
    assert_eq!(of_refusal("3D000", "Datenbank »d« existiert nicht"), Symptom::NoDatabase);
    assert_eq!(of_refusal("08P01", "unsupported startup parameter: options"), Symptom::Pooler);
}

#[test]
fn addresses_are_taken_out_of_texts() {
    let text = "connection to server at \"a.example\" (10.0.0.4), port 5432 failed: FATAL:  \
        no pg_hba.conf entry for host \"10.1.0.9\", user \"u\", database \"d\", SSL encryption";
    assert_eq!(dialled_address(text), "10.0.0.4".parse().ok());
    assert_eq!(client_address(text), "10.1.0.9".parse().ok());
    let old = "could not connect to server: Connection refused\n\tIs the server running on \
        host \"a\" (::1) and accepting";
    assert_eq!(dialled_address(old), "::1".parse().ok());
    assert_eq!(client_address("no address (at all) here"), None);
}

#[test]
fn moments_are_written_as_they_are_read() {
    let known = [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_709_251_199, "2024-02-29T23:59:59Z"),
        (1_795_652_321, "2026-11-26T00:18:41Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
    ];
    for (seconds, text) in known {
        assert_eq!(Moment(seconds).to_string(), text);
        assert_eq!(Moment::parse(text), Some(Moment(seconds)), "{text}");
    }
    for day in 0..80_000 {
        let moment = Moment(day * DAY_SECONDS + day);
        assert_eq!(Moment::parse(&moment.to_string()), Some(moment));
    }
    assert_eq!(Moment::parse("2026-11-26T00:18:41.25+00:00"), Some(Moment(1_795_652_321)));
    for wrong in ["", "2026-11-26", "2026-13-01T00:00:00Z", "1969-12-31T00:00:00Z", "x"] {
        assert_eq!(Moment::parse(wrong), None, "{wrong}");
    }
}

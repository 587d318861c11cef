//! Observations laid over answers: agreement, decision, contradiction, and witnesses that prove nothing.

use flexway_core::diagnose::{self, Copier, Question, Report, Source};
use flexway_core::estate::Estate;
use flexway_core::finding::Certainty;
use flexway_core::fusion::{Agreement, fuse};
use flexway_core::probes::{
    Destination, Moment, Observation, Place, Rung, Symptom, read_observations,
};
use flexway_core::trace::step::{Outcome, Stage, Verdict};
use serde_json::json;

use crate::support;
use crate::support::observed::{DENIED, OWN_DNS, SOURCE, UNLINKED, blocked, through, with_address};

fn estate(edits: &[&str]) -> Estate {
    let mut resources = support::fixture("private-source");
    edits.iter().for_each(|edit| support::edit(&mut resources, edit));
    support::estate(&resources)
}

fn ask(estate: &Estate, question: &Question, seen: &[Observation]) -> Report {
    let mut report = diagnose::check(estate, question);
    fuse(estate, &mut report, seen);
    report
}

fn fused(edits: &[&str], seen: &[Observation]) -> Report {
    let estate = estate(edits);
    ask(&estate, &support::question(&estate), seen)
}

fn agreement(report: &Report) -> Agreement {
    report.fusion.as_ref().expect("fused").agreement
}

#[test]
fn what_both_say_is_surer() {
    let report = fused(&[], &[through(Rung::Auth)]);
    assert_eq!((report.verdict, agreement(&report)), (Verdict::Reachable, Agreement::Agrees));
    let seen = with_address(blocked(Symptom::PublicAccessOff), "20.1.2.3");
    let report = fused(UNLINKED, &[seen]);
    assert_eq!((report.verdict, agreement(&report)), (Verdict::Unreachable, Agreement::Agrees));
    assert_eq!(support::causes(&report), ["dns/zone-not-linked"]);
    assert_eq!(report.code, Some("ST008"));
    let report = fused(DENIED, &[blocked(Symptom::Silent)]);
    assert_eq!((report.verdict, agreement(&report)), (Verdict::Unreachable, Agreement::Agrees));
}

#[test]
fn contradictions_are_inconsistent_and_have_explanations_and_a_probe() {
    let table: [(&[&str], Observation); 7] = [
        (&[], blocked(Symptom::Silent)),
        (&[], blocked(Symptom::Refused)),
        (&[], blocked(Symptom::NameUnknown)),
        (&[], with_address(through(Rung::Auth), "10.99.0.1")),
        (DENIED, through(Rung::SslRequest)),
        // A refusal has passed the rule that is said to drop silently.
        (DENIED, blocked(Symptom::Refused)),
        (UNLINKED, with_address(through(Rung::Auth), "10.10.1.4")),
    ];
    for (edits, seen) in table {
        let words = format!("{edits:?} {:?}", seen.seen());
        let report = fused(edits, &[seen]);
        assert_eq!(report.verdict, Verdict::Inconsistent, "{words}");
        assert_eq!(report.code, None);
        let fusion = report.fusion.as_ref().expect("fused");
        assert_eq!(fusion.agreement, Agreement::Contradicts, "{words}");
        let count = fusion.hypotheses.len();
        assert!(count >= 2, "{words}: {fusion:#?}");
        let split = fusion.split.as_ref().expect("a probe that splits");
        assert!(split.if_yes.len() < count || split.if_no.len() < count, "{words}");
        for left in [&split.if_yes, &split.if_no] {
            assert!(left.iter().all(|number| (1..=count).contains(number)), "{split:?}");
        }
        let faults = fusion.hypotheses.iter().flat_map(|one| &one.faults);
        for fault in faults {
            assert!(flexway_core::checks::find(fault).is_some(), "{fault} has no page");
        }
    }
}

#[test]
fn explanations_speak_of_what_was_seen() {
    let explain = |seen: Observation| fused(&[], &[seen]).fusion.expect("fused").hypotheses;
    // The public address instead of the private one: silence there says nothing of the private way.
    let list = explain(with_address(blocked(Symptom::Silent), "20.1.2.3"));
    assert_eq!(list[0].faults[0], "dns/zone-not-linked", "{list:#?}");
    assert!(list.iter().all(|one| one.faults.iter().all(|fault| fault.starts_with("dns/"))));
    let list = explain(with_address(blocked(Symptom::Silent), "10.10.1.9"));
    assert_eq!(list[0].faults, ["dns/record-stale"]);
    // A sender that was judged is not the reason of a refusal; another one may be.
    let sent_from = |address: &str| {
        let mut seen = with_address(blocked(Symptom::GateRefused), "10.10.1.4");
        seen.seen_as = Some(address.parse().expect("an address"));
        let faults = explain(seen).into_iter().flat_map(|one| one.faults);
        faults.collect::<Vec<String>>()
    };
    let is_changed = |fault: &String| fault == "server/caller-address-changed";
    assert_eq!(sent_from("10.20.1.4").iter().filter(|one| is_changed(one)).count(), 1);
    assert_eq!(sent_from("10.20.9.4").iter().filter(|one| is_changed(one)).count(), 2);
    assert!(sent_from("10.20.1.4").contains(&"host/pg-hba".to_owned()));
}

#[test]
fn what_configuration_leaves_open_the_probe_decides() {
    let report = fused(OWN_DNS, &[]);
    assert_eq!(report.verdict, Verdict::Undetermined);
    let report = fused(OWN_DNS, &[through(Rung::Auth)]);
    assert_eq!((report.verdict, agreement(&report)), (Verdict::Reachable, Agreement::Decides));
    // The gate has not spoken yet.
    let report = fused(OWN_DNS, &[through(Rung::SslRequest)]);
    assert_eq!(report.verdict, Verdict::Undetermined);
    let report = fused(OWN_DNS, &[blocked(Symptom::PublicAccessOff)]);
    assert_eq!((report.verdict, agreement(&report)), (Verdict::Unreachable, Agreement::Decides));
    let has_reason =
        report.causes().next().is_some() || !report.fusion.expect("fused").hypotheses.is_empty();
    assert!(has_reason);
}

/// The server names the address that it refuses, where configuration does not tell it.
#[test]
fn a_refusal_that_names_the_caller_is_the_cause() {
    let public = r#"set servers/old-db /properties/publicNetworkAccess "Enabled""#;
    let none = r#"set servers/old-db /properties/privateEndpointConnections []"#;
    let gone = ["delete privateEndpoints/old-db-pe", "delete networkInterfaces/old-db-pe.nic"];
    let rule = r#"add {"id": "$source/Microsoft.DBforPostgreSQL/servers/old-db/firewallRules/office",
        "properties": {"startIpAddress": "20.1.1.1", "endIpAddress": "20.1.1.1"}}"#;
    let edits = [public, none, gone[0], gone[1], rule];
    let refused = |address: &str| {
        let mut seen = blocked(Symptom::GateRefused);
        seen.seen_as = Some(address.parse().expect("an address"));
        fused(&edits, &[seen])
    };
    assert_eq!(fused(&edits, &[]).verdict, Verdict::Undetermined);
    let report = refused("20.9.9.9");
    assert_eq!((report.verdict, agreement(&report)), (Verdict::Unreachable, Agreement::Decides));
    assert_eq!(support::causes(&report), ["server/firewall-rule-missing"]);
    let fix = &report.findings[0].fixes[0].changes[0];
    assert_eq!(fix.request.body["properties"]["startIpAddress"], "20.9.9.9");
    assert!(report.missing.is_empty(), "{:?}", report.missing);
    // A rule holds it: something else refuses. A private address is behind a rule for a subnet. Others no caller has.
    for address in ["20.1.1.1", "10.20.1.4", "0.0.0.0", "127.0.0.1", "224.0.0.1"] {
        let report = refused(address);
        let fixes = report.findings.iter().flat_map(|one| &one.fixes);
        let mut changes = fixes.flat_map(|fix| &fix.changes);
        let adds = changes.any(|one| one.kind == "add-firewall-rule");
        assert!(!adds, "{address}: {:?}", report.findings);
    }
}

#[test]
fn faults_that_only_a_probe_proves_are_found() {
    let estate = estate(&[]);
    let host = "10.10.1.50";
    let question = Question { source: Source::Host(host.to_owned()), ..support::question(&estate) };
    let at_host = |symptom: Symptom| {
        let mut seen = blocked(symptom);
        seen.to.host = host.to_owned();
        seen
    };
    let table = [
        (Symptom::Refused, "host/not-listening", Certainty::Possible),
        (Symptom::GateRefused, "host/pg-hba", Certainty::Certain),
        (Symptom::NoTls, "tls/server-without-tls", Certainty::Certain),
        (Symptom::TlsVersion, "tls/version-mismatch", Certainty::Certain),
        (Symptom::CertificateName, "tls/verification-failed", Certainty::Certain),
    ];
    for (symptom, fault, certainty) in table {
        let report = ask(&estate, &question, &[at_host(symptom)]);
        let found = report.causes().find(|cause| cause.fault == fault);
        let found = found.unwrap_or_else(|| panic!("{symptom:?}: {:?}", support::causes(&report)));
        assert_eq!(found.certainty, certainty, "{symptom:?}");
        assert!(found.message.contains(host), "{}", found.message);
    }
    let report = fused(&[], &[blocked(Symptom::LoginForm)]);
    assert_eq!(support::causes(&report), ["auth/login-lacks-server-name"]);
    assert_eq!(report.verdict, Verdict::Unreachable);
    let last = report.forward().last().expect("a path");
    assert_eq!(last.stage, Stage::Tls);
    // A wrong password is no fault of the way.
    let report = fused(&[], &[blocked(Symptom::WrongPassword)]);
    assert_eq!((report.verdict, agreement(&report)), (Verdict::Reachable, Agreement::Agrees));
    let last = report.forward().last().expect("a path");
    assert_eq!((last.stage, last.outcome), (Stage::Tls, Outcome::Pass));
}

#[test]
fn a_witness_from_elsewhere_proves_nothing_and_says_so() {
    let place = |place, host: &str| {
        let mut seen = through(Rung::Auth);
        seen.vantage.place = place;
        seen.vantage.host = Some(host.to_owned());
        seen
    };
    let dialled = |host: &str, port| {
        let mut seen = through(Rung::Auth);
        seen.to = Destination { host: host.to_owned(), port };
        seen
    };
    let strangers = [
        (place(Place::Here, "laptop"), "proves nothing about that way"),
        (place(Place::Relay, "relay"), "proves nothing about that way"),
        (place(Place::Target, "other-db.postgres.database.azure.com"), "not known by that name"),
        (dialled("other.postgres.database.azure.com", 5432), "the question is about"),
        (dialled(SOURCE, 6432), "port 6432"),
        (through(Rung::Tcp), "does not prove"),
        (through(Rung::Name), "stopped at the name"),
    ];
    for (seen, words) in strangers {
        for edits in [&[][..], DENIED, OWN_DNS] {
            let alone = fused(edits, &[]);
            let report = fused(edits, std::slice::from_ref(&seen));
            assert_eq!(report.verdict, alone.verdict, "{words}");
            assert_eq!(agreement(&report), Agreement::None);
            let witness = &report.fusion.as_ref().expect("fused").witnesses[0];
            assert_eq!(witness.flow, None);
            assert!(witness.why.contains(words), "{}", witness.why);
            let asks = report.missing.iter().any(|one| one.help.contains("--from target"));
            assert_eq!(asks, report.verdict == Verdict::Undetermined);
        }
    }
    let mut known = place(Place::Target, "10.20.1.4");
    let estate = estate(&[]);
    known.vantage.resource = Some(support::question(&estate).target.as_str().to_uppercase());
    known.vantage.resource =
        known.vantage.resource.map(|id| id.replace("/SUBSCRIPTIONS/", "/subscriptions/"));
    assert_eq!(agreement(&fused(&[], &[known])), Agreement::Agrees);
}

#[test]
fn the_newest_observation_counts_in_any_order() {
    let mut old = blocked(Symptom::Silent);
    old.time = Moment(1);
    let new = through(Rung::Auth);
    for list in [[old.clone(), new.clone()], [new, old]] {
        let report = fused(&[], &list);
        assert_eq!((report.verdict, agreement(&report)), (Verdict::Reachable, Agreement::Agrees));
    }
}

#[test]
fn each_flow_of_a_runtime_server_is_judged_by_its_own_observation() {
    let resources = support::fixture("private-source");
    let is_target = |one: &&serde_json::Value| {
        one["id"].as_str().is_some_and(|id| id.ends_with("flexibleServers/new-db"))
    };
    let target = resources.iter().find(is_target).expect("the target").to_string();
    let runtime = target.replace("new-db", "runtime-db");
    let edits = [
        format!("add {runtime}"),
        r#"set flexibleServers/new-db /properties/state "Stopped""#.to_owned(),
    ];
    let edits: Vec<&str> = edits.iter().map(String::as_str).collect();
    let estate = estate(&edits);
    let copier = Copier::Runtime(estate.find_server("runtime-db").expect("added"));
    let question = Question { copier, ..support::question(&estate) };
    let from_runtime = |host: &str| {
        let mut seen = through(Rung::Auth);
        seen.vantage.place = Place::Runtime;
        seen.vantage.host = Some("runtime-db.postgres.database.azure.com".to_owned());
        seen.to.host = host.to_owned();
        seen
    };
    let alone = ask(&estate, &question, &[]);
    assert_eq!(support::causes(&alone), ["server/not-ready"]);
    let source = from_runtime(SOURCE);
    let report = ask(&estate, &question, std::slice::from_ref(&source));
    assert_eq!((report.verdict, agreement(&report)), (Verdict::Unreachable, Agreement::Agrees));
    let target = from_runtime("new-db.postgres.database.azure.com");
    let report = ask(&estate, &question, &[source, target]);
    assert_eq!(report.verdict, Verdict::Inconsistent);
}

#[test]
fn a_relay_host_needs_both_ways() {
    let estate = estate(&[]);
    let question = Question { copier: Copier::Relay, ..support::question(&estate) };
    let from_relay = |host: &str| {
        let mut seen = through(Rung::Auth);
        seen.vantage.place = Place::Relay;
        seen.to.host = host.to_owned();
        seen
    };
    let (source, target) = (from_relay(SOURCE), from_relay("new-db.postgres.database.azure.com"));
    let verdict = |seen: &[Observation]| ask(&estate, &question, seen).verdict;
    assert_eq!(verdict(std::slice::from_ref(&source)), Verdict::Undetermined);
    assert_eq!(verdict(std::slice::from_ref(&target)), Verdict::Undetermined);
    assert_eq!(verdict(&[source.clone(), target]), Verdict::Reachable);
    let mut dead = source;
    dead.rungs = blocked(Symptom::Silent).rungs;
    let report = ask(&estate, &question, &[dead]);
    assert_eq!(report.verdict, Verdict::Unreachable);
    assert!(!report.fusion.expect("fused").hypotheses.is_empty());
}

#[test]
fn observations_are_read_in_every_shape_and_refused_when_they_are_none() {
    let one = json!(through(Rung::Auth));
    for shape in
        [json!(one), json!([one]), json!({ "schema": "flexway.probe/1", "observations": [one] })]
    {
        assert_eq!(read_observations(shape).expect("read"), [through(Rung::Auth)]);
    }
    let mut shuffled = through(Rung::Auth);
    shuffled.rungs.reverse();
    let mut foreign = through(Rung::Auth);
    foreign.schema = "flexway.observation/9".to_owned();
    for wrong in [
        json!(1),
        json!({}),
        json!({ "observations": 1 }),
        json!([1]),
        json!(shuffled),
        json!(foreign),
    ] {
        assert!(read_observations(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn whatever_was_seen_the_answer_has_a_reason() {
    const ALL: [Symptom; 24] = [
        Symptom::NameUnknown,
        Symptom::NameServerSilent,
        Symptom::Refused,
        Symptom::Silent,
        Symptom::Unreachable,
        Symptom::Forbidden,
        Symptom::Reset,
        Symptom::Mute,
        Symptom::Closed,
        Symptom::NotPostgres,
        Symptom::NoTls,
        Symptom::TlsVersion,
        Symptom::AuthorityUnknown,
        Symptom::HandshakeBroken,
        Symptom::GateWantsEncryption,
        Symptom::GateRefused,
        Symptom::PublicAccessOff,
        Symptom::VnetRuleMissing,
        Symptom::LoginForm,
        Symptom::Starting,
        Symptom::Pooler,
        Symptom::WrongPassword,
        Symptom::NoFreeSlot,
        Symptom::Other,
    ];
    let seen = ALL.map(blocked).into_iter().chain(Rung::ALL.map(through));
    let seen: Vec<Observation> = seen
        .flat_map(|one| {
            [with_address(one.clone(), "10.10.1.4"), with_address(one.clone(), "20.1.2.3"), one]
        })
        .collect();
    let mut verdicts = std::collections::BTreeSet::new();
    for edits in [&[][..], UNLINKED, DENIED, OWN_DNS] {
        let alone = fused(edits, &[]);
        for one in &seen {
            let report = fused(edits, std::slice::from_ref(one));
            let words = format!("{edits:?} {:?} {:?}", one.seen(), one.addresses);
            let fusion = report.fusion.as_ref().expect("fused");
            let has_cause = report.causes().next().is_some();
            match report.verdict {
                Verdict::Inconsistent => assert!(!fusion.hypotheses.is_empty(), "{words}"),
                Verdict::Unreachable => {
                    assert!(has_cause || !fusion.hypotheses.is_empty(), "{words}");
                }
                Verdict::Undetermined => assert!(!report.missing.is_empty(), "{words}"),
                Verdict::Reachable => {
                    let is_seen = fusion.witnesses.iter().any(|witness| witness.flow.is_some());
                    assert!(alone.verdict == Verdict::Reachable || is_seen, "{words}");
                    assert!(!has_cause, "{words}");
                }
                Verdict::Partial => {}
            }
            verdicts.insert(format!("{:?}", report.verdict));
            let json = report.to_json();
            assert_eq!(json["probes"]["witnesses"].as_array().map(Vec::len), Some(1));
        }
    }
    assert_eq!(verdicts.len(), 4, "{verdicts:?}");
}

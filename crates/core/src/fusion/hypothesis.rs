//! What would explain that configuration and probe contradict each other.

use serde::Serialize;

use crate::diagnose::Report;
use crate::fusion::predicted::{Predicted, is_private};
use crate::fusion::split::Test;
use crate::probes::{Observation, Rung, Seen, Symptom, is_azure};

/// One explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hypothesis {
    /// What would be so, in a sentence.
    pub title: String,
    /// Faults that it would be; empty where it is none.
    pub faults: Vec<String>,
    /// What each test would show if it were so.
    #[serde(skip)]
    pub(super) shows: Vec<(Test, bool)>,
}

/// How they contradict each other.
pub(super) enum Conflict<'a> {
    /// The name gives something else.
    Name { predicted: &'a Predicted, seen: &'a Observation },
    /// The probe came through where it should not.
    Through { seen: &'a Observation },
    /// The probe was blocked where it should not, or otherwise than it should. Whether the address that the server saw is among
    /// those that were judged.
    Blocked { seen: &'a Observation, symptom: Symptom, is_known_sender: bool },
}

/// Explanations, most likely first.
pub(super) fn of(conflict: &Conflict<'_>, report: &Report) -> Vec<Hypothesis> {
    match conflict {
        Conflict::Name { predicted, seen } => name(predicted, seen),
        Conflict::Through { seen } => through(report, seen),
        Conflict::Blocked { seen, symptom, is_known_sender } => {
            blocked(report, seen, *symptom, *is_known_sender)
        }
    }
}

fn one(title: impl Into<String>, faults: &[&str], shows: &[(Test, bool)]) -> Hypothesis {
    let faults = faults.iter().map(|fault| (*fault).to_owned()).collect();
    Hypothesis { title: title.into(), faults, shows: shows.to_vec() }
}

/// What was captured is no longer so.
fn since(what: impl Into<String>, faults: &[&str]) -> Hypothesis {
    one(what, faults, &[(Test::CaptureAgain, true), (Test::ProbeAgain, false)])
}

fn changed(what: &str, faults: &[&str]) -> Hypothesis {
    since(format!("{what} changed after the capture"), faults)
}

fn name(predicted: &Predicted, seen: &Observation) -> Vec<Hypothesis> {
    let addresses: Vec<String> = seen.addresses.iter().map(ToString::to_string).collect();
    let is = format!("the name gives {}, not {}", addresses.join(", "), predicted.words());
    // A zone that no longer answers leaves the public address.
    let edited = match predicted.is_private() && !seen.addresses.iter().any(is_private) {
        true => since(
            format!(
                "a link of the zone went after the capture, or the network got other DNS servers: {is}"
            ),
            &["dns/zone-not-linked", "dns/custom-server-not-forwarding"],
        ),
        false => since(
            format!(
                "a record, a link of the zone, or the network's DNS servers changed after the capture: {is}"
            ),
            &["dns/record-stale"],
        ),
    };
    vec![
        edited,
        one(
            "an older answer is still kept there, until its time to live ends",
            &["dns/link-in-progress"],
            &[(Test::CaptureAgain, false), (Test::ProbeAgain, true), (Test::AskAzureThere, true)],
        ),
        one(
            "a DNS server other than Azure's answers there, or a hosts file",
            &["dns/custom-server-not-forwarding", "dns/forwarder-privatelink-only"],
            &[(Test::CaptureAgain, false), (Test::ProbeAgain, false), (Test::AskAzureThere, true)],
        ),
    ]
}

fn through(report: &Report, seen: &Observation) -> Vec<Hypothesis> {
    let causes: Vec<&str> = report.causes().map(|cause| cause.fault).collect();
    let mut list = vec![
        since("what blocks in the capture was repaired since", &causes),
        one(
            "there is a way that was not captured: another peering, a gateway, a network manager's group",
            &[],
            &[
                (Test::CaptureAgain, false),
                (Test::ProbeAgain, false),
                (Test::Identity, true),
                (Test::CaptureWider, true),
            ],
        ),
        one(
            "another server answers under that name",
            &["endpoint/wrong-server", "dns/record-stale"],
            &[
                (Test::CaptureAgain, false),
                (Test::ProbeAgain, false),
                (Test::Identity, false),
                (Test::CaptureWider, false),
            ],
        ),
    ];
    if causes.iter().any(|fault| fault.starts_with("dns/")) {
        list.push(one(
            "a DNS server other than Azure's answers there, or a hosts file",
            &[],
            &[(Test::CaptureAgain, false), (Test::ProbeAgain, false), (Test::AskAzureThere, true)],
        ));
    }
    if matches!(seen.seen(), Seen::Through(rung) | Seen::Blocked(rung, _) if rung < Rung::Startup) {
        list.push(one(
            "a device in between answers in the server's place",
            &["route/opaque-appliance"],
            &[(Test::CaptureAgain, false), (Test::Identity, false), (Test::PacketsAtSource, false)],
        ));
    }
    list
}

fn blocked(
    report: &Report,
    seen: &Observation,
    symptom: Symptom,
    is_known_sender: bool,
) -> Vec<Hypothesis> {
    let host = &seen.to.host;
    let hidden = |title: &str, faults: &[&str], arrives: bool| {
        one(
            title,
            faults,
            &[
                (Test::CaptureAgain, false),
                (Test::ProbeAgain, false),
                (Test::PacketsAtSource, arrives),
                (Test::ProbeNearSource, !arrives),
            ],
        )
    };
    let soon = one(
        "a change of rules, links or endpoints is not yet in effect",
        &[],
        &[(Test::CaptureAgain, false), (Test::ProbeAgain, true)],
    );
    let mut list = Vec::new();
    match symptom {
        Symptom::Silent | Symptom::Unreachable | Symptom::Forbidden => {
            if !is_azure(host) {
                list.push(hidden("the source's own firewall drops", &["host/firewall"], true));
            }
            list.push(changed("a rule, a route or a peering on the way", symptom.suspects(host)));
            list.push(hidden(
                "something drops that was not captured: a network manager's rule, an appliance, a device on-premises",
                &["filter/admin-rule-denied", "route/opaque-appliance"],
                false,
            ));
            list.push(hidden(
                "the answers do not find back",
                &["route/return-asymmetric", "route/on-premises-return-missing"],
                true,
            ));
            list.push(soon);
        }
        Symptom::Refused | Symptom::Reset => {
            list.push(since("the server stopped after the capture", &["server/not-ready"]));
            list.push(hidden(
                "nothing listens at the address that was dialled",
                symptom.suspects(host),
                true,
            ));
            list.push(hidden(
                "a firewall in between rejects instead of dropping",
                &["route/opaque-appliance"],
                false,
            ));
        }
        Symptom::Mute | Symptom::Closed | Symptom::CutOff | Symptom::NotPostgres => {
            if symptom == Symptom::Mute {
                list.push(hidden(
                    "the server hangs, or is overloaded",
                    &["server/not-ready"],
                    true,
                ));
            }
            list.push(hidden(
                "a firewall or load balancer accepts for a server that it cannot reach",
                &["route/opaque-appliance"],
                false,
            ));
            list.push(hidden(
                "the name or the address leads to another machine",
                &["dns/record-stale", "endpoint/wrong-server"],
                false,
            ));
            list.push(changed("the server's state", &["server/not-ready"]));
        }
        Symptom::GateRefused | Symptom::VnetRuleMissing | Symptom::GateWantsEncryption => {
            let title = match seen.seen_as {
                Some(address) => format!(
                    "the server sees the copier as {address}, an address that its rules were not judged for"
                ),
                None => {
                    "the server sees the copier under an address that its rules were not judged for"
                        .to_owned()
                }
            };
            if !is_known_sender {
                list.push(one(
                    title,
                    &["server/caller-address-changed", "server/nat-address-not-allowed"],
                    &[(Test::CaptureAgain, false), (Test::ProbeAgain, false)],
                ));
            }
            list.push(changed("a firewall or VNet rule of the server", symptom.suspects(host)));
            list.push(hidden(
                "the server's own access file (pg_hba.conf) does not let this login in",
                &["host/pg-hba"],
                true,
            ));
            list.push(soon);
        }
        Symptom::PublicAccessOff
        | Symptom::NameUnknown
        | Symptom::NameWithoutAddress
        | Symptom::NameServerSilent
        | Symptom::NameServerFailed => {
            list.push(one(
                "a DNS server other than Azure's answers there, or a hosts file",
                &["dns/custom-server-not-forwarding", "dns/custom-server-unreachable"],
                &[
                    (Test::CaptureAgain, false),
                    (Test::ProbeAgain, false),
                    (Test::AskAzureThere, true),
                ],
            ));
            list.push(changed(
                "a record, a link of the zone, or the network's DNS servers",
                symptom.suspects(host),
            ));
            list.push(one(
                "a link or record is not yet in effect, or an older answer is still kept",
                &["dns/link-in-progress"],
                &[(Test::CaptureAgain, false), (Test::ProbeAgain, true)],
            ));
        }
        // Beyond the network and its gates; a path is not contradicted by these.
        Symptom::NoTls
        | Symptom::TlsVersion
        | Symptom::AuthorityUnknown
        | Symptom::CertificateName
        | Symptom::CertificateDates
        | Symptom::CertificateUnusable
        | Symptom::HandshakeRefused
        | Symptom::HandshakeBroken
        | Symptom::LoginForm
        | Symptom::NoDatabase
        | Symptom::NoConnectRight
        | Symptom::TooManyConnections
        | Symptom::Starting
        | Symptom::DatabaseClosed
        | Symptom::Pooler
        | Symptom::WrongPassword
        | Symptom::NoPassword
        | Symptom::NoRole
        | Symptom::MethodUnsupported
        | Symptom::Unproven
        | Symptom::WalLevel
        | Symptom::NoReplicationRight
        | Symptom::NoFreeSlot
        | Symptom::PluginMissing
        | Symptom::Other => list.push(changed("something on the way", symptom.suspects(host))),
    }
    if !report.missing.is_empty() {
        let what: Vec<&str> = report.missing.iter().take(2).map(|one| one.what.as_str()).collect();
        let title = format!("what was not observed decides: {}", what.join("; "));
        list.insert(0, one(title, &[], &[(Test::CaptureWider, true), (Test::ProbeAgain, false)]));
    }
    list
}

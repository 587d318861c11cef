//! A server of Azure that refused the copier and said which address it saw: no firewall rule holds that address.

use std::net::{IpAddr, Ipv4Addr};

use crate::address::internet;
use crate::change::server;
use crate::diagnose::{Report, Source};
use crate::estate::Estate;
use crate::estate::server::FirewallRule;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::probes::{Observation, Symptom};
use crate::trace::step::{Outcome, Stage, Verdict};

/// The fault that configuration names where no address of the copier is known to be let in.
const MISSING: &str = "server/firewall-rule-missing";

/// The fault of a rule for an address that the copier has no more.
const CHANGED: &str = "server/caller-address-changed";

/// What the server said that it saw.
struct Refused<'a> {
    server: ResourceId,
    address: Ipv4Addr,
    seen: &'a Observation,
}

/// Makes the refusal the cause, where configuration could not tell or took it that the door opens by itself; whether it did.
pub(super) fn decide(
    estate: &Estate,
    report: &mut Report,
    (seen, symptom): (&Observation, Symptom),
) -> bool {
    let Some(refused) = read(report, (seen, symptom)) else { return false };
    let is_open = match report.verdict {
        Verdict::Undetermined => true,
        Verdict::Reachable => report.findings.iter().any(|one| one.fault == MISSING),
        _ => false,
    };
    let mut rules = estate.children::<FirewallRule>(&refused.server);
    if !is_open || rules.any(|(_, rule)| rule.addresses().contains(refused.address)) {
        return false;
    }
    let finding = refused.finding(estate, report);
    report.findings.retain(|one| one.fault != MISSING);
    report.findings.insert(0, finding);
    let Report { flows, missing, .. } = report;
    let steps = flows.iter_mut().take(1).flat_map(|flow| &mut flow.forward);
    for step in steps.filter(|step| step.stage == Stage::Admit) {
        step.outcome = Outcome::Drop;
        step.detail = format!("the server refuses {}: no firewall rule holds it", refused.address);
        let known = step.missing.take();
        missing.retain(|one| Some(one) != known.as_ref());
    }
    true
}

fn read<'a>(report: &Report, (seen, symptom): (&'a Observation, Symptom)) -> Option<Refused<'a>> {
    let (Source::Server(server), Some(IpAddr::V4(address))) =
        (&report.question.source, seen.seen_as)
    else {
        return None;
    };
    // A rule for 0.0.0.0 would let in all of Azure.
    let is_public = internet().contains(address);
    let server = server.clone();
    (symptom == Symptom::GateRefused && is_public).then_some(Refused { server, address, seen })
}

impl Refused<'_> {
    fn finding(&self, estate: &Estate, report: &Report) -> Finding {
        let Refused { server, address, seen } = self;
        let message = format!(
            "no firewall rule of server `{}` holds {address}, the address with which it sees the copier",
            server.name()
        );
        let why = format!(
            "the server refused a connection from the copier's place at {} and named the address",
            seen.time
        );
        let rule = server::add_firewall_rule(estate, server, (*address, *address));
        // A copier outside all networks has the address that Azure gave it; a rule for another one may have been its own.
        let has_rule = estate
            .children::<FirewallRule>(server)
            .any(|(_, rule)| rule.start == rule.end && !rule.is_all_of_azure());
        let fault = if report.place.is_none() && has_rule { CHANGED } else { MISSING };
        let mut finding = Finding::blocks(message, why).at(server, "").fix(Fix::of(vec![rule]));
        finding.fault = fault;
        finding
    }
}

//! The DNS servers of the copier's network cannot be reached from the copier's subnet.

use crate::checks::questions;
use crate::finding::{Finding, Fix};
use crate::shell::quoted;
use crate::trace::Path;
use crate::trace::dns_servers::{custom_servers, dns_owner_words};
use crate::trace::step::{Stage, Step};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let (server, leg) = path.dns_server.as_ref()?;
    let closed = questions::closed(leg)?;
    let all = custom_servers(path.estate, start).unwrap_or_default();
    let others = all.iter().filter(|one| *one != server).map(|one| format!(", nor can {one}"));
    let message = format!(
        "DNS server {server} of {} cannot be reached on port 53: {}{}",
        dns_owner_words(path.estate, start),
        closed.detail,
        others.collect::<String>()
    );
    let says = closed.rule.as_ref().map(|rule| format!("the rule says: {rule}; "));
    let why = format!(
        "{}a network with DNS servers of its own asks nobody else: without them no name is found",
        says.unwrap_or_default()
    );
    let finding = Finding::blocks(message, why);
    let finding = match closed.facts.first() {
        Some(fact) => finding.at(&fact.resource, fact.pointer.clone()),
        None => finding.at(&start.vnet, path.estate.locate(&start.vnet, "", "dhcpOptions")),
    };
    let fix = questions::mend(path, leg, *server);
    let fix = fix.or_else(|| proxy_on(closed));
    let fix = fix.unwrap_or_else(|| Fix::advice("mend the way to the DNS server"));
    Some(finding.fix(fix).fix(Fix::advice(
        "list a DNS server that can be reached, or take the list away where Azure's resolver knows all names that are asked for",
    )))
}

/// How the DNS proxy of the firewall that gives no answer is switched on.
fn proxy_on(closed: &Step) -> Option<Fix> {
    let teller = closed.resource.as_ref().filter(|_| closed.stage == Stage::Listen)?;
    let command = match teller {
        id if id.is_type("microsoft.network/firewallpolicies") => "policy update",
        id if id.is_type("microsoft.network/azurefirewalls") => "update",
        _ => return None,
    };
    let id = quoted(teller.as_str());
    Some(Fix::advice(format!(
        "switch the firewall's DNS proxy on: `az network firewall {command} --ids {id} --enable-dns-proxy true`"
    )))
}

//! The DNS servers of the copier's network cannot be reached from the copier's subnet.

use crate::checks::questions;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::dns_servers::{custom_servers, dns_owner_words};
use crate::trace::step::Stage;

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
    let advice = match closed.stage {
        Stage::Listen => {
            "switch the firewall's DNS proxy on: `az network firewall policy update --enable-dns-proxy true`"
        }
        _ => "mend the way to the DNS server",
    };
    let fix = fix.unwrap_or_else(|| Fix::advice(advice));
    Some(finding.fix(fix).fix(Fix::advice(
        "list a DNS server that can be reached, or take the list away where Azure's resolver knows all names that are asked for",
    )))
}

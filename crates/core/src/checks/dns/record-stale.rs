//! The source's A record holds an address that no private endpoint of the source has.

use std::net::Ipv4Addr;

use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::resolve::Answer;

const WHY: &str = "packets go to an address where nothing answers, or something else does";

pub(super) fn find(path: &Path) -> Option<Finding> {
    path.start.as_ref()?;
    in_zone_of_all(path).or_else(|| in_zone_meant(path)).or_else(|| in_own_zone(path))
}

/// No record in the own zone of an injected server leads into its subnet.
fn in_own_zone(path: &Path) -> Option<Finding> {
    let (subnet, own) = path.to.delegated_subnet.as_ref().zip(path.to.private_zone.as_ref())?;
    let name = path.name.as_ref()?;
    let (Answer::Addresses(addresses), Some((zone, _))) = (&name.answer, &name.zone) else {
        return None;
    };
    let record = name.record.as_ref().filter(|_| zone == own)?;
    let message = format!(
        "A record `{}` of zone `{}` holds {}; server `{}` is in subnet `{}`",
        record.name(),
        own.name(),
        words(addresses),
        path.to_id.name(),
        subnet.name()
    );
    let advice = "let the server use the zone anew, which writes its record: a lock may have kept it from that";
    let pointer = path.estate.locate(record, "", "aRecords");
    Some(Finding::blocks(message, WHY).at(record, pointer).fix(Fix::advice(advice)))
}

/// The record in a zone that takes the names of all servers: it decides, wrong as it is.
fn in_zone_of_all(path: &Path) -> Option<Finding> {
    let (record, zone) = super::public_suffix_zone_linked::takers(path)
        .find_map(|(one, zone, _)| Some((one.record.as_ref()?, zone)))?;
    let message = format!(
        "A record `{}` of zone `{}` holds an address that is not that of `{}`",
        record.name(),
        zone.name(),
        path.to_id.name()
    );
    let pointer = path.estate.locate(record, "", "aRecords");
    let finding = Finding::blocks(message, WHY).at(record, pointer);
    let fix = super::public_suffix_zone_linked::own_record(path, zone);
    Some(finding.fix(fix.unwrap_or_else(advice)))
}

fn words(addresses: &[Ipv4Addr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn advice() -> Fix {
    Fix::advice("write the server's address into the record")
}

fn in_zone_meant(path: &Path) -> Option<Finding> {
    let (record, addresses) = path.record_meant()?;
    let other = path.other_owner(&addresses);
    if !path.is_stale(&addresses) || other.is_some() && !path.leads_past_own(&addresses) {
        return None; // endpoint/wrong-server
    }
    let view = path.endpoint()?;
    let real = view.addresses.as_ref().map(|list| words(list)).unwrap_or_default();
    let whose = other.map(|(endpoint, service)| {
        format!(", the address of `{}` of `{}`", endpoint.name(), service.name())
    });
    let message = format!(
        "A record `{}` holds {}{}; private endpoint `{}` of `{}` has {real}",
        record.name(),
        words(&addresses),
        whose.unwrap_or_default(),
        view.id.name(),
        path.to_id.name()
    );
    let pointer = path.estate.locate(&record, "", "aRecords");
    let finding = Finding::blocks(message, WHY).at(&record, pointer);
    Some(finding.fixes_or(fixes::right_record(path, view), advice))
}

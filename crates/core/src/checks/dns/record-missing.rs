//! The zone that should hold the source's private address has no record of it.

use crate::checks::fixes;
use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::resolve::{self, Answer};
use crate::trace::unproven;

const WHY: &str =
    "a linked zone owns its names: a name that it lacks does not exist, public DNS is not asked";

pub(super) fn find(path: &Path) -> Option<Finding> {
    if path.to.kind == ServerKind::Host {
        return of_machine(path);
    }
    if path.to.delegated_subnet.is_some() {
        return of_injected(path);
    }
    // Where a public way is meant, no record is wanted.
    let meant = path.endpoint().filter(|_| path.asks_zones())?;
    let (zone, label) = path.record_set()?;
    let is_known = path.estate.has_zone(&zone);
    let full = resolve::private_link_name(&path.server_name())?;
    let is_alias = resolve::find_record(path.estate, &zone, &full)
        .is_some_and(|(_, record)| record.alias.is_some());
    let is_answered =
        path.name.as_ref().is_some_and(|name| match (&name.answer, &meant.addresses) {
            (Answer::Addresses(found), Ok(own)) => found.iter().any(|one| own.contains(one)),
            _ => false,
        });
    // Another zone answers for it, and rightly: nobody asks this one.
    if is_answered
        || is_alias
        || !is_known
        || path.record_meant().is_some()
        || path.is_kept(&zone)
        || resolve::written_record(path.estate, &zone, &full).is_some()
        || super::same_named_zone_linked::other_with_record(path, &zone, &full).is_some()
    {
        return None;
    }
    let (name, server) = (zone.name(), path.to_id.name());
    if path.unseen_record(&zone).is_some() {
        // A change here could overwrite what is there.
        let message =
            format!("whether private DNS zone `{name}` has an A record `{label}` was not observed");
        let why = format!("{WHY}; the zone counts record sets, and none of them was captured");
        return Some(Finding::blocks(message, why).possible().at(&zone, ""));
    }
    let whose = if label == server { String::new() } else { format!(" for `{server}`") };
    let message = format!("private DNS zone `{name}` has no A record `{label}`{whose}");
    let finding = Finding::blocks(message, WHY).at(&zone, "");
    let advice = || {
        Fix::advice(format!(
            "attach zone `{}` to the private endpoint by a zone group, which writes the record",
            zone.name()
        ))
    };
    Some(finding.fixes_or(fixes::right_record(path, meant), advice))
}

/// The own zone of an injected server holds no record at all.
fn of_injected(path: &Path) -> Option<Finding> {
    let own = path.to.private_zone.as_ref()?;
    let name = path.name.as_ref().filter(|name| name.answer == Answer::NoSuchName)?;
    // Whoever links the zone then meets that.
    let is_asked = name.zone.as_ref().is_some_and(|(zone, _)| zone == own);
    let is_empty = || name.zone.is_none() && unproven::is_empty(path.estate, own);
    if !is_asked && !is_empty() {
        return None;
    }
    let message = format!(
        "private DNS zone `{}` of server `{}` holds no A record",
        own.name(),
        path.to_id.name()
    );
    let why =
        format!("{} is an alias into that zone and has no public address", name.names.join(" -> "));
    let advice = "let the server use the zone anew, which writes its record: it may have been deleted, or a lock kept it out";
    let pointer = path.estate.locate(own, "", "numberOfRecordSets");
    Some(Finding::blocks(message, why).at(own, pointer).fix(Fix::advice(advice)))
}

/// The zone that owns the name of a machine does not know it.
fn of_machine(path: &Path) -> Option<Finding> {
    let (zone, link) =
        path.name.as_ref().filter(|name| name.answer == Answer::NoSuchName)?.zone.as_ref()?;
    let message =
        format!("private DNS zone `{}` has no A record of `{}`", zone.name(), path.server_name());
    let advice = format!("add an A record of `{}` to zone `{}`", path.server_name(), zone.name());
    Some(Finding::blocks(message, WHY).at(link, "").fix(Fix::advice(advice)))
}

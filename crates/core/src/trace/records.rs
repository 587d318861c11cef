//! Where the record of a server belongs, and what stands there.

use std::net::Ipv4Addr;

use super::{Path, resolve, unproven};
use crate::estate::Missing;
use crate::id::ResourceId;

impl Path<'_> {
    /// The privatelink name of the server.
    pub(super) fn private_link_name(&self) -> Option<String> {
        resolve::private_link_name(&self.server_name())
    }

    /// Name of the zone that a private endpoint's record belongs in.
    pub fn zone_name_meant(&self) -> Option<String> {
        Some(self.private_link_name()?.split_once('.')?.1.to_owned())
    }

    /// The zone that holds, or should hold, the record of the server's endpoint: the one that answered, the one attached to the
    /// endpoint, or one of the right name: with the endpoint's address before another one, and with a record before without.
    pub fn zone_meant(&self) -> Option<ResourceId> {
        let name = self.zone_name_meant()?;
        let is_right = |zone: &ResourceId| zone.name().eq_ignore_ascii_case(&name);
        if let Some((zone, _)) = self.name.as_ref().and_then(|resolution| resolution.zone.as_ref())
            && is_right(zone)
        {
            return Some(zone.clone());
        }
        let views = self.endpoint().into_iter().chain(self.endpoints.iter().map(|view| &**view));
        let mut attached = views.filter_map(|view| view.zone_group.as_ref()).flatten();
        if let Some(zone) = attached.find(|zone| is_right(zone)) {
            return Some(zone.clone());
        }
        let zones = self.estate.zones_named(&name);
        let full = self.private_link_name()?;
        let record = |zone: &ResourceId| resolve::find_record(self.estate, zone, &full);
        let leads = |zone: &&ResourceId| {
            let addresses = record(zone).and_then(|(_, record)| record.addresses.as_ref());
            addresses.is_some_and(|all| !all.is_empty() && self.holder(all).is_some())
        };
        let with_record = || zones.iter().find(|zone| record(zone).is_some());
        let best = zones.iter().find(leads).or_else(with_record).or(zones.first());
        best.cloned()
    }

    /// Where the server's record belongs, and the name to look up: in the zone that is meant, in the one that an alias there leads into,
    /// or in one of a longer name, which is asked instead.
    fn record_place(&self) -> Option<(ResourceId, String)> {
        let (meant, name) = (self.zone_meant()?, self.private_link_name()?);
        let is_alias = || {
            let record = resolve::find_record(self.estate, &meant, &name);
            record.is_some_and(|(_, record)| record.alias.is_some())
        };
        let end = self.name.as_ref().and_then(|resolution| {
            let (zone, _) = resolution.zone.as_ref().filter(|(zone, _)| *zone != meant)?;
            let is_longer =
                zone.name().len() > meant.name().len() && resolve::holds(zone.name(), &name);
            (is_longer || is_alias()).then(|| (zone.clone(), resolution.names.last().cloned()))
        });
        match end {
            Some((zone, asked)) => Some((zone, asked?)),
            None => Some((meant, name)),
        }
    }

    /// A zone that knows the address of a machine's name, whoever it is linked to.
    pub fn zone_of_machine(&self) -> Option<ResourceId> {
        let name = self.server_name();
        let suffixes = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
        let zones = suffixes.flat_map(|suffix| self.estate.zones_named(suffix));
        let has_address = |zone: &ResourceId| {
            let record = resolve::find_record(self.estate, zone, &name);
            record.is_some_and(|(_, record)| {
                record.addresses.as_ref().is_some_and(|all| !all.is_empty())
            })
        };
        zones.into_iter().find(has_address)
    }

    /// Name of the server's record set in the zone that is meant.
    pub fn record_label(&self) -> Option<String> {
        Some(self.private_link_name()?.split_once('.')?.0.to_owned())
    }

    /// The zone of the server's record set, and its name there.
    pub fn record_set(&self) -> Option<(ResourceId, String)> {
        let (zone, name) = self.record_place()?;
        let label = resolve::record_label(zone.name(), &name)?;
        Some((zone, label))
    }

    /// The record set of the server, with addresses.
    pub fn record_meant(&self) -> Option<(ResourceId, Vec<Ipv4Addr>)> {
        let (zone, name) = self.record_place()?;
        let (id, record) = resolve::find_record(self.estate, &zone, &name)?;
        let addresses = record.addresses.clone().filter(|list| !list.is_empty())?;
        Some((id, addresses))
    }

    /// What would tell whether a zone holds a record of the server, where nobody captured the zone's records.
    pub fn unseen_record(&self, zone: &ResourceId) -> Option<Missing> {
        let written = || resolve::written_record(self.estate, zone, &self.private_link_name()?);
        unproven::unlisted_records(self.estate, zone).or_else(written)
    }

    /// Whether a record leads past an endpoint that the server has of its own.
    pub fn leads_past_own(&self, addresses: &[Ipv4Addr]) -> bool {
        self.endpoint().is_some_and(|view| view.wrong_end.is_none()) && self.is_stale(addresses)
    }

    /// Addresses of a record that belong to none of the server's endpoints, when every endpoint's address is known.
    pub fn is_stale(&self, addresses: &[Ipv4Addr]) -> bool {
        let knows_all =
            !self.endpoints.is_empty() && self.live_endpoints().all(|view| view.addresses.is_ok());
        let owned = |address: &Ipv4Addr| {
            self.live_endpoints()
                .any(|view| view.addresses.as_ref().is_ok_and(|list| list.contains(address)))
        };
        knows_all && !addresses.is_empty() && !addresses.iter().any(owned)
    }
}

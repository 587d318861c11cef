//! What was not observed of zones and would make another answer of a name's.

use super::leg::Leg;
use super::resolve::{self, Resolution};
use super::step::Verdict;
use super::{Leads, Path};
use super::{own_zone, unproven};
use crate::change::whole_place;
use crate::estate::Missing;
use crate::estate::dns::Link;
use crate::estate::endpoint::Endpoint;
use crate::estate::server::{ServerConnection, ServerKind};
use crate::id::ResourceId;
use crate::shell::quoted;

impl Path<'_> {
    /// What decides whether a bad answer is given at all: the state of the link that brings it, where the answer without it may lead
    /// to the server, or the links of another zone that holds a good record.
    pub(super) fn doubt_of_bad(
        &self,
        resolution: &Resolution,
        open_door: Option<Verdict>,
        ask_without: impl Fn(&ResourceId) -> Option<Resolution>,
    ) -> Option<Missing> {
        let (_, id) = resolution.zone.as_ref()?;
        let link = self.estate.find::<Link>(id)?;
        let pending = || Missing::field(id, "virtualNetworkLinkState");
        let unsure = resolve::unread_state(id, link)
            .or_else(|| resolution.is_link_pending.then(pending))
            .filter(|_| {
                let leads = ask_without(id).map(|other| self.judge_name(&other, open_door));
                match leads {
                    None | Some(Leads::Nowhere | Leads::Publicly) => false,
                    Some(Leads::Fallback) => open_door != Some(Verdict::Unreachable),
                    Some(Leads::Intended | Leads::Unknown(_)) => true,
                }
            });
        unsure.or_else(|| self.perhaps_asked_before(resolution))
    }

    /// Links that were not captured of a zone that holds a good record, and would be asked before the one that answers.
    fn perhaps_asked_before(&self, resolution: &Resolution) -> Option<Missing> {
        let (own, _) = resolution.zone.as_ref()?;
        let leads_well = |zone: &ResourceId, name: &str| {
            let record = resolve::find_record(self.estate, zone, name);
            let addresses = record.and_then(|(_, record)| record.addresses.as_ref());
            addresses.is_some_and(|all| self.judge_addresses(resolution, all) != Leads::Nowhere)
        };
        resolution.names.iter().find_map(|name| {
            let is_before = |zone: &ResourceId| {
                !resolve::holds(own.name(), name) || zone.name().len() > own.name().len()
            };
            let mut zones = self.estate.zones_holding(name).filter(is_before);
            zones
                .find(|zone| {
                    unproven::are_links_incomplete(self.estate, zone) && leads_well(zone, name)
                })
                .map(|zone| unproven::unread_links(&zone))
        })
    }

    /// Whether the server says that it has no private endpoint.
    pub fn lists_no_endpoint(&self) -> bool {
        let mut alone = self.estate.children::<ServerConnection>(&self.to_id);
        self.to.connections.as_ref().is_some_and(Vec::is_empty) && alone.next().is_none()
    }

    /// Whether nothing tells of private endpoints of a server that may have some: its list was not observed either.
    pub(super) fn tells_no_endpoints(&self) -> bool {
        self.to.kind != ServerKind::Host
            && self.to.connections.is_none()
            && self.to.delegated_subnet.is_none()
            && self.endpoints.iter().all(|view| view.wrong_end.is_some())
    }

    /// The same, where that is a reason for doubt: a template never lists the endpoints, nor does Azure write the empty list of a flexible
    /// server, but the list is there and cannot be read, or somebody made a zone for their names.
    pub(super) fn may_have_unlisted(&self) -> bool {
        let has_zone = |zone: String| self.estate.has_zone_named(&zone);
        self.tells_no_endpoints()
            && (self.to.are_connections_unreadable || self.zone_name_meant().is_some_and(has_zone))
    }

    /// Links of the zone that is meant which the zone counts, and which were not captured, where the zone would lead to the server.
    pub(super) fn unread_links(&self, resolution: &Resolution) -> Option<Missing> {
        let zone = match self.endpoints.is_empty() {
            true => self.to.private_zone.clone()?,
            false => self.zone_meant()?,
        };
        let may_be_linked = unproven::are_links_incomplete(self.estate, &zone);
        (may_be_linked && self.leads_by(&zone, resolution) != Leads::Nowhere)
            .then(|| unproven::unread_links(&zone))
    }

    /// Whether the answer of a link whose state is not known, or that is not finished, leads to the endpoint, the one without it to the
    /// front door, and both are within reach.
    pub(super) fn is_good_without(
        &self,
        resolution: &Resolution,
        open_door: Option<Verdict>,
        ask_without: impl Fn(&ResourceId) -> Option<Resolution>,
    ) -> bool {
        let Some((_, id)) = &resolution.zone else { return false };
        let doubt = self.estate.find::<Link>(id).and_then(|link| resolve::unread_state(id, link));
        let settled = Resolution { unproven: None, is_link_pending: false, ..resolution.clone() };
        let leads = |one: &Resolution| self.judge_name(one, open_door);
        (doubt.is_some() || resolution.is_link_pending)
            && resolution.unproven == doubt
            && self.are_ways_open(open_door)
            && leads(&settled) == Leads::Intended
            && ask_without(id).is_some_and(|other| leads(&other) == Leads::Fallback)
    }

    /// Whether the front door and the only endpoint are both within reach.
    fn are_ways_open(&self, open_door: Option<Verdict>) -> bool {
        let is_open = |verdict| verdict == Some(Verdict::Reachable);
        is_open(open_door)
            && is_open(self.intended.as_ref().map(Leg::verdict))
            && self.live_endpoints().count() == 1
    }

    /// Whether the front door and the endpoint are both within reach, and a link of the zone that is meant, if there is one, leads to the
    /// endpoint.
    pub(super) fn is_open_either_way(
        &self,
        resolution: &Resolution,
        open_door: Option<Verdict>,
    ) -> bool {
        let Some(zone) = self.zone_meant().filter(|zone| self.estate.has_zone(zone)) else {
            return false;
        };
        let other = resolution.unproven.as_ref();
        let names = resolution.names.iter().cloned().chain(self.private_link_name());
        let mut others =
            names.flat_map(|name| self.estate.zones_holding(&name).collect::<Vec<_>>());
        self.are_ways_open(open_door)
            && others.all(|one| one == zone || unproven::are_links_complete(self.estate, &one))
            && other.is_none_or(|missing| *missing == unproven::unread_links(&zone))
            && self.leads_by(&zone, resolution) == Leads::Intended
    }

    /// Where the name would lead if the network were linked to the zone that is meant.
    fn leads_by(&self, zone: &ResourceId, resolution: &Resolution) -> Leads {
        let mut linked = Resolution {
            zone: Some((zone.clone(), zone.clone())),
            record: None,
            is_link_pending: false,
            unproven: None,
            ..resolution.clone()
        };
        if self.endpoints.is_empty() {
            linked.answer = own_zone::in_own_zone(self.estate, zone, Some(&self.to), &mut linked);
        } else {
            let Some(name) = self.private_link_name() else { return Leads::Nowhere };
            if let Some(alias) = resolve::in_zone(self.estate, (zone, false), &name, &mut linked) {
                let what = format!("where alias {alias} leads");
                return Leads::Unknown(Missing::other(what, "resolve the name on the target"));
            }
        }
        self.judge_name(&self.with_kept(linked), None)
    }

    /// The zone that is attached to an endpoint, when it was not captured: then whether it is linked is not known.
    pub(super) fn unread_zone(&self) -> Option<Missing> {
        let Some(zone) = self.zone_meant() else { return self.unread_zone_group() };
        if self.endpoints.is_empty() {
            return None;
        }
        let is_known = self.estate.has_zone(&zone);
        (!is_known).then(|| Missing::resource("private DNS zone", &zone))
    }

    /// The zone group of an endpoint that is attached to a zone, where nobody captured that, nor the zone of the copier's own server:
    /// zones stand elsewhere then.
    fn unread_zone_group(&self) -> Option<Missing> {
        let is_unread = |id: &ResourceId| self.estate.find::<Endpoint>(id).is_none();
        if let Some(view) = self.live_endpoints().find(|view| is_unread(&view.id)) {
            // Nor is its zone: it stands where the endpoint does, or where its group says.
            return Some(Missing::resource("private endpoint", &view.id));
        }
        let own = self.from.and_then(|from| from.private_zone.as_ref())?;
        if self.estate.has_zone(own) {
            return None;
        }
        let is_attached = |id: &ResourceId| {
            self.estate.find::<Endpoint>(id).is_some_and(|endpoint| endpoint.is_attached)
        };
        let mut views = self.live_endpoints().filter(|view| view.zone_group.is_none());
        let id = &views.find(|view| is_attached(&view.id))?.id;
        Some(Missing {
            what: format!("the zone group of private endpoint `{}`, and its zone", id.name()),
            resource: Some(id.clone()),
            help: format!(
                "add the output of `az network private-endpoint dns-zone-group list {} --endpoint-name {}`, and of \
                 `az network private-dns zone list` in the subscription of its zone",
                whole_place(id),
                quoted(id.name())
            ),
        })
    }

    /// Whether the zone that is meant counts more links than were captured.
    pub fn are_links_incomplete(&self) -> bool {
        self.zone_meant().is_some_and(|zone| unproven::are_links_incomplete(self.estate, &zone))
    }
}

//! Judges where the answer to the server's name leads, and knows the zone and the record that are meant.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::dns_servers::dns_owner;
use super::endpoint::{Status, View};
use super::forwarder;
use super::own_zone;
use super::resolve::{self, Answer, Resolution};
use super::start::Start;
use super::step::{Outcome, Stage, Step, Verdict};
use super::unproven;
use super::{Access, Leads, Path};
use crate::address::AddressSet;
use crate::estate::dns::Link;
use crate::estate::endpoint::ZoneGroup;
use crate::estate::network::{Subnet, Vnet};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

impl Path<'_> {
    /// The name that the copier dials.
    pub fn server_name(&self) -> String {
        self.to.fqdn.clone().unwrap_or_else(|| default_name(&self.to_id))
    }

    /// Where the answer leads. `open_door` is the verdict over the public way, where the server has one.
    pub(super) fn judge_name(&self, resolution: &Resolution, open_door: Option<Verdict>) -> Leads {
        match &resolution.answer {
            Answer::Unknown(missing) => Leads::Unknown(missing.clone()),
            // Until the link is completed the network asks elsewhere.
            _ if resolution.is_link_pending => Leads::Nowhere,
            Answer::NoSuchName | Answer::NoAnswer => self.judge_nothing(resolution, open_door),
            Answer::Injected | Answer::Kept => self.proven(resolution),
            Answer::Public => self.judge_public(resolution, open_door),
            Answer::Addresses(addresses) => self.judge_addresses(resolution, addresses),
        }
    }

    /// A zone without an address for the name, which may leave the question to the public way.
    fn judge_nothing(&self, resolution: &Resolution, open_door: Option<Verdict>) -> Leads {
        if resolution.outside.is_some() {
            return Leads::Nowhere;
        }
        if resolution.zone.is_none()
            && let Some(missing) = self.unread_links(resolution)
        {
            return Leads::Unknown(missing);
        }
        let zone = resolution.zone.as_ref().filter(|_| resolution.record.is_none());
        if let Some(missing) =
            zone.and_then(|(zone, _)| unproven::unlisted_records(self.estate, zone))
        {
            return Leads::Unknown(missing);
        }
        let open = resolution.zone.as_ref().and_then(|(zone, id)| {
            let link = self.estate.find::<Link>(id)?;
            let is_empty_set = resolution.record.is_some();
            let redirects = link.redirects && resolve::is_private_link(zone.name());
            // Azure tells what a missing name does there, and not what an empty one does.
            (is_empty_set && redirects).then(|| {
                Missing::other(
                    "whether a link that redirects to the internet does so for an empty record set",
                    "delete the empty record set, or resolve the name from that network",
                )
            })
        });
        match open {
            Some(missing) if self.may_be_open(open_door) => Leads::Unknown(missing),
            Some(_) | None => Leads::Nowhere,
        }
    }

    fn may_be_open(&self, open_door: Option<Verdict>) -> bool {
        self.to_access == Ok(Access::Public)
            || matches!(open_door, Some(Verdict::Reachable | Verdict::Undetermined))
    }

    /// A public answer. A pass needs proof that no zone answers instead; a fault does not get better by what was not captured.
    fn judge_public(&self, resolution: &Resolution, open_door: Option<Verdict>) -> Leads {
        let access = match &self.to_access {
            Ok(access) => access,
            Err(missing) => return Leads::Unknown(missing.clone()),
        };
        // No link changes what a resolver outside of Azure says.
        let unread = || self.unread_zone().or_else(|| self.unread_links(resolution));
        if let (None, Some(missing)) = (resolution.outside, unread())
            && !self.is_open_either_way(resolution, open_door)
        {
            return Leads::Unknown(missing);
        }
        match (access, &resolution.unproven) {
            (Access::Private, _) => Leads::Nowhere,
            (Access::Public, None) => Leads::Intended,
            (Access::PublicWithEndpoint, None) => Leads::Fallback,
            (Access::Public, Some(missing)) => Leads::Unknown(missing.clone()),
            (Access::PublicWithEndpoint, Some(_))
                if open_door == Some(Verdict::Unreachable)
                    || self.is_open_either_way(resolution, open_door) =>
            {
                Leads::Fallback
            }
            (Access::PublicWithEndpoint, Some(missing)) => Leads::Unknown(missing.clone()),
        }
    }

    pub(super) fn judge_addresses(&self, resolution: &Resolution, addresses: &[Ipv4Addr]) -> Leads {
        if self.endpoints.is_empty() {
            return match self.may_have_unlisted() {
                // The record may be that of an endpoint which nothing tells of.
                true => Leads::Unknown(Missing::field(&self.to_id, "privateEndpointConnections")),
                false => self.judge_own(resolution, addresses),
            };
        }
        let owner = |address: &Ipv4Addr| {
            self.live_endpoints()
                .find(|view| view.addresses.as_ref().is_ok_and(|list| list.contains(address)))
        };
        let owned = addresses.iter().filter(|address| owner(address).is_some()).count();
        if owned == addresses.len() && owned > 0 {
            return self.proven(resolution);
        }
        if owned > 0 {
            return Leads::Unknown(Missing::other(
                "which of the record's addresses the copier uses: not all belong to private endpoints of the server",
                "take the others out of the record set",
            ));
        }
        if self.kept_by_zone_group(resolution, addresses).is_some() {
            return self.proven(resolution);
        }
        let unknown = self.live_endpoints().find_map(|view| view.addresses.as_ref().err());
        unknown.map_or(Leads::Nowhere, |missing| Leads::Unknown(missing.clone()))
    }

    /// Addresses in the subnet of an injected server: its own, where its zone tells that, or perhaps one of them.
    fn judge_own(&self, resolution: &Resolution, addresses: &[Ipv4Addr]) -> Leads {
        let Some(id) = self.to.delegated_subnet.as_ref() else { return Leads::Nowhere };
        let subnet = match self.estate.get::<Subnet>(id) {
            Ok(subnet) => subnet,
            Err(missing) => return Leads::Unknown(missing),
        };
        let own = own_zone::own_address(self.estate, &self.to, id);
        let inside = AddressSet::of(&subnet.prefixes);
        match own {
            Some(own) if addresses == [own] => self.proven(resolution),
            Some(own) if !addresses.contains(&own) => Leads::Nowhere,
            _ if !addresses.iter().any(|one| inside.contains(*one)) => Leads::Nowhere,
            _ => Leads::Unknown(Missing::other(
                "which address the injected server has: a record names one of its subnet",
                "take the name out of the zone that answers, so that the server's own zone does",
            )),
        }
    }

    /// A good answer counts where no other zone can have been asked before.
    fn proven(&self, resolution: &Resolution) -> Leads {
        resolution.unproven.clone().map_or(Leads::Intended, Leads::Unknown)
    }

    /// An endpoint whose zone group keeps the records of the zone that answered, with the record inside its subnet: then the
    /// record is right by construction, even where the endpoint tells neither its address nor an interface that would.
    fn kept_by_zone_group(
        &self,
        resolution: &Resolution,
        addresses: &[Ipv4Addr],
    ) -> Option<&Arc<View>> {
        let (zone, _) = resolution.zone.as_ref()?;
        self.live_endpoints().find(|view| {
            let keeps = view.zone_group.as_ref().is_some_and(|zones| zones.contains(zone));
            let subnet = view.subnet.as_ref().ok().and_then(|id| self.estate.find::<Subnet>(id));
            let inside = |set: AddressSet| addresses.iter().all(|address| set.contains(*address));
            keeps
                && view
                    .addresses
                    .as_ref()
                    .is_err_and(|missing| missing.resource.as_ref() == Some(&view.id))
                && subnet.is_some_and(|subnet| inside(AddressSet::of(&subnet.prefixes)))
        })
    }

    /// Whether a zone that holds no record of the server is written to by a zone group of which no input tells the records.
    pub fn is_kept(&self, zone: &ResourceId) -> bool {
        let keeps = |(_, group): (&ResourceId, &ZoneGroup)| {
            group.hides_records && group.zones.contains(zone)
        };
        self.record_meant().is_none()
            && self
                .live_endpoints()
                .any(|view| self.estate.children::<ZoneGroup>(&view.id).any(keeps))
    }

    /// The answer of a linked zone that lacks the record which a zone group keeps there.
    pub(super) fn with_kept(&self, resolution: Resolution) -> Resolution {
        let lacks = resolution.record.is_none()
            && matches!(resolution.answer, Answer::NoSuchName | Answer::Public);
        let is_kept = |(zone, _): &(ResourceId, ResourceId)| self.is_kept(zone);
        match lacks && resolution.zone.as_ref().is_some_and(is_kept) {
            true => Resolution { answer: Answer::Kept, ..resolution },
            false => resolution,
        }
    }

    /// The endpoints that hold some of the resolved addresses.
    pub(super) fn named_endpoints(&self) -> Vec<Arc<View>> {
        let Some(Answer::Addresses(addresses)) = self.name.as_ref().map(|name| &name.answer) else {
            return Vec::new();
        };
        let holds = |view: &&Arc<View>| {
            view.addresses.as_ref().is_ok_and(|list| list.iter().any(|one| addresses.contains(one)))
        };
        self.live_endpoints().filter(holds).cloned().collect()
    }

    /// The endpoint that the resolved addresses belong to.
    pub(super) fn named_endpoint(&self) -> Option<Arc<View>> {
        let resolution = self.name.as_ref()?;
        let Answer::Addresses(addresses) = &resolution.answer else { return None };
        let known = self.holder(addresses).filter(|_| !addresses.is_empty());
        known.or_else(|| self.kept_by_zone_group(resolution, addresses)).cloned()
    }

    /// The endpoint that has all of some addresses.
    pub fn holder(&self, addresses: &[Ipv4Addr]) -> Option<&Arc<View>> {
        self.live_endpoints().find(|view| {
            view.addresses
                .as_ref()
                .is_ok_and(|list| addresses.iter().all(|address| list.contains(address)))
        })
    }

    /// Endpoints that a record may lead to: beside an approved one, those that can never carry traffic do not count.
    pub fn live_endpoints(&self) -> impl Iterator<Item = &Arc<View>> {
        let is_right = |view: &View| view.wrong_end.is_none();
        let has_approved =
            self.endpoints.iter().any(|view| view.status == Status::Approved && is_right(view));
        let is_dead = move |view: &View| {
            matches!(view.status, Status::Rejected | Status::Disconnected) || !is_right(view)
        };
        self.endpoints.iter().filter(move |view| !has_approved || !is_dead(view))
    }

    /// Whether private zones answer: not where the network asks a DNS server of its own that is no resolver of Azure.
    pub fn asks_zones(&self) -> bool {
        match (&self.name, &self.dns_server) {
            (Some(name), _) => {
                name.outside.is_none()
                    && (name.custom_servers.is_empty()
                        || !matches!(name.answer, Answer::Unknown(_)))
            }
            (None, Some((server, _))) => {
                let start = self.start.as_ref();
                start
                    .and_then(|start| forwarder::at(self.estate, &start.vnet, *server))
                    .is_some_and(|one| one.kind.asks_azure())
            }
            (None, None) => false,
        }
    }
}

pub(super) fn name_step(
    estate: &Estate,
    start: &Start,
    resolution: &Resolution,
    leads: &Leads,
) -> Step {
    let name = resolution.names.first().map_or("", String::as_str);
    let zone = resolution.zone.as_ref().map(|(zone, _)| zone);
    let outside = resolution.outside.map(|server| format!(" for public resolver {server}"));
    let outside = outside.unwrap_or_default();
    let answer = estate.words(|| match &resolution.answer {
        Answer::Addresses(addresses) => {
            let words: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("{name} resolves to {}", words.join(", "))
        }
        Answer::Public => format!("{name} resolves to the public address{outside}"),
        Answer::NoSuchName => match zone {
            None if !outside.is_empty() => format!("{name} does not exist{outside}"),
            Some(zone) => format!("{name} does not exist in zone `{}`", zone.name()),
            None => format!(
                "{name} leads into a private zone that is not linked to `{}`",
                resolution.place.name()
            ),
        },
        Answer::Injected => format!("{name} resolves to the server's private address"),
        Answer::Kept => {
            format!(
                "{name} resolves to the address of a private endpoint, which its zone group keeps"
            )
        }
        Answer::NoAnswer => {
            let rule = resolution.wrong_rule.as_ref();
            let words = rule
                .map(|one| format!("forwarding rule `{}` sends it {}", one.rule.name(), one.why));
            format!("{name} is not answered: {}", words.unwrap_or_default())
        }
        Answer::Unknown(_) => String::new(),
    });
    let step = match leads {
        Leads::Unknown(missing) => {
            let mut step = Step::unknown(Stage::Name, missing.clone());
            // That a name is not there is no answer where what holds it may not have been captured.
            step.detail = match &resolution.answer {
                Answer::NoSuchName => format!("{name}: {}", step.detail),
                _ if answer.is_empty() => step.detail,
                _ => format!("{answer}, as far as was observed; {}", step.detail),
            };
            step
        }
        Leads::Nowhere => Step::drop(Stage::Name, zone.or(Some(&start.vnet)), answer),
        Leads::Intended | Leads::Fallback | Leads::Publicly => {
            Step::pass(Stage::Name, zone.or(Some(&start.vnet)), answer)
        }
    };
    let is_doubtful = |zone: &ResourceId| unproven::are_links_incomplete(estate, zone);
    let step = match &resolution.unproven {
        Some(missing)
            if missing.resource.as_ref().is_some_and(is_doubtful)
                && step.outcome == Outcome::Drop =>
        {
            Step { missing: Some(missing.clone()), ..step }
        }
        _ => step,
    };
    let mut step = match (estate.get::<Vnet>(&start.vnet), dns_owner(estate, start)) {
        (Ok(vnet), owner) if *owner == start.vnet => step.read(owner, &vnet.dns_pointer),
        (Err(_), owner) if *owner == start.vnet => step,
        (_, owner) => step.read(owner, estate.locate(owner, "", "dnsSettings")),
    };
    if let Some((_, link)) = &resolution.zone {
        step = step.read(link, estate.locate(link, "", "virtualNetwork"));
    }
    if let Some(record) = &resolution.record {
        step = step.read(record, estate.locate(record, "", "aRecords"));
    }
    step
}

/// The name that a server of Azure's public cloud has where its body does not tell.
pub fn default_name(server: &ResourceId) -> String {
    format!("{}.postgres.database.azure.com", server.name().to_ascii_lowercase())
}

//! Asks for the server's name from the copier's network, and judges where the answer leads.

use std::net::Ipv4Addr;

use super::asking::Asked;
use super::endpoint::{Status, View};
use super::filter::{self, Decider};
use super::leg::{Leg, Start};
use super::resolve::{self, Answer, Published, Resolution};
use super::route::usable_addresses;
use super::step::{Outcome, Stage, Step, Verdict};
use super::{Access, Leads, Path};
use crate::address::AddressSet;
use crate::estate::network::{Subnet, Vnet};
use crate::estate::server::ServerKind;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

impl Path<'_> {
    pub(super) fn ask_name(&mut self, start: &Start) {
        let name = self.server_name();
        let published = match (&self.to.delegated_subnet, self.endpoints.is_empty()) {
            (Some(_), _) => Published::PrivateOnly,
            (None, true) => Published::Address,
            (None, false) => Published::PrivateLinkAlias,
        };
        let zone = self.to.private_zone.clone();
        let denier = self.estate.aside(|| self.ask_platform_dns(start));
        if let Some((denier, is_for_all)) = denier {
            let detail = format!("rule `{}` denies the subnet Azure's resolver", denier.name);
            let step = if is_for_all {
                self.leads = Leads::Nowhere;
                Step::drop(Stage::Name, Some(&denier.resource), detail)
            } else {
                let what = format!(
                    "whether rule `{}` denies the copier Azure's resolver: it speaks of a part of the subnet",
                    denier.name
                );
                let missing = Missing::other(
                    what,
                    "look which address the target has, or widen an allowing rule ahead of it",
                );
                self.leads = Leads::Unknown(missing.clone());
                Step::unknown(Stage::Name, missing)
            };
            self.opening.push(step.read(&denier.resource, denier.pointer.clone()));
            self.dns_denier = Some(denier);
            return;
        }
        let (server, unseen) = match self.whom(start) {
            Ok(Asked::Nobody) => return,
            Ok(Asked::Azure) => (None, None),
            Ok(Asked::Server(server, unseen)) => (Some(server), unseen),
            Err(missing) => {
                self.opening.push(Step::unknown(Stage::Name, missing.clone()));
                self.leads = Leads::Unknown(missing);
                return;
            }
        };
        let question = resolve::Question { vnet: &start.vnet, server, name: &name };
        match resolve::resolve(self.estate, question, published, zone.as_ref()) {
            Ok(resolution) => {
                if let Some(missing) = self.unread_alias(question, &resolution) {
                    self.opening.push(Step::unknown(Stage::Name, missing.clone()));
                    self.leads = Leads::Unknown(missing);
                    self.name = Some(resolution);
                    return;
                }
                let door = self.fallback.as_ref().map(Leg::verdict);
                self.leads = self.judge_name(&resolution, door);
                // What a server answers counts only where it is surely reached.
                if let (Leads::Intended | Leads::Fallback, Some(missing)) = (&self.leads, unseen) {
                    self.leads = Leads::Unknown(missing);
                }
                self.opening.push(name_step(self.estate, start, &resolution, &self.leads));
                self.name = Some(resolution);
            }
            Err(missing) => {
                self.opening.push(Step::unknown(Stage::Name, missing.clone()));
                self.leads = Leads::Unknown(missing);
            }
        }
    }

    /// Whether the server has private endpoints was not observed, and a zone is linked that would answer if it has.
    fn unread_alias(&self, question: resolve::Question, plain: &Resolution) -> Option<Missing> {
        let is_open = self.to.kind != ServerKind::Host
            && self.to.connections.is_none()
            && self.to.delegated_subnet.is_none()
            && self.endpoints.is_empty();
        if !is_open || plain.answer != Answer::Public {
            return None;
        }
        let alias = Published::PrivateLinkAlias;
        let other = resolve::resolve(self.estate, question, alias, None).ok()?;
        other.zone.is_some().then(|| Missing::field(&self.to_id, "privateEndpointConnections"))
    }

    /// The rule that keeps the subnet from Azure's resolver, where the network uses it. What cannot be read here is said by the
    /// filter step.
    fn ask_platform_dns(&self, start: &Start) -> Option<(Decider, bool)> {
        let servers = resolve::custom_servers(self.estate, &start.vnet).ok()?;
        if !servers.is_empty() {
            return None;
        }
        let subnet = self.estate.get::<Subnet>(&start.subnet).ok()?;
        let group = subnet.security_group.id(&start.subnet, "networkSecurityGroup").ok()??;
        filter::platform_dns_denier(self.estate, group, &usable_addresses(subnet)).ok()?
    }

    /// The name that the copier dials.
    pub fn server_name(&self) -> String {
        self.to.fqdn.clone().unwrap_or_else(|| default_name(&self.to_id))
    }

    /// Where the answer leads. `open_door` is the verdict over the public way, where the server has one.
    fn judge_name(&self, resolution: &Resolution, open_door: Option<Verdict>) -> Leads {
        match &resolution.answer {
            Answer::Unknown(missing) => Leads::Unknown(missing.clone()),
            // Until the link is completed the network asks publicly.
            _ if resolution.is_link_pending => self.judge_pending(resolution, open_door),
            Answer::NoSuchName | Answer::NoAnswer => Leads::Nowhere,
            Answer::Injected => self.proven(resolution),
            Answer::Public => self.judge_public(resolution, open_door),
            Answer::Addresses(addresses) => self.judge_addresses(resolution, addresses),
        }
    }

    /// Until the link is finished some questions are answered publicly, which does where the public way is open.
    fn judge_pending(&self, resolution: &Resolution, open_door: Option<Verdict>) -> Leads {
        let is_open = self.to_access == Ok(Access::Public)
            || matches!(open_door, Some(Verdict::Reachable | Verdict::Undetermined));
        match &resolution.zone {
            Some((_, link)) if is_open => {
                Leads::Unknown(Missing::field(link, "virtualNetworkLinkState"))
            }
            _ => Leads::Nowhere,
        }
    }

    /// A public answer. A pass needs proof that no zone answers instead; a fault does not get better by what was not captured.
    fn judge_public(&self, resolution: &Resolution, open_door: Option<Verdict>) -> Leads {
        let access = match &self.to_access {
            Ok(access) => access,
            Err(missing) => return Leads::Unknown(missing.clone()),
        };
        if let Some(missing) = self.unread_zone().or_else(|| self.unread_links()) {
            return Leads::Unknown(missing);
        }
        match (access, &resolution.unproven) {
            (Access::Private, _) => Leads::Nowhere,
            (Access::Public, None) => Leads::Intended,
            (Access::PublicWithEndpoint, None) => Leads::Fallback,
            (Access::Public, Some(missing)) => Leads::Unknown(missing.clone()),
            (Access::PublicWithEndpoint, Some(_)) if open_door == Some(Verdict::Unreachable) => {
                Leads::Fallback
            }
            (Access::PublicWithEndpoint, Some(missing)) => Leads::Unknown(missing.clone()),
        }
    }

    fn judge_addresses(&self, resolution: &Resolution, addresses: &[Ipv4Addr]) -> Leads {
        if self.endpoints.is_empty() {
            return Leads::Nowhere;
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

    /// A good answer counts where no other zone can have been asked before.
    fn proven(&self, resolution: &Resolution) -> Leads {
        resolution.unproven.clone().map_or(Leads::Intended, Leads::Unknown)
    }

    /// Links of the zone that is meant which the zone counts, and which were not captured.
    fn unread_links(&self) -> Option<Missing> {
        let zone = self.zone_meant().filter(|_| !self.endpoints.is_empty())?;
        resolve::are_links_incomplete(self.estate, &zone).then(|| resolve::unread_links(&zone))
    }

    /// An endpoint whose zone group keeps the records of the zone that answered, with the record inside its subnet: then the
    /// record is right by construction, even where the endpoint tells neither its address nor an interface that would.
    fn kept_by_zone_group(&self, resolution: &Resolution, addresses: &[Ipv4Addr]) -> Option<&View> {
        let (zone, _) = resolution.zone.as_ref()?;
        self.live_endpoints().find(|view| {
            let keeps = view.zone_group.as_ref().is_some_and(|zones| zones.contains(zone));
            let subnet =
                view.subnet.as_ref().ok().and_then(|id| self.estate.get::<Subnet>(id).ok());
            let inside = |set: AddressSet| addresses.iter().all(|address| set.contains(*address));
            keeps
                && view
                    .addresses
                    .as_ref()
                    .is_err_and(|missing| missing.resource.as_ref() == Some(&view.id))
                && subnet.is_some_and(|subnet| inside(AddressSet::of(&subnet.prefixes)))
        })
    }

    /// The endpoints that hold some of the resolved addresses.
    pub(super) fn named_endpoints(&self) -> Vec<View> {
        let Some(Answer::Addresses(addresses)) = self.name.as_ref().map(|name| &name.answer) else {
            return Vec::new();
        };
        let holds = |view: &&View| {
            view.addresses.as_ref().is_ok_and(|list| list.iter().any(|one| addresses.contains(one)))
        };
        self.live_endpoints().filter(holds).cloned().collect()
    }

    /// The endpoint that the resolved addresses belong to.
    pub(super) fn named_endpoint(&self) -> Option<View> {
        let resolution = self.name.as_ref()?;
        let Answer::Addresses(addresses) = &resolution.answer else { return None };
        let holds = |view: &&View| {
            view.addresses
                .as_ref()
                .is_ok_and(|list| addresses.iter().all(|address| list.contains(address)))
        };
        if addresses.is_empty() {
            return None;
        }
        let known = self.live_endpoints().find(holds);
        known.or_else(|| self.kept_by_zone_group(resolution, addresses)).cloned()
    }

    /// Endpoints that a record may lead to: beside an approved one, those that can never carry traffic do not count.
    fn live_endpoints(&self) -> impl Iterator<Item = &View> {
        let is_right = |view: &View| view.wrong_group.is_none();
        let has_approved =
            self.endpoints.iter().any(|view| view.status == Status::Approved && is_right(view));
        let is_dead = move |view: &View| {
            matches!(view.status, Status::Rejected | Status::Disconnected) || !is_right(view)
        };
        self.endpoints.iter().filter(move |view| !has_approved || !is_dead(view))
    }

    /// The privatelink name of the server.
    fn private_link_name(&self) -> Option<String> {
        resolve::private_link_name(&self.server_name())
    }

    /// Name of the zone that a private endpoint's record belongs in.
    pub fn zone_name_meant(&self) -> Option<String> {
        Some(self.private_link_name()?.split_once('.')?.1.to_owned())
    }

    /// The zone that holds, or should hold, the record of the server's endpoint: the one that answered, the one attached to the
    /// endpoint, or one of the right name, with a record before without.
    pub fn zone_meant(&self) -> Option<ResourceId> {
        let name = self.zone_name_meant()?;
        let is_right = |zone: &ResourceId| zone.name().eq_ignore_ascii_case(&name);
        if let Some((zone, _)) = self.name.as_ref().and_then(|resolution| resolution.zone.as_ref())
            && is_right(zone)
        {
            return Some(zone.clone());
        }
        let attached = self.endpoints.iter().filter_map(|view| view.zone_group.as_ref()).flatten();
        if let Some(zone) = attached.into_iter().find(|zone| is_right(zone)) {
            return Some(zone.clone());
        }
        let zones = self.estate.zones_named(&name);
        let full = self.private_link_name()?;
        let with_record =
            zones.iter().find(|zone| resolve::find_record(self.estate, zone, &full).is_some());
        with_record.or(zones.first()).cloned()
    }

    /// Name of the server's record set in the zone that is meant.
    pub fn record_label(&self) -> Option<String> {
        Some(self.private_link_name()?.split_once('.')?.0.to_owned())
    }

    /// The record set of the server in the zone that is meant.
    pub fn record_meant(&self) -> Option<(ResourceId, Vec<Ipv4Addr>)> {
        let (id, record) =
            resolve::find_record(self.estate, &self.zone_meant()?, &self.private_link_name()?)?;
        let addresses = record.addresses.clone().filter(|list| !list.is_empty())?;
        Some((id, addresses))
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

    /// The zone that is attached to an endpoint, when it was not captured: then whether it is linked is not known.
    fn unread_zone(&self) -> Option<Missing> {
        let zone = self.zone_meant().filter(|_| !self.endpoints.is_empty())?;
        let is_known = self.estate.has_zone(&zone);
        (!is_known).then(|| Missing::resource("private DNS zone", &zone))
    }

    /// Whether the zone that is meant counts more links than were captured.
    pub fn are_links_incomplete(&self) -> bool {
        self.zone_meant().is_some_and(|zone| resolve::are_links_incomplete(self.estate, &zone))
    }
}

fn name_step(estate: &Estate, start: &Start, resolution: &Resolution, leads: &Leads) -> Step {
    let name = resolution.names.first().cloned().unwrap_or_default();
    let zone = resolution.zone.as_ref().map(|(zone, _)| zone);
    let answer = match &resolution.answer {
        Answer::Addresses(addresses) => {
            let words: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("{name} resolves to {}", words.join(", "))
        }
        Answer::Public => format!("{name} resolves to the public address"),
        Answer::NoSuchName => match zone {
            Some(zone) => format!("{name} does not exist for zone `{}`", zone.name()),
            None => format!(
                "{name} leads into a private zone that is not linked to `{}`",
                resolution.place.name()
            ),
        },
        Answer::Injected => format!("{name} resolves to the server's private address"),
        Answer::NoAnswer => {
            let rule = resolution.wrong_rule.as_ref();
            let words = rule
                .map(|one| format!("forwarding rule `{}` sends it {}", one.rule.name(), one.why));
            format!("{name} is not answered: {}", words.unwrap_or_default())
        }
        Answer::Unknown(_) => String::new(),
    };
    let step = match leads {
        Leads::Unknown(missing) => {
            let mut step = Step::unknown(Stage::Name, missing.clone());
            if !answer.is_empty() {
                step.detail = format!("{answer}; {}", step.detail);
            }
            step
        }
        Leads::Nowhere => Step::drop(Stage::Name, zone.or(Some(&start.vnet)), answer),
        Leads::Intended | Leads::Fallback | Leads::Publicly => {
            Step::pass(Stage::Name, zone.or(Some(&start.vnet)), answer)
        }
    };
    let is_doubtful = |zone: &ResourceId| resolve::are_links_incomplete(estate, zone);
    let step = match &resolution.unproven {
        Some(missing)
            if missing.resource.as_ref().is_some_and(is_doubtful)
                && step.outcome == Outcome::Drop =>
        {
            Step { missing: Some(missing.clone()), ..step }
        }
        _ => step,
    };
    let mut step = match estate.get::<Vnet>(&start.vnet) {
        Ok(vnet) => step.read(&start.vnet, vnet.dns_pointer.clone()),
        Err(_) => step,
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

//! The server's own gate at its public front door: public access, VNet rules and firewall rules.

use crate::address::AddressSet;
use crate::estate::network::{NextHop, Subnet, Vnet, region_key};
use crate::estate::server::{FirewallRule, Server, ServerKind, VnetRule};
use crate::estate::{Estate, Missing, Unsettled};
use crate::id::ResourceId;
use crate::trace::door_rules::{FIREWALL_RULE, VNET_RULE, openers, public_rules, unread_rule};
use crate::trace::egress::Egress;
use crate::trace::start::Start;

/// What the server does with a caller at its front door.
#[derive(Debug, Clone)]
pub enum Gate {
    /// A rule lets the caller in, or several do so together: one at least.
    Open(Vec<ResourceId>),
    /// Azure's tool opens the server for the target by itself.
    OpensItself,
    /// Public access is denied.
    PublicDenied,
    /// There is no VNet rule for the subnet.
    RuleMissing {
        /// Whether the subnet's service endpoint is on.
        has_endpoint: bool,
    },
    /// The VNet rule is there, the subnet's service endpoint is off.
    ServiceEndpointMissing(ResourceId),
    /// The VNet rule is there and not ready.
    RuleNotReady(ResourceId, String),
    /// The VNet rule is there and the subnet is in another region than the server.
    OtherRegion(ResourceId, String),
    /// This rule lets in every address of Azure; documents disagree whether it counts for a subnet with the service endpoint.
    Disputed(ResourceId),
    /// No firewall rule can hold the caller's address.
    FirewallRuleMissing,
    /// No firewall rule holds these public addresses of the caller.
    AddressNotAllowed(AddressSet),
    /// The estate does not tell.
    Unknown(Missing),
    /// Closed so, unless what was not observed opens it.
    Unsure(Box<Gate>, Missing),
}

impl Gate {
    /// The gate as far as it is known, and what may prove otherwise.
    pub fn as_known(&self) -> (&Gate, Option<&Missing>) {
        match self {
            Gate::Unsure(gate, missing) => (gate, Some(missing)),
            gate => (gate, None),
        }
    }

    /// Whether somebody has made the door, or the caller's subnet, for this caller, though it may be shut for another reason.
    pub fn expects_caller(&self) -> bool {
        match self.as_known().0 {
            Gate::Open(_)
            | Gate::ServiceEndpointMissing(_)
            | Gate::RuleNotReady(..)
            | Gate::Disputed(_) => true,
            Gate::RuleMissing { has_endpoint } => *has_endpoint,
            Gate::OpensItself
            | Gate::PublicDenied
            | Gate::OtherRegion(..)
            | Gate::FirewallRuleMissing
            | Gate::AddressNotAllowed(_)
            | Gate::Unknown(_)
            | Gate::Unsure(..) => false,
        }
    }
}

/// Who calls at a front door.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'c> {
    /// Where it is.
    pub start: &'c Start,
    /// What it looks like in the internet, where that is known.
    pub egress: Option<&'c Egress>,
}

impl Caller<'_> {
    /// What the firewall rules of a server that were read do with the caller's public address, where that is known.
    fn by_rules(&self, estate: &Estate, server: &ResourceId) -> Result<Option<Gate>, Missing> {
        let addresses = match self.egress {
            Some(Egress::Known(addresses)) => addresses,
            Some(Egress::Unknown(missing) | Egress::Perhaps(missing)) => {
                return Err(missing.clone());
            }
            Some(Egress::Nowhere) | None => return Ok(None),
        };
        // A known address counts as it is written, be it one that the internet does not route.
        let is_caught = |rule: &FirewallRule| rule.addresses().overlaps(addresses);
        let rules: Vec<_> =
            estate.children::<FirewallRule>(server).filter(|(_, rule)| is_caught(rule)).collect();
        let none = AddressSet::default();
        let held = rules.iter().fold(none, |all, (_, rule)| all.union(&rule.addresses()));
        if !rules.is_empty() && addresses.is_within(&held) {
            return Ok(Some(Gate::Open(rules.into_iter().map(|(id, _)| id.clone()).collect())));
        }
        match unread_rule(estate, server, FIREWALL_RULE) {
            Some(missing) => Err(missing),
            None if rules.is_empty() => Ok(Some(Gate::AddressNotAllowed(addresses.clone()))),
            None => Err(Missing::other(
                format!("which of {addresses} the packets leave with"),
                "let all of them in",
            )),
        }
    }
}

/// Asks the front door of a server about a caller in a subnet.
pub fn public_gate(
    estate: &Estate,
    server_id: &ResourceId,
    server: &Server,
    caller: &Caller,
) -> Gate {
    match server.public_access {
        None => return Gate::Unknown(Missing::field(server_id, "publicNetworkAccess")),
        Some(false) => return Gate::PublicDenied,
        Some(true) => {}
    }
    match server.kind {
        ServerKind::Single => match estate.get::<Subnet>(&caller.start.subnet) {
            Ok(subnet) => single_gate(estate, server_id, server, (caller, subnet)),
            Err(_) if admits_nobody(estate, server_id) => Gate::RuleMissing { has_endpoint: false },
            Err(missing) => Gate::Unknown(missing),
        },
        ServerKind::Host => Gate::Unknown(Missing::other(
            format!("what host `{}` does with callers", server_id.name()),
            "probe it from the copier's place: `flexway probe`",
        )),
        ServerKind::Flexible => flexible_gate(estate, server_id, caller),
    }
}

/// Whether a server has no rule at all that would let anybody in.
fn admits_nobody(estate: &Estate, server: &ResourceId) -> bool {
    let unread = [FIREWALL_RULE, VNET_RULE];
    public_rules(estate, server).next().is_none()
        && estate.children::<VnetRule>(server).next().is_none()
        && unread.into_iter().all(|kind| unread_rule(estate, server, kind).is_none())
}

/// Whether a front door that denies public access was made for a caller in a subnet, though it may be shut for another reason as well.
pub fn was_made_for(
    estate: &Estate,
    server_id: &ResourceId,
    server: &Server,
    start: &Start,
) -> bool {
    let open = Server { public_access: Some(true), ..server.clone() };
    let gate = public_gate(estate, server_id, &open, &Caller { start, egress: None });
    gate.expects_caller() || matches!(gate.as_known().0, Gate::OtherRegion(..))
}

/// Asks the front door about a caller behind an appliance or a gateway: it sees their address, not the caller's.
pub fn gate_behind(
    estate: &Estate,
    server_id: &ResourceId,
    server: &Server,
    (caller, next_hop): (&Caller, &NextHop),
) -> Gate {
    match server.public_access {
        None => return Gate::Unknown(Missing::field(server_id, "publicNetworkAccess")),
        Some(false) => return Gate::PublicDenied,
        Some(true) => {}
    }
    let is_appliance = matches!(next_hop, NextHop::Appliance(_));
    let openers = openers(estate, server_id, is_appliance);
    if !openers.is_empty() {
        return Gate::Open(openers);
    }
    let idle_rule = || idle_vnet_rule(estate, server_id, server, caller.start);
    match caller.by_rules(estate, server_id) {
        Ok(Some(open @ Gate::Open(_))) => return open,
        Ok(Some(shut)) => return idle_rule().unwrap_or(shut),
        Ok(None) => {}
        Err(missing) => return Gate::Unknown(missing),
    }
    let unread = [FIREWALL_RULE, VNET_RULE];
    let unread = unread.into_iter().find_map(|kind| unread_rule(estate, server_id, kind));
    // An appliance's own subnet may be let in by a VNet rule.
    let subnet = &caller.start.subnet;
    let lets_in = estate.children::<VnetRule>(server_id).any(|(_, rule)| rule.subnet != *subnet);
    // Whoever wrote the estate knows what the appliance puts on its packets, and may have written another address in its place.
    let may_hold = |rule: &FirewallRule| !rule.admits_nobody() || rule.is_of_examples();
    let is_held = estate.children::<FirewallRule>(server_id).any(|(_, rule)| may_hold(rule));
    let is_open = is_appliance && lets_in || is_held;
    let doubt = unread.or_else(|| {
        is_open.then(|| {
            Missing::other(
                "the public address that packets leave with behind the appliance or gateway",
                "connect from the copier's place and read the address in the server's refusal, or in `inet_client_addr()`",
            )
        })
    });
    match (doubt, idle_rule()) {
        (None, gate) => gate.unwrap_or(Gate::FirewallRuleMissing),
        (Some(missing), Some(gate)) => Gate::Unsure(Box::new(gate), missing),
        (Some(missing), None) => Gate::Unknown(missing),
    }
}

/// The gate where a VNet rule names the caller's subnet, and does not act: the service endpoint is off whose routes would lead past every
/// appliance, or the subnet is in another region.
fn idle_vnet_rule(
    estate: &Estate,
    server_id: &ResourceId,
    server: &Server,
    start: &Start,
) -> Option<Gate> {
    let subnet = estate.find::<Subnet>(&start.subnet)?;
    if server.kind != ServerKind::Single {
        return None;
    }
    if is_afar(estate, server, &start.vnet) {
        let mut rules = estate.children::<VnetRule>(server_id);
        let (rule, _) = rules.find(|(_, rule)| rule.subnet == start.subnet)?;
        let near = estate.find::<Vnet>(&start.vnet)?.location.clone()?;
        return Some(Gate::OtherRegion(rule.clone(), near));
    }
    let place = (&start.vnet, &start.subnet, subnet);
    let (gate, _) = rules_of_single(estate, server_id, server, place);
    matches!(gate, Gate::ServiceEndpointMissing(_)).then_some(gate)
}

/// The front door of a Single Server. Without the service endpoint nobody knows the address that packets of a managed subnet come
/// with, so a firewall rule may hold it.
fn single_gate(
    estate: &Estate,
    server_id: &ResourceId,
    server: &Server,
    (caller, subnet): (&Caller, &Subnet),
) -> Gate {
    let Start { vnet, subnet: subnet_id, .. } = caller.start;
    let (gate, is_identified) =
        rules_of_single(estate, server_id, server, (vnet, subnet_id, subnet));
    let by_rules = match is_identified || matches!(gate, Gate::Open(_)) {
        true => Ok(None),
        false => caller.by_rules(estate, server_id),
    };
    match (&by_rules, &gate) {
        (Ok(Some(open @ Gate::Open(_))), _) => return open.clone(),
        // Without an identity, and where no rule speaks of the subnet, its public address decides.
        (Ok(Some(shut)), Gate::RuleMissing { .. }) => return shut.clone(),
        _ => {}
    }
    let by_address = || {
        if let Ok(Some(_)) = by_rules {
            return None;
        }
        let may_hold = public_rules(estate, server_id).next().is_some();
        let unseen = || {
            may_hold
                .then(|| by_rules.clone().err().unwrap_or_else(|| unseen_address(subnet_id.name())))
        };
        unread_rule(estate, server_id, FIREWALL_RULE).or_else(unseen)
    };
    let doubt = || {
        let unread = unread_rule(estate, server_id, VNET_RULE);
        unread.or_else(|| if is_identified { None } else { by_address() })
    };
    match &gate {
        Gate::RuleMissing { .. }
        | Gate::ServiceEndpointMissing(_)
        | Gate::RuleNotReady(..)
        | Gate::OtherRegion(..) => match doubt() {
            Some(missing) => Gate::Unsure(Box::new(gate), missing),
            None => gate,
        },
        _ => gate,
    }
}

/// What the rules of a Single Server that were read do with a subnet, and whether its packets carry the subnet's identity.
fn rules_of_single(
    estate: &Estate,
    server_id: &ResourceId,
    server: &Server,
    (vnet_id, subnet_id, subnet): (&ResourceId, &ResourceId, &Subnet),
) -> (Gate, bool) {
    if subnet.are_endpoints_unreadable {
        return (Gate::Unknown(Missing::field(subnet_id, "serviceEndpoints")), true);
    }
    let place = (vnet_id, subnet_id, subnet);
    let told = |has_endpoint| rules_by_endpoint(estate, (server_id, server), place, has_endpoint);
    let turning = subnet.sql_endpoint_trouble.filter(|state| *state != Unsettled::Failed);
    let Some(state) = turning else { return told(subnet.has_sql_endpoint()) };
    match (told(true), told(false)) {
        ((open @ Gate::Open(_), _), (Gate::Open(_), _)) => (open, true),
        // Neither is there a rule for the subnet, nor, it may turn out, for its address.
        ((Gate::RuleMissing { .. }, _), (shut @ Gate::RuleMissing { .. }, _)) => (shut, false),
        _ => {
            let what = format!(
                "whether service endpoint Microsoft.Sql of `{}` is up: its state is {}",
                subnet_id.name(),
                state.words()
            );
            let missing = Missing { what, ..Missing::field(subnet_id, "serviceEndpoints") };
            (Gate::Unknown(missing), true)
        }
    }
}

/// The same, where the subnet has a service endpoint for the server, or has none.
fn rules_by_endpoint(
    estate: &Estate,
    (server_id, server): (&ResourceId, &Server),
    (vnet_id, subnet_id, subnet): (&ResourceId, &ResourceId, &Subnet),
    has_endpoint: bool,
) -> (Gate, bool) {
    let is_afar = is_afar(estate, server, vnet_id);
    let regions = &subnet.sql_endpoint_regions;
    let region = server.location.as_deref().map(region_key).filter(|_| !regions.is_empty());
    if let Some(region) = region.filter(|one| !is_afar && !regions.contains(one)) {
        let what = format!(
            "whether service endpoint Microsoft.Sql of `{}`, which names {}, acts for a server in {region}",
            subnet_id.name(),
            regions.join(", ")
        );
        let help = "turn it off and on again, which names the network's own region, or probe from there: `flexway probe`";
        return (Gate::Unknown(Missing::other(what, help)), true);
    }
    // Any rule that is ready lets the subnet in.
    let is_ready = |rule: &VnetRule| {
        rule.state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("ready"))
    };
    let rules =
        estate.children::<VnetRule>(server_id).filter(|(_, rule)| rule.subnet == *subnet_id);
    let rule = rules.max_by_key(|(_, rule)| is_ready(rule));
    // The endpoint gives packets to servers of its own region the subnet's identity, to others a public address.
    let is_identified = has_endpoint && !is_afar;
    let is_let_in = rule.is_some_and(|(_, rule)| is_ready(rule));
    let openers = if is_identified { Vec::new() } else { openers(estate, server_id, true) };
    if !openers.is_empty() {
        return (Gate::Open(openers), false);
    }
    // Rules of addresses do not speak of a subnet with an identity; of the one for all of Azure documents disagree.
    let mut rules_of_addresses = public_rules(estate, server_id);
    let of_azure = rules_of_addresses.find(|(_, rule)| rule.is_all_of_azure());
    if let (true, false, Some((id, _))) = (is_identified, is_let_in, of_azure) {
        return (Gate::Disputed(id.clone()), true);
    }
    let gate = match rule {
        None => Gate::RuleMissing { has_endpoint },
        Some((id, _)) if !has_endpoint => Gate::ServiceEndpointMissing(id.clone()),
        Some((id, rule)) => vnet_rule_gate(estate, (id, rule), vnet_id, (server_id, server)),
    };
    (gate, is_identified)
}

/// Whether a network is known to be in another region than the server.
fn is_afar(estate: &Estate, server: &Server, vnet: &ResourceId) -> bool {
    let region = |location: &Option<String>| location.as_deref().map(region_key);
    let near = estate.find::<Vnet>(vnet).and_then(|vnet| region(&vnet.location));
    near.is_some() && server.location.is_some() && near != region(&server.location)
}

/// Whether packets of a subnet come to a server with the subnet's identity, by its service endpoint, and not from the internet.
pub fn is_identified(estate: &Estate, server: &Server, start: &Start) -> bool {
    let has_endpoint = estate.find::<Subnet>(&start.subnet).is_some_and(Subnet::has_sql_endpoint);
    server.kind == ServerKind::Single && has_endpoint && !is_afar(estate, server, &start.vnet)
}

/// What a VNet rule does for a subnet that has the service endpoint.
fn vnet_rule_gate(
    estate: &Estate,
    (rule_id, rule): (&ResourceId, &VnetRule),
    vnet_id: &ResourceId,
    (server_id, server): (&ResourceId, &Server),
) -> Gate {
    let is_ready = |state: &&String| state.eq_ignore_ascii_case("ready");
    if let Some(state) = rule.state.as_ref().filter(|state| !is_ready(state)) {
        return Gate::RuleNotReady(rule_id.clone(), state.clone());
    }
    match estate.get::<Vnet>(vnet_id).map(|vnet| vnet.location.clone()) {
        // Whatever its state, a rule admits no subnet of another region.
        Ok(Some(near)) if is_afar(estate, server, vnet_id) => {
            Gate::OtherRegion(rule_id.clone(), near)
        }
        _ if rule.state.is_none() => Gate::Unknown(Missing::field(rule_id, "state")),
        Ok(None) => Gate::Unknown(Missing::field(vnet_id, "location")),
        Ok(Some(_)) if server.location.is_none() => {
            Gate::Unknown(Missing::field(server_id, "location"))
        }
        Ok(Some(_)) => Gate::Open(vec![rule_id.clone()]),
        Err(missing) => Gate::Unknown(missing),
    }
}

fn flexible_gate(estate: &Estate, server_id: &ResourceId, caller: &Caller) -> Gate {
    let openers = openers(estate, server_id, true);
    if !openers.is_empty() {
        return Gate::Open(openers);
    }
    let is_known = matches!(caller.egress, Some(Egress::Known(_)));
    if !is_known && public_rules(estate, server_id).next().is_none() {
        let unread = unread_rule(estate, server_id, FIREWALL_RULE);
        return unread.map_or(Gate::FirewallRuleMissing, Gate::Unknown);
    }
    match caller.by_rules(estate, server_id) {
        Ok(Some(gate)) => gate,
        Ok(None) => Gate::Unknown(unseen_address(caller.start.subnet.name())),
        Err(missing) => Gate::Unknown(missing),
    }
}

fn unseen_address(subnet: &str) -> Missing {
    Missing::other(
        format!("the public address that packets from subnet `{subnet}` come with"),
        "connect from the copier's place and read the address in the server's refusal, or in `inet_client_addr()`",
    )
}

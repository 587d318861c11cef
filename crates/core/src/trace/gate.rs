//! The server's own gate at its public front door: public access, VNet rules and firewall rules.

use crate::address::AddressSet;
use crate::estate::network::{NextHop, Subnet, Vnet};
use crate::estate::server::{FirewallRule, Server, ServerKind, VnetRule};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::door_rules::{FIREWALL_RULE, VNET_RULE, openers, public_rules, unread_rule};
use crate::trace::egress::Egress;
use crate::trace::identity::is_afar;
use crate::trace::single_gate::{gate_of_unread, rules_of_single, single_gate};
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

    /// Whether it surely lets nobody in.
    fn is_shut(&self) -> bool {
        match self {
            Gate::PublicDenied
            | Gate::RuleMissing { .. }
            | Gate::ServiceEndpointMissing(_)
            | Gate::RuleNotReady(..)
            | Gate::OtherRegion(..)
            | Gate::FirewallRuleMissing
            | Gate::AddressNotAllowed(_) => true,
            Gate::Open(_)
            | Gate::OpensItself
            | Gate::Disputed(_)
            | Gate::Unknown(_)
            | Gate::Unsure(..) => false,
        }
    }

    /// The same where packets may take another way, on which they come to another gate.
    pub(super) fn unless(self, other: &Gate, missing: &Missing) -> Gate {
        match self.is_shut() && !other.is_shut() {
            true => Gate::Unsure(Box::new(self), missing.clone()),
            false => self,
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
    pub(super) fn by_rules(
        &self,
        estate: &Estate,
        server: &ResourceId,
    ) -> Result<Option<Gate>, Missing> {
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
            None => {
                let missing = Missing::other(
                    format!("which of {addresses} the packets leave with"),
                    "let all of them in",
                );
                let rest = Gate::AddressNotAllowed(addresses.difference(&held));
                Ok(Some(Gate::Unsure(Box::new(rest), missing)))
            }
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
            Err(missing) => gate_of_unread(estate, server_id, &caller.start.subnet)
                .unwrap_or(Gate::Unknown(missing)),
        },
        ServerKind::Host => Gate::Unknown(Missing::other(
            format!("what host `{}` does with callers", server_id.name()),
            "probe it from the copier's place: `flexway probe`",
        )),
        ServerKind::Flexible => flexible_gate(estate, server_id, caller),
    }
}

/// Whether a front door that denies public access was made for a caller, though it may be shut for another reason as well.
pub fn was_made_for(
    estate: &Estate,
    server_id: &ResourceId,
    server: &Server,
    caller: &Caller,
) -> bool {
    let open = Server { public_access: Some(true), ..server.clone() };
    let gate = public_gate(estate, server_id, &open, caller);
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
        Ok(Some(told @ (Gate::Open(_) | Gate::Unsure(..)))) => return told,
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
    if is_afar(estate, server.location.as_deref(), &start.vnet) {
        let mut rules = estate.children::<VnetRule>(server_id);
        let (rule, _) = rules.find(|(_, rule)| rule.subnet == start.subnet)?;
        let near = estate.find::<Vnet>(&start.vnet)?.location.clone()?;
        return Some(Gate::OtherRegion(rule.clone(), near));
    }
    let place = (&start.vnet, &start.subnet, subnet);
    let (gate, _) = rules_of_single(estate, server_id, server, place);
    matches!(gate, Gate::ServiceEndpointMissing(_)).then_some(gate)
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

pub(super) fn unseen_address(subnet: &str) -> Missing {
    Missing::other(
        format!("the public address that packets from subnet `{subnet}` come with"),
        "connect from the copier's place and read the address in the server's refusal, or in `inet_client_addr()`",
    )
}

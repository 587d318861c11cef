//! The front door of a Single Server: a subnet's identity and VNet rules, or else an address and firewall rules.

use super::door_rules::{FIREWALL_RULE, VNET_RULE, openers, public_rules, unread_rule};
use super::gate::{Caller, Gate, unseen_address};
use super::identity::{self, is_afar, unread_region};
use super::start::Start;
use crate::estate::network::{Subnet, Vnet};
use crate::estate::server::{FirewallRule, Server, VnetRule};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

/// The front door of a Single Server. Without the service endpoint nobody knows the address that packets of a managed subnet come
/// with, so a firewall rule may hold it.
pub(super) fn single_gate(
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
        match &by_rules {
            Ok(Some(Gate::Unsure(_, missing))) => return Some(missing.clone()),
            Ok(Some(_)) => return None,
            _ => {}
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
pub(super) fn rules_of_single(
    estate: &Estate,
    server_id: &ResourceId,
    server: &Server,
    (vnet_id, subnet_id, subnet): (&ResourceId, &ResourceId, &Subnet),
) -> (Gate, bool) {
    let place = (vnet_id, subnet_id, subnet);
    let told = |has_endpoint| {
        rules_by_endpoint(estate, (server_id, server), (vnet_id, subnet_id), has_endpoint)
    };
    let doubt = identity::doubt(estate, (server_id, server), place);
    let Some(missing) = doubt else { return told(subnet.has_sql_endpoint()) };
    match (told(true), told(false)) {
        ((open @ Gate::Open(_), _), (Gate::Open(_), _)) => (open, true),
        // Neither is there a rule for the subnet, nor, it may turn out, for its address.
        ((Gate::RuleMissing { .. }, _), (shut @ Gate::RuleMissing { .. }, _)) => (shut, false),
        (
            (shut @ (Gate::RuleNotReady(..) | Gate::OtherRegion(..)), _),
            (Gate::ServiceEndpointMissing(_), _),
        ) => (shut, false),
        _ => (Gate::Unknown(missing), true),
    }
}

/// The same, where the subnet has a service endpoint for the server, or has none.
fn rules_by_endpoint(
    estate: &Estate,
    (server_id, server): (&ResourceId, &Server),
    (vnet_id, subnet_id): (&ResourceId, &ResourceId),
    has_endpoint: bool,
) -> (Gate, bool) {
    let is_afar = is_afar(estate, server.location.as_deref(), vnet_id);
    // Any rule that is ready lets the subnet in.
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

/// What a VNet rule does for a subnet that has the service endpoint.
fn vnet_rule_gate(
    estate: &Estate,
    (rule_id, rule): (&ResourceId, &VnetRule),
    vnet_id: &ResourceId,
    (server_id, server): (&ResourceId, &Server),
) -> Gate {
    if let Some(state) = unready(rule) {
        return Gate::RuleNotReady(rule_id.clone(), state);
    }
    let near = estate.find::<Vnet>(vnet_id).and_then(|vnet| vnet.location.clone());
    match near {
        // Whatever its state, a rule admits no subnet of another region.
        Some(near) if is_afar(estate, server.location.as_deref(), vnet_id) => {
            Gate::OtherRegion(rule_id.clone(), near)
        }
        _ if rule.state.is_none() => Gate::Unknown(Missing::field(rule_id, "state")),
        _ => unread_region(estate, (server_id, server), vnet_id)
            .map_or_else(|| Gate::Open(vec![rule_id.clone()]), Gate::Unknown),
    }
}

/// The gate of a Single Server for a subnet that was not captured, where no rule at all would let anybody in.
pub(super) fn gate_of_unread(
    estate: &Estate,
    server: &ResourceId,
    subnet: &ResourceId,
) -> Option<Gate> {
    let unread = [FIREWALL_RULE, VNET_RULE];
    let rules = || estate.children::<VnetRule>(server);
    // Behind an appliance, examples may stand for the address that packets come with.
    let may_hold = |rule: &FirewallRule| !rule.admits_nobody() || rule.is_of_examples();
    let is_shut = !estate.children::<FirewallRule>(server).any(|(_, rule)| may_hold(rule))
        && rules().all(|(_, rule)| unready(rule).is_some())
        && unread.into_iter().all(|kind| unread_rule(estate, server, kind).is_none());
    let own = rules().find(|(_, rule)| rule.subnet == *subnet);
    let own = own.and_then(|(id, rule)| Some(Gate::RuleNotReady(id.clone(), unready(rule)?)));
    is_shut.then(|| own.unwrap_or(Gate::RuleMissing { has_endpoint: false }))
}

/// The state of a VNet rule that says that it is not ready.
fn unready(rule: &VnetRule) -> Option<String> {
    rule.state.clone().filter(|_| !is_ready(rule))
}

fn is_ready(rule: &VnetRule) -> bool {
    rule.state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("ready"))
}

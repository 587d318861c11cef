//! Load balancers: which machines get what is sent to a frontend.

use serde_json::Value;

use super::world::{World, at, flag, interface_addresses, list, private_address, reference, text};

/// What becomes of packets for a port of a frontend.
pub(super) enum Balanced<'w> {
    /// These interfaces may get them, on this port; whether with the frontend as their destination, where that is told.
    To(Vec<&'w Value>, u16, Option<bool>),
    /// No rule takes them.
    Nowhere,
}

/// Follows packets to a port of a frontend; `None` where that is not known.
pub(super) fn balanced<'w>(
    world: &'w World,
    key: &str,
    to: u32,
    port: u16,
) -> Option<Balanced<'w>> {
    let balancer = world.body(key)?;
    let part = |field| list(balancer, &["properties", field]);
    let frontend = part("frontendIPConfigurations")?
        .iter()
        .find(|one| private_address(one) == Some(to))
        .and_then(|one| reference(one, &["id"]))?;
    let number = |rule: &Value, field| at(rule, &["properties", field]).and_then(Value::as_u64);
    let takes = |rule: &&Value| {
        let of = reference(rule, &["properties", "frontendIPConfiguration", "id"]);
        let low = number(rule, "frontendPortRangeStart").or(number(rule, "frontendPort"));
        let high = number(rule, "frontendPortRangeEnd").or(number(rule, "frontendPort"));
        let is_port = match (low, high) {
            (Some(low), Some(high)) => low == 0 || (low <= port.into() && high >= port.into()),
            _ => true,
        };
        let protocol = text(rule, &["properties", "protocol"]);
        let is_udp = protocol.is_some_and(|word| word.eq_ignore_ascii_case("udp"));
        is_port && !is_udp && of.is_none_or(|one| one == frontend)
    };
    let lists = [part("loadBalancingRules"), part("inboundNatRules")];
    let found: Vec<&Value> = lists.iter().flatten().copied().flatten().filter(takes).collect();
    let rule = match found[..] {
        [] if lists.iter().all(Option::is_some) => return Some(Balanced::Nowhere),
        [one] => one,
        _ => return None,
    };
    let is_told = ["frontendIPConfiguration", "protocol", "frontendPort"]
        .iter()
        .all(|field| at(rule, &["properties", field]).is_some());
    if !is_told {
        return None;
    }
    let inside = match number(rule, "backendPort")? {
        0 => port,
        other => u16::try_from(other).ok()?,
    };
    let floating = flag(rule, &["properties", "enableFloatingIP"]);
    if floating != Some(false) && inside != port {
        return None;
    }
    let configurations = configurations(balancer, rule)?;
    let bodies = configurations.iter().map(|id| world.body(id.split("/ipconfigurations/").next()?));
    let bodies = bodies.collect::<Option<Vec<_>>>()?;
    let have_one_address = bodies.iter().all(|body| interface_addresses(body).len() == 1);
    (have_one_address && !bodies.is_empty()).then_some(Balanced::To(bodies, inside, floating))
}

/// Whether some interfaces get what is sent to a frontend, and none of them forwards it.
pub(super) fn is_idle(world: &World, to: u32) -> bool {
    let balancers = world.all("microsoft.network/loadbalancers").map(|(_, body)| body);
    let front = |body: &Value| {
        let all = list(body, &["properties", "frontendIPConfigurations"])?;
        reference(all.iter().find(|one| private_address(one) == Some(to))?, &["id"])
    };
    let mut fronts = balancers.filter_map(|body| Some((body, front(body)?)));
    fronts.next().is_some_and(|(body, front)| are_idle(world, body, &front) == Some(true))
}

/// The same of one frontend; `None` where that is not known.
fn are_idle(world: &World, balancer: &Value, frontend: &str) -> Option<bool> {
    let part = |field| list(balancer, &["properties", field]);
    let mut members = Vec::new();
    let is_of = |rule: &&Value| {
        let of = reference(rule, &["properties", "frontendIPConfiguration", "id"]);
        of.is_none_or(|one| one == frontend)
    };
    let balanced = part("loadBalancingRules")?;
    // What comes by on its way elsewhere is for a rule of all ports, whatever rules of NAT there are.
    let is_of_all = |rule: &Value| {
        let is_zero = |field| at(rule, &["properties", field]).and_then(Value::as_u64) == Some(0);
        text(rule, &["properties", "protocol"]).is_some_and(|one| one.eq_ignore_ascii_case("all"))
            && is_zero("frontendPort")
    };
    let translated = match part("inboundNatRules") {
        Some(told) => told,
        None if balanced.iter().filter(is_of).any(is_of_all) => &[],
        None => return None,
    };
    for rule in balanced.iter().chain(translated).filter(is_of) {
        members.extend(configurations(balancer, rule)?);
    }
    let forwards = |id: &String| {
        let body = world.body(id.split("/ipconfigurations/").next()?)?;
        Some(flag(body, &["properties", "enableIPForwarding"]) != Some(false))
    };
    let all: Vec<bool> = members.iter().map(forwards).collect::<Option<_>>()?;
    Some(!all.is_empty() && !all.contains(&true))
}

/// The configurations of interfaces that a rule takes packets to; `None` where they are not all told.
fn configurations(balancer: &Value, rule: &Value) -> Option<Vec<String>> {
    let Some(pool) = reference(rule, &["properties", "backendAddressPool", "id"]) else {
        return Some(vec![reference(rule, &["properties", "backendIPConfiguration", "id"])?]);
    };
    let pools = list(balancer, &["properties", "backendAddressPools"])?;
    let body = pools.iter().find(|one| reference(one, &["id"]).as_ref() == Some(&pool))?;
    let all = list(body, &["properties", "backendIPConfigurations"])?;
    all.iter().map(|one| reference(one, &["id"])).collect()
}

//! Load balancers: which machine gets what is sent to a frontend.

use serde_json::Value;

use super::world::{World, at, flag, interface_addresses, list, private_address, reference};

/// The member that a frontend's packets go to.
pub(super) struct Member<'w> {
    pub(super) address: u32,
    pub(super) subnet: String,
    pub(super) interface: &'w Value,
}

/// The only machine that packets to a port of a frontend can go to; `None` where that is not known.
pub(super) fn member<'w>(world: &'w World, key: &str, to: u32, port: u16) -> Option<Member<'w>> {
    let balancer = world.body(key)?;
    let part = |field| list(balancer, &["properties", field]).unwrap_or(&[]);
    let frontend = part("frontendIPConfigurations")
        .iter()
        .find(|one| private_address(one) == Some(to))
        .and_then(|one| reference(one, &["id"]))?;
    let number = |rule: &Value, field| at(rule, &["properties", field]).and_then(Value::as_u64);
    let mut rules = part("loadBalancingRules").iter().filter(|rule| {
        let of = reference(rule, &["properties", "frontendIPConfiguration", "id"]);
        let port = [None, Some(0), Some(u64::from(port))].contains(&number(rule, "frontendPort"));
        port && of.is_none_or(|one| one == frontend)
    });
    let (rule, None) = (rules.next()?, rules.next()) else { return None };
    let is_moved = number(rule, "frontendPort") != number(rule, "backendPort")
        || flag(rule, &["properties", "enableFloatingIP"]) != Some(false)
        || reference(rule, &["properties", "frontendIPConfiguration", "id"]).is_none();
    let pool = reference(rule, &["properties", "backendAddressPool", "id"])?;
    let pools = part("backendAddressPools").iter();
    let body = { pools }.find(|one| reference(one, &["id"]).as_deref() == Some(&pool))?;
    let [one] = list(body, &["properties", "backendIPConfigurations"])? else { return None };
    let id = reference(one, &["id"])?;
    let interface = world.body(id.split("/ipconfigurations/").next()?)?;
    let [address] = interface_addresses(interface)[..] else { return None };
    let parts = list(interface, &["properties", "ipConfigurations"])?;
    let subnet = parts.iter().find_map(|one| reference(one, &["properties", "subnet", "id"]))?;
    (!is_moved).then_some(Member { address, subnet, interface })
}

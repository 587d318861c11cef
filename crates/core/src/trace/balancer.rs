//! The machine behind a load balancer: security rules act on it, not on the frontend that is dialled.

use std::net::Ipv4Addr;

use super::leg::Machine;
use crate::estate::endpoint::Interface;
use crate::estate::gateway::LoadBalancer;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

/// The machine that packets to a port of a load balancer's frontend are taken to; `None` where nothing balances.
pub(super) fn behind(
    estate: &Estate,
    dialled: &Machine,
    port: u16,
) -> Option<Result<Machine, Missing>> {
    let id = dialled.holder.as_ref()?;
    let balancer = estate.get::<LoadBalancer>(id).ok()?;
    Some(member(estate, balancer, dialled.address, port).ok_or_else(|| unseen(id)))
}

/// The one member of the pool, where all that it takes to know it was captured.
fn member(
    estate: &Estate,
    balancer: &LoadBalancer,
    address: Ipv4Addr,
    port: u16,
) -> Option<Machine> {
    let frontend = balancer.frontends.iter().find(|one| one.address == address)?.id.as_ref()?;
    let mut rules = balancer.rules.iter().flatten().filter(|rule| {
        rule.frontend.as_ref().is_none_or(|one| one == frontend)
            && rule.port.is_none_or(|one| one == 0 || one == u64::from(port))
    });
    let rule = rules.next().filter(|rule| rule.is_plain && rule.frontend.is_some())?;
    let (_, members) = balancer.pools.iter().find(|(id, _)| Some(id) == rule.pool.as_ref())?;
    let [configuration] = members.as_deref()? else { return None };
    let id = configuration.parent()?;
    let interface = estate.get::<Interface>(&id).ok()?;
    let [address] = interface.addresses[..] else { return None };
    let only = Machine { address, subnet: interface.subnet.clone()?, holder: Some(id) };
    rules.next().is_none().then_some(only)
}

fn unseen(balancer: &ResourceId) -> Missing {
    Missing::other(
        format!(
            "what security rules let in to the machines behind load balancer `{}`",
            balancer.name()
        ),
        "check the address of each of them: `--source ADDRESS:PORT`",
    )
}

//! Who sends: whatever is in a subnet, or the one machine of a relay host.

use serde_json::Value;

use super::address::{Prefix, address_of};
use super::door::standing;
use super::filter::{Packet, Place, Way, filters, group};
use super::verdict::Gate;
use super::world::{
    World, at, flag, interface_addresses, list, private_address, reference, text, texts,
};

/// What is particular to a machine; nothing for other senders.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sender {
    /// The network interface, where the sender is a machine.
    pub(super) interface: Option<String>,
    /// The security group of its own interface.
    group: Option<String>,
    /// Application security groups that it is a member of.
    pub(super) members: Vec<String>,
    /// DNS servers that it asks in place of its network's.
    pub(super) dns: Vec<String>,
}

/// As what a machine's packets come into the internet.
pub(super) enum Egress {
    /// With one of these addresses.
    At(Vec<u32>),
    /// With some address of Azure.
    Somehow,
    /// That hangs on what is not known.
    Perhaps(Gate),
    /// Not at all.
    Nowhere,
}

/// Whether an id is that of a network interface.
pub(super) fn is_interface(key: &str) -> bool {
    key.contains("/providers/microsoft.network/networkinterfaces/")
}

/// The interface's subnet and its first address.
pub(super) fn seat(world: &World, key: &str) -> Option<(String, u32)> {
    let body = world.body(key)?;
    let subnet = reference(first(body)?, &["properties", "subnet", "id"])?;
    let address = private_address(first(body)?);
    Some((subnet, address.or_else(|| interface_addresses(body).first().copied())?))
}

/// The primary configuration of an interface.
fn first(body: &Value) -> Option<&Value> {
    let all = list(body, &["properties", "ipConfigurations"])?;
    let is_primary = |one: &&Value| flag(one, &["properties", "primary"]) == Some(true);
    all.iter().find(is_primary).or_else(|| all.first())
}

/// Whether the machine behind an interface runs, where a capture tells that it does not.
pub(super) fn runs(world: &World, interface: &Value) -> Gate {
    let machine = reference(interface, &["properties", "virtualMachine", "id"]);
    let Some((key, body)) = machine.as_deref().and_then(|key| Some((key, world.body(key)?))) else {
        return Gate::Pass;
    };
    let statuses = list(body, &["properties", "instanceView", "statuses"]).unwrap_or(&[]);
    let graph = ["properties", "extended", "instanceView", "powerState", "code"];
    let mut words = statuses.iter().filter_map(|one| text(one, &["code"]));
    // `az vm list -d` writes it beside the properties.
    let listed = [&["properties", "powerState"][..], &["powerState"]];
    let listed = listed.into_iter().filter_map(|path| text(body, path));
    let words = words.by_ref().chain(text(body, &graph)).chain(listed);
    let is_down = |word: &str| {
        let word = word.to_ascii_lowercase();
        let state = word.rsplit(['/', ' ']).next().unwrap_or("");
        (word.starts_with("powerstate/") || word.starts_with("vm "))
            && (state.starts_with("dealloc") || state.starts_with("stop"))
    };
    match words.into_iter().any(is_down) {
        true => Gate::drop("state", key, Some("powerState")),
        false => Gate::Pass,
    }
}

impl Sender {
    /// Whether what copies runs: a relay host's machine, or the copier's server.
    pub(super) fn standing(&self, world: &World, copier: &str) -> Gate {
        match self.interface.as_deref() {
            Some(key) => world.body(key).map_or(Gate::Pass, |body| runs(world, body)),
            None => standing(world, copier),
        }
    }

    pub(super) fn of(world: &World, copier: &str) -> Sender {
        let body = world.body(copier).filter(|_| is_interface(copier));
        let Some(body) = body else { return Sender::default() };
        let configurations = list(body, &["properties", "ipConfigurations"]).unwrap_or(&[]);
        let groups = configurations
            .iter()
            .flat_map(|one| list(one, &["properties", "applicationSecurityGroups"]).unwrap_or(&[]));
        let dns = texts(body, &["properties", "dnsSettings", "dnsServers"]);
        Sender {
            interface: Some(copier.to_owned()),
            group: reference(body, &["properties", "networkSecurityGroup", "id"]),
            members: groups.filter_map(|one| reference(one, &["id"])).collect(),
            dns: dns.into_iter().map(str::to_owned).collect(),
        }
    }

    /// The security groups that its packets meet on the way out: its own, then its subnet's.
    pub(super) fn out(&self, world: &World, subnet: &str, packet: &Packet<'_>) -> Vec<Gate> {
        self.out_of(world, Place::of(subnet), packet)
    }

    /// The same, of a place of which more is known.
    pub(super) fn out_of(&self, world: &World, place: Place<'_>, packet: &Packet<'_>) -> Vec<Gate> {
        let own = self.group.iter().map(|key| group(world, key, place, Way::Outbound, packet));
        own.chain(filters(world, place, Way::Outbound, packet)).collect()
    }

    /// Whether a security group stands where its packets leave.
    pub(super) fn is_filtered(&self, world: &World, subnet: &str) -> bool {
        !self.groups(world, subnet).is_empty()
    }

    /// The keys of the groups that questions to Azure's resolver meet.
    pub(super) fn groups(&self, world: &World, subnet: &str) -> Vec<String> {
        let of_subnet = world
            .body(subnet)
            .and_then(|body| reference(body, &["properties", "networkSecurityGroup", "id"]));
        self.group.iter().cloned().chain(of_subnet).collect()
    }

    /// As what its packets come into the internet.
    pub(super) fn egress(&self, world: &World, subnet: &str) -> Egress {
        let Some(body) = self.interface.as_deref().and_then(|key| world.body(key)) else {
            return Egress::Somehow;
        };
        let around = world.body(subnet);
        let nat = around.and_then(|body| reference(body, &["properties", "natGateway", "id"]));
        let own = first(body).and_then(|one| {
            reference(one, &["properties", "publicIPAddress", "id"])
                .or_else(|| reference(one, &["properties", "publicIpAddress", "id"]))
        });
        // Documents disagree which of the two counts.
        let mut all = Vec::new();
        if let Some(nat) = &nat {
            match addresses_of_nat(world, nat) {
                None => return Egress::Somehow,
                Some(some) if some.is_empty() => {
                    return Egress::Perhaps(Gate::unknown("the addresses", nat));
                }
                Some(some) => all.extend(some),
            }
        }
        if let Some(own) = &own {
            match public_addresses(world, own) {
                None => return Egress::Somehow,
                Some(some) => all.extend(some),
            }
        }
        let is_private = around
            .and_then(|body| flag(body, &["properties", "defaultOutboundAccess"]))
            == Some(false);
        if !all.is_empty() {
            return Egress::At(all);
        }
        let Some(pools) = pools_of(body) else {
            return Egress::Perhaps(Gate::unknown("the load balancers", subnet));
        };
        let by_pools: Option<Vec<Vec<u32>>> =
            pools.iter().map(|pool| addresses_of_pool(world, pool)).collect();
        match by_pools.map(|all| all.concat()) {
            Some(all) if !all.is_empty() => Egress::At(all),
            _ if !pools.is_empty() => Egress::Perhaps(Gate::unknown("the outbound rules", subnet)),
            _ if is_private => Egress::Nowhere,
            _ => Egress::Somehow,
        }
    }
}

/// The pools of load balancers that an interface is in.
pub(super) fn pools_of(interface: &Value) -> Option<Vec<String>> {
    let mut pools = Vec::new();
    for one in list(interface, &["properties", "ipConfigurations"]).unwrap_or(&[]) {
        let field = &["properties", "loadBalancerBackendAddressPools"];
        let Some(written) = at(one, field) else { continue };
        for pool in written.as_array()? {
            pools.push(reference(pool, &["id"])?);
        }
    }
    Some(pools)
}

/// As what the members of a pool come into the internet by rules of their load balancer.
fn addresses_of_pool(world: &World, pool: &str) -> Option<Vec<u32>> {
    let body = world.body(pool.rsplit_once("/backendaddresspools/")?.0)?;
    let is_of_pool = |rule: &&Value| {
        reference(rule, &["properties", "backendAddressPool", "id"]).as_deref() == Some(pool)
    };
    let mut used = Vec::new();
    for rule in list(body, &["properties", "outboundRules"])?.iter().filter(is_of_pool) {
        for door in list(rule, &["properties", "frontendIPConfigurations"])? {
            used.push(reference(door, &["id"])?);
        }
    }
    let balanced = list(body, &["properties", "loadBalancingRules"]).unwrap_or(&[]);
    for rule in balanced {
        if flag(rule, &["properties", "disableOutboundSnat"]) == Some(true) {
            continue;
        }
        let of = reference(rule, &["properties", "backendAddressPool", "id"])?;
        if of == pool {
            used.push(reference(rule, &["properties", "frontendIPConfiguration", "id"])?);
        }
    }
    let doors = list(body, &["properties", "frontendIPConfigurations"])?;
    let mut all = Vec::new();
    for id in used {
        let door = doors.iter().find(|one| reference(one, &["id"]).as_ref() == Some(&id))?;
        let public = reference(door, &["properties", "publicIPAddress", "id"])
            .or_else(|| reference(door, &["properties", "publicIPPrefix", "id"]));
        match public {
            Some(public) => all.extend(public_addresses(world, &public)?),
            // A private frontend leads nowhere in the internet.
            None => drop(private_address(door)?),
        }
    }
    Some(all)
}

/// What a public address or a prefix of them stands for; Azure gives out no wider ones than /21.
pub(super) fn public_addresses(world: &World, key: &str) -> Option<Vec<u32>> {
    let body = world.body(key)?;
    if let Some(prefix) = text(body, &["properties", "ipPrefix"]) {
        let prefix = Prefix::parse(prefix)?;
        return (prefix.len >= 21).then(|| (prefix.first()..=prefix.last()).collect());
    }
    Some(vec![address_of(text(body, &["properties", "ipAddress"])?)?])
}

/// The addresses of a NAT gateway, where all of them are known.
pub(super) fn addresses_of_nat(world: &World, nat: &str) -> Option<Vec<u32>> {
    let nat = world.body(nat)?;
    let mut all = Vec::new();
    for field in ["publicIpAddresses", "publicIpPrefixes"] {
        let Some(listed) = at(nat, &["properties", field]) else { continue };
        for one in listed.as_array()? {
            all.extend(public_addresses(world, &reference(one, &["id"])?)?);
        }
    }
    Some(all)
}

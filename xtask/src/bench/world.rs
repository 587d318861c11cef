//! The estate of the benchmark: hubs with spokes, a server pair each, and something wrong with every second pair.
//!
//! Every hundredth network is a hub; the others are peered with theirs. Each group has its own zone of private endpoint names,
//! as Azure's limit of links a zone asks for.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::process::Result;

/// How large the estate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Networks.
    pub(crate) vnets: usize,
    /// Rules of each network's security group.
    pub(crate) rules: usize,
    /// Pairs to be judged.
    pub(crate) pairs: usize,
}

/// Changes with what is written, so that none of before is taken for it.
pub(crate) const EDITION: u32 = 2;

/// Networks of a hub, the hub included: fewer than the 500 peerings and 1,000 links that Azure allows.
const GROUP: usize = 100;

/// Networks whose resources stand in one file.
const FILE_VNETS: usize = 250;

/// The zone of private endpoint names.
const ZONE: &str = "privatelink.postgres.database.azure.com";

/// What is wrong with a pair. The first four need the spoke at the target's end, the others at the source's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Unlinked,
    OutboundDenied,
    Blackhole,
    AccessOff,
    RecordMissing,
    RecordStale,
    Pending,
    InboundDenied,
    Disconnected,
}

/// The fault of a spoke; every second one has none. Spokes with odd numbers hold the source of their pair.
fn fault(vnet: usize) -> Fault {
    use Fault::{AccessOff, Blackhole, Disconnected, InboundDenied, OutboundDenied};
    use Fault::{Pending, RecordMissing, RecordStale, Unlinked};
    let at_target = [Unlinked, OutboundDenied, Blackhole, AccessOff, Disconnected];
    let at_source = [RecordMissing, RecordStale, Pending, InboundDenied, Disconnected];
    // A multiplicative hash: what is wrong follows no pattern, and is the same in every run.
    let chance = (vnet as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    match (vnet % GROUP, chance % 2) {
        (0, _) | (_, 0) => Fault::None,
        _ if vnet.is_multiple_of(2) => at_target[(chance / 2 % 5) as usize],
        _ => at_source[(chance / 2 % 5) as usize],
    }
}

fn hub(vnet: usize) -> usize {
    vnet / GROUP * GROUP
}

fn group_id(vnet: usize) -> String {
    let subscription = vnet / 1000;
    format!(
        "/subscriptions/00000000-0000-4000-8000-{subscription:012}/resourceGroups/rg-{:04}/providers",
        vnet / GROUP
    )
}

fn network(vnet: usize, kind: &str, name: &str) -> String {
    format!("{}/Microsoft.Network/{kind}/{name}", group_id(vnet))
}

fn vnet_id(vnet: usize) -> String {
    network(vnet, "virtualNetworks", &format!("vnet-{vnet:05}"))
}

fn source_id(vnet: usize) -> String {
    format!("{}/Microsoft.DBforPostgreSQL/servers/old-{vnet:05}", group_id(vnet))
}

fn target_id(vnet: usize) -> String {
    format!("{}/Microsoft.DBforPostgreSQL/flexibleServers/new-{vnet:05}", group_id(vnet))
}

/// `10.A.B.LAST` of a network.
fn address(vnet: usize, last: u8) -> String {
    format!("10.{}.{}.{last}", vnet / 256, vnet % 256)
}

/// The pair with that number: source and target.
pub(crate) fn pair(size: &Size, number: usize) -> (String, String) {
    let vnet = number % size.vnets;
    match vnet % 2 {
        0 => (source_id(hub(vnet)), target_id(vnet)),
        _ => (source_id(vnet), target_id(hub(vnet))),
    }
}

/// The security group of a network.
pub(crate) fn security_group_id(vnet: usize) -> String {
    network(vnet, "networkSecurityGroups", &format!("nsg-{vnet:05}"))
}

/// Writes the estate into a folder, unless it stands there; `estate/` holds the resources, `pairs.csv` the pairs.
pub(crate) fn write(folder: &Path, size: &Size) -> Result<()> {
    let done = folder.join("done");
    if done.exists() {
        return Ok(());
    }
    let failed = |why: std::io::Error| format!("write {}: {why}", folder.display());
    let estate = folder.join("estate");
    fs::create_dir_all(&estate).map_err(failed)?;
    for first in (0..size.vnets).step_by(FILE_VNETS) {
        let last = (first + FILE_VNETS).min(size.vnets);
        let path = estate.join(format!("capture-{first:05}.json"));
        write_file(&path, first..last, size.rules).map_err(failed)?;
    }
    let pairs: String = (0..size.pairs).fold(String::new(), |mut text, number| {
        let (source, target) = pair(size, number);
        let _ = writeln!(text, "{source},{target}");
        text
    });
    fs::write(folder.join("pairs.csv"), pairs).map_err(failed)?;
    fs::write(done, "").map_err(failed)
}

fn write_file(path: &Path, vnets: std::ops::Range<usize>, rules: usize) -> std::io::Result<()> {
    let mut out = BufWriter::new(fs::File::create(path)?);
    let mut separator = "[\n";
    for vnet in vnets {
        for resource in resources(vnet, rules) {
            write!(out, "{separator}{resource}")?;
            separator = ",\n";
        }
    }
    out.write_all(b"\n]\n")?;
    out.flush()
}

/// Everything that stands in and around a network.
pub(crate) fn resources(vnet: usize, rules: usize) -> Vec<Value> {
    let fault = fault(vnet);
    let mut all = vec![net(vnet, fault), security_group(vnet, fault, rules)];
    if vnet.is_multiple_of(GROUP) {
        all.push(body(&network(vnet, "privateDnsZones", ZONE), json!({ "numberOfRecordSets": 2 })));
    } else {
        all.extend(peerings(vnet, fault));
    }
    if fault == Fault::Blackhole {
        let route = json!({ "name": "drop", "properties": { "nextHopType": "None",
            "addressPrefix": format!("{}/28", address(hub(vnet), 16)) } });
        all.push(body(&table_id(vnet), json!({ "routes": [route] })));
    }
    all.extend(servers(vnet));
    all.extend(endpoint(vnet, fault));
    all.extend(names(vnet, fault));
    all
}

/// A resource as ARM prints it.
fn body(id: &str, properties: Value) -> Value {
    let (_, tail) = id.rsplit_once("/providers/").unwrap_or(("", id));
    let words: Vec<&str> = tail.split('/').collect();
    let kinds = words.iter().skip(1).step_by(2).copied();
    let kind = words.iter().take(1).copied().chain(kinds).collect::<Vec<_>>().join("/");
    json!({ "id": id, "name": words.last(), "type": kind, "location": "westeurope",
        "etag": "W/\"9b7a1c4e-52f0-4e1b-9d3a-6c1f0a2b3c4d\"", "properties": properties })
}

fn table_id(vnet: usize) -> String {
    network(vnet, "routeTables", &format!("routes-{vnet:05}"))
}

fn net(vnet: usize, fault: Fault) -> Value {
    let id = vnet_id(vnet);
    let group = json!({ "id": security_group_id(vnet) });
    let mut postgres = json!({ "provisioningState": "Succeeded", "networkSecurityGroup": group,
        "addressPrefix": format!("{}/28", address(vnet, 0)),
        "delegations": [{ "name": "flexible", "properties": {
            "serviceName": "Microsoft.DBforPostgreSQL/flexibleServers" } }] });
    if fault == Fault::Blackhole {
        postgres["routeTable"] = json!({ "id": table_id(vnet) });
    }
    let endpoints = json!({ "provisioningState": "Succeeded", "networkSecurityGroup": group,
        "addressPrefix": format!("{}/28", address(vnet, 16)), "delegations": [],
        "privateEndpointNetworkPolicies": "NetworkSecurityGroupEnabled" });
    let subnets = [("postgres", postgres), ("endpoints", endpoints)];
    let subnets = subnets.map(|(name, inner)| body(&format!("{id}/subnets/{name}"), inner));
    let space = json!({ "addressPrefixes": [format!("{}/24", address(vnet, 0))] });
    // Peerings are captured alone, as a hub has a hundred.
    body(
        &id,
        json!({ "provisioningState": "Succeeded", "addressSpace": space,
        "dhcpOptions": { "dnsServers": [] }, "subnets": subnets }),
    )
}

/// Both halves of the peering of a spoke with its hub.
fn peerings(vnet: usize, fault: Fault) -> [Value; 2] {
    let half = |near: usize, far: usize, state: &str, access: bool| {
        let space = json!({ "addressPrefixes": [format!("{}/24", address(far, 0))] });
        let id = format!("{}/virtualNetworkPeerings/to-{far:05}", vnet_id(near));
        body(
            &id,
            json!({ "provisioningState": "Succeeded", "peeringState": state,
            "peeringSyncLevel": "FullyInSync", "remoteVirtualNetwork": { "id": vnet_id(far) },
            "allowVirtualNetworkAccess": access, "allowForwardedTraffic": false,
            "allowGatewayTransit": false, "useRemoteGateways": false,
            "remoteAddressSpace": space, "remoteVirtualNetworkAddressSpace": space }),
        )
    };
    let state = if fault == Fault::Disconnected { "Disconnected" } else { "Connected" };
    let hub = hub(vnet);
    [half(vnet, hub, state, fault != Fault::AccessOff), half(hub, vnet, state, true)]
}

fn security_group(vnet: usize, fault: Fault, count: usize) -> Value {
    let id = security_group_id(vnet);
    let rule = |index: usize| {
        let name = format!("rule-{index:03}");
        let is_denied = index == 0 && matches!(fault, Fault::OutboundDenied | Fault::InboundDenied);
        let inbound =
            if index == 0 { fault == Fault::InboundDenied } else { index.is_multiple_of(2) };
        let other = (vnet * 7 + index * 131) % 65_536;
        let ends = [address(vnet, 0), address(other, 0)].map(|one| format!("{one}/24"));
        let (from, to) = if inbound { (&ends[1], &ends[0]) } else { (&ends[0], &ends[1]) };
        let (from, to) = if is_denied { ("*", "*") } else { (from.as_str(), to.as_str()) };
        let port = match index {
            0 if is_denied => "5432".to_owned(),
            _ if index.is_multiple_of(20) => "5432".to_owned(),
            _ => format!("{}", 8000 + index),
        };
        let mut rule = body(
            &format!("{id}/securityRules/{name}"),
            json!({ "provisioningState": "Succeeded", "protocol": "Tcp",
            "sourcePortRange": "*", "destinationPortRange": port, "sourceAddressPrefix": from,
            "destinationAddressPrefix": to, "access": if is_denied { "Deny" } else { "Allow" },
            "priority": 100 + index * 10, "direction": if inbound { "Inbound" } else { "Outbound" },
            "sourcePortRanges": [], "destinationPortRanges": [], "sourceAddressPrefixes": [],
            "destinationAddressPrefixes": [] }),
        );
        if let Some(fields) = rule.as_object_mut() {
            fields.shift_remove("location");
        }
        rule
    };
    let rules: Vec<Value> = (0..count).map(rule).collect();
    body(&id, json!({ "provisioningState": "Succeeded", "securityRules": rules }))
}

fn servers(vnet: usize) -> [Value; 2] {
    let id = format!("{}/privateEndpointConnections/old-{vnet:05}-pe", source_id(vnet));
    let connection = json!({ "id": id, "properties": { "privateEndpoint": { "id": endpoint_id(vnet) },
        "privateLinkServiceConnectionState": { "status": status(fault(vnet)) } } });
    let source = json!({ "version": "11", "userVisibleState": "Ready",
        "fullyQualifiedDomainName": format!("old-{vnet:05}.postgres.database.azure.com"),
        "privateEndpointConnections": [connection], "publicNetworkAccess": "Disabled" });
    let network = json!({ "publicNetworkAccess": "Disabled",
        "delegatedSubnetResourceId": format!("{}/subnets/postgres", vnet_id(vnet)) });
    let target = json!({ "version": "16", "state": "Ready", "network": network,
        "fullyQualifiedDomainName": format!("new-{vnet:05}.postgres.database.azure.com") });
    [body(&source_id(vnet), source), body(&target_id(vnet), target)]
}

fn endpoint_id(vnet: usize) -> String {
    network(vnet, "privateEndpoints", &format!("old-{vnet:05}-pe"))
}

fn status(fault: Fault) -> &'static str {
    if fault == Fault::Pending { "Pending" } else { "Approved" }
}

/// A private endpoint with its interface and its zone group.
fn endpoint(vnet: usize, fault: Fault) -> [Value; 3] {
    let id = endpoint_id(vnet);
    let interface = network(vnet, "networkInterfaces", &format!("old-{vnet:05}-pe.nic"));
    let subnet = json!({ "id": format!("{}/subnets/endpoints", vnet_id(vnet)) });
    let connection = json!({ "name": "pe", "properties": { "groupIds": ["postgresqlServer"],
        "privateLinkServiceId": source_id(vnet),
        "privateLinkServiceConnectionState": { "status": status(fault) } } });
    let own = json!({ "provisioningState": "Succeeded", "subnet": subnet,
        "privateLinkServiceConnections": [connection], "manualPrivateLinkServiceConnections": [],
        "ipConfigurations": [], "customDnsConfigs": [], "networkInterfaces": [{ "id": interface }] });
    let address = json!({ "name": "ip", "properties": {
        "privateIPAddress": address(vnet, 20), "subnet": subnet } });
    let nic = json!({ "ipConfigurations": [address], "privateEndpoint": { "id": id } });
    let zone = json!({ "name": "postgres", "properties": {
        "privateDnsZoneId": network(vnet, "privateDnsZones", ZONE) } });
    let group = json!({ "privateDnsZoneConfigs": [zone] });
    [
        body(&id, own),
        body(&interface, nic),
        body(&format!("{id}/privateDnsZoneGroups/default"), group),
    ]
}

/// The link of a network to its group's zone, and the record of its source.
fn names(vnet: usize, fault: Fault) -> Vec<Value> {
    let zone = network(vnet, "privateDnsZones", ZONE);
    let mut all = Vec::new();
    if fault != Fault::Unlinked {
        let link = json!({ "provisioningState": "Succeeded", "registrationEnabled": false,
            "virtualNetwork": { "id": vnet_id(vnet) }, "virtualNetworkLinkState": "Completed" });
        all.push(body(&format!("{zone}/virtualNetworkLinks/link-{vnet:05}"), link));
    }
    if fault != Fault::RecordMissing {
        let last = if fault == Fault::RecordStale { 25 } else { 20 };
        let record = json!({ "ttl": 10, "aRecords": [{ "ipv4Address": address(vnet, last) }] });
        all.push(body(&format!("{zone}/A/old-{vnet:05}"), record));
    }
    all
}

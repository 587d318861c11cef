//! Faults that can be set in a twin: each is an edit of its resources, by the id that `flexway explain` knows.

use flexway_core::estate::Estate;
use flexway_core::estate::Key;
use flexway_core::estate::dns::{Link, Record};
use flexway_core::estate::endpoint::Endpoint;
use flexway_core::estate::network::{Peering, Subnet};
use flexway_core::estate::server::{Server, VnetRule};
use flexway_core::id::ResourceId;
use serde_json::{Value, json};

use super::standing::bodies_of;

/// The connection that is to break.
#[derive(Debug, Clone)]
pub struct Flow {
    /// The server that is dialled.
    pub source: ResourceId,
    /// The server that dials.
    pub target: ResourceId,
}

/// A fault: its id, and what breaks an estate so. `None` where the estate has nothing to break so.
type Fault = (&'static str, fn(&mut Scene) -> Option<()>);

/// Every fault that can be set.
const FAULTS: [Fault; 21] = [
    ("dns/zone-not-linked", |scene| scene.remove_all(|scene| scene.links(false))),
    ("dns/injected-source-zone-not-linked", |scene| scene.remove_all(|scene| scene.links(true))),
    ("dns/link-in-progress", |scene| {
        let link = scene.links(false)?.into_iter().next()?;
        scene.set(&link, "virtualNetworkLinkState", json!("InProgress"))
    }),
    ("dns/record-missing", |scene| scene.remove_all(Scene::records)),
    ("dns/record-stale", |scene| {
        let (record, address) = (scene.records()?.into_iter().next()?, scene.unused_address()?);
        scene.set(&record, "aRecords", json!([{ "ipv4Address": address }]))
    }),
    ("dns/platform-dns-denied", |scene| {
        let subnet = scene.near()?;
        scene.deny(&subnet, "Outbound", ("*", "AzurePlatformDNS"))
    }),
    ("peering/missing", |scene| scene.remove_all(Scene::halves)),
    ("peering/initiated", |scene| {
        let (near, far) = scene.pair()?;
        scene.remove(&far);
        scene.set(&near, "peeringState", json!("Initiated"))
    }),
    ("peering/disconnected", |scene| {
        let (near, far) = scene.pair()?;
        scene.remove(&far);
        scene.set(&near, "peeringState", json!("Disconnected"))
    }),
    ("peering/access-off", |scene| {
        let (near, _) = scene.pair()?;
        scene.set(&near, "allowVirtualNetworkAccess", json!(false))
    }),
    ("peering/out-of-sync", |scene| {
        let (near, _) = scene.pair()?;
        scene.set(&near, "remoteAddressSpace", json!({ "addressPrefixes": ["192.0.2.0/24"] }))
    }),
    ("filter/outbound-denied", |scene| {
        let subnet = scene.near()?;
        scene.deny(&subnet, "Outbound", ("*", "*"))
    }),
    ("filter/inbound-denied", |scene| {
        let subnet = scene.injected()?;
        scene.deny(&subnet, "Inbound", ("*", "*"))
    }),
    ("filter/endpoint-subnet-denied", |scene| {
        let subnet = scene.endpoint_subnet()?;
        scene.set(&subnet, "privateEndpointNetworkPolicies", json!("Enabled"))?;
        scene.deny(&subnet, "Inbound", ("*", "*"))
    }),
    ("route/blackhole", |scene| scene.blackhole()),
    ("endpoint/pending", |scene| scene.set_status("Pending")),
    ("endpoint/rejected", |scene| scene.set_status("Rejected")),
    ("endpoint/disconnected", |scene| scene.set_status("Disconnected")),
    ("server/not-ready", |scene| {
        let source = scene.flow.source.clone();
        let is_single = source.resource_type().ends_with("/servers");
        scene.set(&source, if is_single { "userVisibleState" } else { "state" }, json!("Stopped"))
    }),
    ("server/vnet-rule-missing", |scene| {
        scene.remove_all(|scene| {
            let rules = scene.estate.children::<VnetRule>(&scene.flow.source);
            Some(rules.map(|(id, _)| id.clone()).collect())
        })
    }),
    ("server/service-endpoint-missing", |scene| {
        let subnet = scene.near()?;
        let is_on = scene.estate.get::<Subnet>(&subnet).ok()?.has_sql_endpoint();
        if is_on { scene.set(&subnet, "serviceEndpoints", json!([])) } else { None }
    }),
];

/// Ids of the faults that can be set.
pub fn ids() -> impl Iterator<Item = &'static str> {
    FAULTS.iter().map(|(id, _)| *id)
}

const RECORD: &str = "microsoft.network/privatednszones/a";

/// The resources with a fault in them.
///
/// # Errors
/// A sentence, when there is no such fault, or nothing that could break so.
pub fn set(estate: &Estate, flow: &Flow, fault: &str) -> Result<Vec<Value>, String> {
    let Some((_, edit)) = FAULTS.iter().find(|(id, _)| *id == fault) else {
        let ids: Vec<&str> = ids().collect();
        return Err(format!("no fault `{fault}` can be set; these can: {}", ids.join(", ")));
    };
    let mut scene = Scene { estate, flow, bodies: bodies_of(estate) };
    edit(&mut scene).ok_or_else(|| {
        format!(
            "there is nothing between `{}` and `{}` that could break so",
            flow.target.name(),
            flow.source.name()
        )
    })?;
    let with_id = |(id, mut body): (ResourceId, Value)| {
        body["id"] = id.as_str().into();
        body
    };
    Ok(scene.bodies.into_iter().map(with_id).collect())
}

/// An estate that is being broken.
struct Scene<'e> {
    estate: &'e Estate,
    flow: &'e Flow,
    bodies: Vec<(ResourceId, Value)>,
}

impl Scene<'_> {
    fn body(&mut self, id: &ResourceId) -> Option<&mut Value> {
        self.bodies.iter_mut().find(|(known, _)| known == id).map(|(_, body)| body)
    }

    fn set(&mut self, id: &ResourceId, field: &str, value: Value) -> Option<()> {
        let body = self.body(id)?;
        // Output of az has no `properties`.
        let place = if body.get("properties").is_some() { &mut body["properties"] } else { body };
        place[field] = value;
        Some(())
    }

    fn remove(&mut self, id: &ResourceId) {
        self.bodies.retain(|(known, _)| known != id);
        let Some(zone) = id.parent().filter(|_| id.is_type(RECORD)) else { return };
        // The zone counts what it holds.
        let count = self.body(&zone).and_then(|body| {
            let fields = if body.get("properties").is_some() { &body["properties"] } else { body };
            fields["numberOfRecordSets"].as_u64()
        });
        if let Some(count) = count {
            self.set(&zone, "numberOfRecordSets", count.saturating_sub(1).into());
        }
    }

    fn remove_all(&mut self, find: impl FnOnce(&Self) -> Option<Vec<ResourceId>>) -> Option<()> {
        let ids = find(self).filter(|ids| !ids.is_empty())?;
        ids.iter().for_each(|id| self.remove(id));
        Some(())
    }

    fn source(&self) -> Option<&Server> {
        self.estate.get::<Server>(&self.flow.source).ok()
    }

    /// The subnet of the server that dials.
    fn near(&self) -> Option<ResourceId> {
        self.estate.get::<Server>(&self.flow.target).ok()?.delegated_subnet.clone()
    }

    /// The subnet of the server that is dialled, where it is injected.
    fn injected(&self) -> Option<ResourceId> {
        self.source()?.delegated_subnet.clone()
    }

    fn endpoint(&self) -> Option<(&ResourceId, &Endpoint)> {
        self.estate.list::<Endpoint>(Key::EndpointsOf(self.flow.source.clone())).next()
    }

    fn endpoint_subnet(&self) -> Option<ResourceId> {
        self.endpoint()?.1.subnet.clone()
    }

    /// The zones that hold the name of the server: its own, or those for private endpoints.
    fn zones(&self, is_injected: bool) -> Option<Vec<ResourceId>> {
        let zone = self.source()?.private_zone.clone();
        match (is_injected, zone) {
            (true, zone) => Some(vec![zone?]),
            (false, Some(_)) => None,
            (false, None) => {
                let (_, suffix) = self.source()?.fqdn.as_deref()?.split_once('.')?;
                Some(self.estate.zones_named(&format!("privatelink.{suffix}")))
            }
        }
    }

    /// Links of these zones to the network of the server that dials.
    fn links(&self, is_injected: bool) -> Option<Vec<ResourceId>> {
        let network = self.near()?.parent()?;
        let zones = self.zones(is_injected)?;
        let links = zones.iter().flat_map(|zone| self.estate.children::<Link>(zone));
        Some(links.filter(|(_, link)| link.vnet == network).map(|(id, _)| id.clone()).collect())
    }

    /// Records of the server in the zones for private endpoints.
    fn records(&self) -> Option<Vec<ResourceId>> {
        let zones = self.zones(false)?;
        let label = self.source()?.fqdn.as_deref()?.split('.').next()?.to_owned();
        let records = zones.iter().flat_map(|zone| self.estate.children::<Record>(zone));
        Some(
            records
                .map(|(id, _)| id.clone())
                .filter(|id| id.name().eq_ignore_ascii_case(&label))
                .collect(),
        )
    }

    /// An address of the endpoint's subnet that nobody holds.
    fn unused_address(&self) -> Option<String> {
        let subnet = self.estate.get::<Subnet>(&self.endpoint_subnet()?).ok()?;
        let mut hosts = subnet.prefixes.first()?.hosts().skip(8);
        hosts.find(|address| !self.estate.is_held(*address)).map(|address| address.to_string())
    }

    /// Both halves of the peering between the networks of the two servers, near and far.
    fn pair(&self) -> Option<(ResourceId, ResourceId)> {
        let near = self.near()?.parent()?;
        let far = self.injected().or_else(|| self.endpoint_subnet())?.parent()?;
        let half = |from: &ResourceId, to: &ResourceId| {
            let mut halves = self.estate.children::<Peering>(from);
            halves.find(|(_, half)| half.remote == *to).map(|(id, _)| id.clone())
        };
        Some((half(&near, &far)?, half(&far, &near)?))
    }

    fn halves(&self) -> Option<Vec<ResourceId>> {
        self.pair().map(|(near, far)| vec![near, far])
    }

    /// A rule ahead of all others that denies the subnet's packets.
    fn deny(
        &mut self,
        subnet: &ResourceId,
        direction: &str,
        (from, to): (&str, &str),
    ) -> Option<()> {
        let group = self.estate.get::<Subnet>(subnet).ok()?.security_group.to()?.clone();
        let rule = json!({ "name": "set-by-lab", "properties": { "priority": 100, "direction": direction, "access": "Deny",
            "protocol": "*", "sourceAddressPrefix": from, "sourcePortRange": "*", "destinationAddressPrefix": to,
            "destinationPortRange": "*" } });
        let body = self.body(&group)?;
        let rules = body.pointer_mut("/properties/securityRules");
        let rules = match rules {
            Some(rules) => rules,
            None => body.get_mut("securityRules")?,
        };
        rules.as_array_mut()?.insert(0, rule);
        Some(())
    }

    /// A route of the dialling subnet that drops packets to the server.
    fn blackhole(&mut self) -> Option<()> {
        let subnet = self.near()?;
        let far = self.injected().or_else(|| self.endpoint_subnet())?;
        let prefix = self.estate.get::<Subnet>(&far).ok()?.prefixes.first()?.to_string();
        let address = self.endpoint().and_then(|(id, endpoint)| {
            let own = endpoint.addresses.iter().copied();
            let interface = flexway_core::estate::Key::InterfacesOf(id.clone());
            let listed = self.estate.list::<flexway_core::estate::endpoint::Interface>(interface);
            own.chain(listed.flat_map(|(_, one)| one.addresses.clone())).next()
        });
        // The route of a private endpoint gives way to one of its own length.
        let prefix = address.map_or(prefix, |address| format!("{address}/32"));
        let route = json!({ "name": "set-by-lab", "properties": { "addressPrefix": prefix, "nextHopType": "None" } });
        let known = self.estate.get::<Subnet>(&subnet).ok()?.route_table.to().cloned();
        if let Some(table) = known {
            let routes = self.body(&table)?.pointer_mut("/properties/routes")?;
            routes.as_array_mut()?.push(route);
            return Some(());
        }
        let table = subnet.parent()?.sibling("Microsoft.Network/routeTables", "set-by-lab");
        let body = json!({ "type": "Microsoft.Network/routeTables", "properties": { "routes": [route],
            "disableBgpRoutePropagation": false } });
        self.bodies.push((table.clone(), body));
        self.set(&subnet, "routeTable", json!({ "id": table.as_str() }))
    }

    /// What both sides say of the connection of the server's private endpoint.
    fn set_status(&mut self, status: &str) -> Option<()> {
        let (endpoint, source) = (self.endpoint()?.0.clone(), self.flow.source.clone());
        let state = json!({ "status": status });
        let mut is_set = false;
        for (id, list) in [
            (&endpoint, "privateLinkServiceConnections"),
            (&endpoint, "manualPrivateLinkServiceConnections"),
            (&source, "privateEndpointConnections"),
        ] {
            let Some(body) = self.body(id) else { continue };
            let place = format!("/properties/{list}");
            for one in body.pointer_mut(&place).and_then(Value::as_array_mut).into_iter().flatten()
            {
                let inner =
                    if one.get("properties").is_some() { &mut one["properties"] } else { one };
                let of = inner["privateEndpoint"]["id"].as_str().and_then(ResourceId::parse);
                if id == &endpoint || of.as_ref() == Some(&endpoint) {
                    inner["privateLinkServiceConnectionState"] = state.clone();
                    is_set = true;
                }
            }
        }
        is_set.then_some(())
    }
}

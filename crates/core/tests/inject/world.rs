//! A made world: its resources by their roles, the edits that injectors need, and the shapes that Azure prints them in.

use std::net::Ipv4Addr;

use flexway_core::diagnose::{Copier, Question, Source};
use flexway_core::estate::{Estate, Input, load};
use flexway_core::id::ResourceId;
use serde_json::{Map, Value, json};

use crate::chance::Chance;

/// What the source is, and so which way leads to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A Single Server behind a private endpoint.
    PrivateSingle,
    /// A Single Server with public access and a VNet rule.
    PublicSingle,
    /// A flexible server in a delegated subnet.
    Injected,
    /// A flexible server behind a private endpoint.
    PrivateFlexible,
    /// A flexible server with public access.
    PublicFlexible,
    /// A machine in the source's network: what it runs is never told.
    Machine,
    /// A machine behind a gateway of a hub: what it runs is never told.
    Office,
}

/// An address range, from which /24 blocks are cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Space {
    pub(crate) head: (u8, u8),
    pub(crate) third: u8,
    pub(crate) length: u8,
}

impl Space {
    pub(crate) fn whole(&self) -> String {
        format!("{}/{}", self.at(0, 0), self.length)
    }

    pub(crate) fn at(&self, block: u8, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(self.head.0, self.head.1, self.third + block, last)
    }
}

/// The ids of what the flow meets. A role that a kind has not is an id of nothing.
#[derive(Debug, Clone)]
pub(crate) struct Roles {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) from_net: String,
    pub(crate) to_net: String,
    pub(crate) from_subnet: String,
    pub(crate) to_subnet: String,
    pub(crate) out_group: String,
    pub(crate) in_group: String,
    pub(crate) endpoint: String,
    pub(crate) zone_group: String,
    pub(crate) interface: String,
    pub(crate) zone: String,
    pub(crate) link: String,
    pub(crate) own_link: String,
    pub(crate) record: String,
    pub(crate) forth: String,
    pub(crate) back: String,
    /// Where an injector puts something of its own.
    pub(crate) spare: String,
}

/// A world under construction.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) kind: Kind,
    pub(crate) resources: Vec<Value>,
    pub(crate) roles: Roles,
    pub(crate) from: Space,
    pub(crate) to: Space,
    /// The copier's subnet.
    pub(crate) from_prefix: String,
    /// The subnet of what answers.
    pub(crate) to_prefix: String,
    /// The private address that answers.
    pub(crate) address: String,
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
    pub(crate) name: String,
    pub(crate) region: &'static str,
}

impl World {
    /// Puts a resource; its type and name are read off its id.
    pub(crate) fn put(&mut self, id: &str, mut body: Value) {
        let tail = id.rsplit_once("/providers/").expect("a provider").1;
        let mut words = tail.split('/');
        let mut kind = words.next().expect("a namespace").to_owned();
        words.step_by(2).for_each(|word| kind = format!("{kind}/{word}"));
        if let Some(properties) = body["properties"].as_object_mut() {
            properties.entry("provisioningState").or_insert(json!("Succeeded"));
            if kind.ends_with("/privateDnsZones") {
                properties.entry("maxNumberOfRecordSets").or_insert(json!(25_000));
            }
        }
        body["id"] = json!(id);
        body["type"] = json!(kind);
        body["name"] = json!(id.rsplit('/').next());
        self.resources.push(body);
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.resources.iter().any(|one| one["id"] == id)
    }

    pub(crate) fn body(&mut self, id: &str) -> &mut Value {
        self.resources
            .iter_mut()
            .find(|one| one["id"] == id)
            .unwrap_or_else(|| panic!("no resource {id}"))
    }

    pub(crate) fn set(&mut self, id: &str, field: &str, value: Value) {
        self.body(id)["properties"][field] = value;
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.resources.retain(|one| one["id"] != id);
    }

    /// Removes a resource and all below it.
    pub(crate) fn remove_all(&mut self, id: &str) {
        let below = format!("{id}/");
        let goes = |one: &Value| {
            one["id"] == id || one["id"].as_str().is_some_and(|one| one.starts_with(&below))
        };
        self.resources.retain(|one| !goes(one));
    }

    /// Adds a rule to a group. `None` as priority is a free one below those of harmless rules.
    pub(crate) fn rule(&mut self, group: &str, name: &str, priority: usize, mut fields: Value) {
        fields["priority"] = json!(priority);
        for (field, any) in [
            ("sourceAddressPrefix", "sourceApplicationSecurityGroups"),
            ("destinationAddressPrefix", "destinationAddressPrefixes"),
            ("sourcePortRange", "sourcePortRanges"),
            ("destinationPortRange", "destinationPortRanges"),
        ] {
            if fields[field].is_null() && fields[any].is_null() {
                fields[field] = json!("*");
            }
        }
        let rule = json!({ "name": name, "properties": fields });
        let rules = &mut self.body(group)["properties"]["securityRules"];
        rules.as_array_mut().expect("rules").push(rule);
    }

    /// Adds a route to the table of a subnet.
    pub(crate) fn route(&mut self, subnet: &str, name: &str, prefix: &str, hop: Value) {
        let mut properties = hop;
        properties["addressPrefix"] = json!(prefix);
        let table = self.table(subnet);
        let routes = self.body(&table)["properties"]["routes"].as_array_mut().expect("routes");
        routes.push(json!({ "name": name, "properties": properties }));
    }

    /// The route table of a subnet, which may have one.
    pub(crate) fn table(&mut self, subnet: &str) -> String {
        if let Some(id) = self.body(subnet)["properties"]["routeTable"]["id"].as_str() {
            return id.to_owned();
        }
        let side = if subnet == self.roles.from_subnet { "copier" } else { "source" };
        let table = format!("{}/Microsoft.Network/routeTables/of-{side}", self.roles.spare);
        let off = json!(false);
        self.put(
            &table,
            json!({ "properties": { "routes": [], "disableBgpRoutePropagation": off } }),
        );
        self.set(subnet, "routeTable", json!({ "id": table }));
        table
    }

    /// One half of a peering.
    pub(crate) fn half(&mut self, id: &str, remote: &str, space: &str) {
        self.put(
            id,
            json!({ "properties": { "peeringState": "Connected",
            "peeringSyncLevel": "FullyInSync", "allowVirtualNetworkAccess": true,
            "allowForwardedTraffic": false, "allowGatewayTransit": false,
            "useRemoteGateways": false, "remoteVirtualNetwork": { "id": remote },
            "remoteAddressSpace": { "addressPrefixes": [space] } } }),
        );
    }

    /// A link of a zone with a network.
    pub(crate) fn link(&mut self, id: &str, net: &str) {
        self.put(
            id,
            json!({ "location": "global", "properties": { "registrationEnabled": false,
            "virtualNetwork": { "id": net }, "virtualNetworkLinkState": "Completed" } }),
        );
    }

    /// A network with one subnet in it.
    pub(crate) fn net(&mut self, id: &str, space: &str, subnet: &str, prefix: &str) {
        let region = self.region;
        self.put(
            id,
            json!({ "location": region, "properties": {
            "addressSpace": { "addressPrefixes": [space] }, "dhcpOptions": { "dnsServers": [] } } }),
        );
        self.put(
            &format!("{id}/subnets/{subnet}"),
            json!({ "properties": { "addressPrefix": prefix,
            "privateEndpointNetworkPolicies": "Disabled" } }),
        );
    }

    /// What the estate says of the question.
    pub(crate) fn question(&self) -> Question {
        let id = |text: &str| ResourceId::parse(text).expect("an id");
        let source = match &self.host {
            Some(host) => Source::Host(host.clone()),
            None => Source::Server(id(&self.roles.source)),
        };
        let copier = Copier::Target;
        Question { source, target: id(&self.roles.target), copier, port: self.port }
    }

    /// The world as an estate.
    pub(crate) fn estate(&self) -> Estate {
        estate(&self.resources)
    }
}

/// Loads resources; a made world has no problems.
pub(crate) fn estate(resources: &[Value]) -> Estate {
    let loaded = load(vec![Input { file: "world".to_owned(), json: json!(resources) }]);
    assert_eq!(loaded.problems, vec![], "a made world is well formed");
    loaded.estate
}

/// Moves subnets and peerings into their network, as `az network vnet show` prints them.
pub(crate) fn nested(resources: &[Value]) -> Vec<Value> {
    let mut all: Vec<Value> = resources.to_vec();
    for list in ["subnets", "virtualNetworkPeerings"] {
        let part = format!("/{list}/");
        let is_child = |one: &Value| one["id"].as_str().is_some_and(|id| id.contains(&part));
        let is_net = |one: &Value| one["type"] == "Microsoft.Network/virtualNetworks";
        let (children, rest): (Vec<Value>, Vec<Value>) = all.iter().cloned().partition(is_child);
        all = rest;
        for child in children {
            let parent = child["id"].as_str().and_then(|id| id.split_once(&part)).expect("id").0;
            // A list that is null was not captured: it names nobody.
            let lists = |net: &Value| net["properties"].get(list).is_none_or(|one| !one.is_null());
            let is_parent = |one: &&mut Value| is_net(one) && one["id"] == parent && lists(one);
            match all.iter_mut().find(is_parent) {
                Some(net) => {
                    let list = &mut net["properties"][list];
                    if !list.is_array() {
                        *list = json!([]);
                    }
                    list.as_array_mut().expect("a list").push(child);
                }
                None => all.push(child),
            }
        }
    }
    all
}

/// A body as az prints it: what stands in `properties` stands beside the name.
pub(crate) fn flat(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(flat).collect(),
        Value::Object(fields) => {
            let mut out = Map::new();
            for (name, inner) in fields {
                match inner {
                    Value::Object(properties) if name == "properties" => {
                        out.extend(properties.iter().map(|(name, one)| (name.clone(), flat(one))))
                    }
                    _ => {
                        out.insert(name.clone(), flat(inner));
                    }
                }
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

/// The same world in another order and other shapes.
pub(crate) fn dressed(resources: &[Value], chance: &mut Chance) -> Vec<Value> {
    let mut all = if chance.hits(40) { nested(resources) } else { resources.to_vec() };
    for one in &mut all {
        if chance.hits(30) {
            *one = flat(one);
        }
    }
    for last in (1..all.len()).rev() {
        all.swap(last, chance.below(last + 1));
    }
    all
}

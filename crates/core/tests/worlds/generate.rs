//! Tiny worlds: up to three networks, one source of any kind, one target, and a few things wrong.

use flexway_core::diagnose::{Copier, Question, Source};
use flexway_core::estate::{Estate, Input, load};
use flexway_core::id::ResourceId;
use serde_json::{Value, json};

use crate::chance::Chance;

pub(crate) const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers";
pub(crate) const TARGET: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/new-db";

/// A random estate and the question to ask of it.
pub(crate) struct Case {
    pub(crate) resources: Vec<Value>,
    pub(crate) source: String,
    pub(crate) port: u16,
    /// The interface of a relay host that copies; `None` where the target does.
    pub(crate) copier: Option<String>,
}

impl Case {
    pub(crate) fn estate(&self) -> Estate {
        let json = Value::Array(self.resources.clone());
        load(vec![Input { file: "world".to_owned(), json }]).estate
    }

    pub(crate) fn question(&self) -> Question {
        Question {
            source: Source::Server(id(&self.source)),
            target: id(TARGET),
            copier: self.copier.as_ref().map_or(Copier::Target, |one| Copier::Host(id(one))),
            port: self.port,
        }
    }
}

pub(crate) fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).expect("an id")
}

pub(crate) fn network(name: &str) -> String {
    format!("{GROUP}/Microsoft.Network/virtualNetworks/{name}")
}

pub(crate) fn subnet(of: &str, name: &str) -> String {
    format!("{}/subnets/{name}", network(of))
}

pub(crate) fn zone_id(group: &str, name: &str) -> String {
    format!(
        "/subscriptions/s/resourceGroups/{group}/providers/Microsoft.Network/privateDnsZones/{name}"
    )
}

pub(crate) const PRIVATELINK: &str = "privatelink.postgres.database.azure.com";
pub(crate) const ENDPOINT: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/pe";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Single,
    Flexible,
    Injected,
}

pub(crate) struct Maker {
    pub(crate) chance: Chance,
    pub(crate) kind: Kind,
    pub(crate) public: bool,
    pub(crate) endpoint: bool,
    /// Network and subnet of the source's private address, and that address.
    pub(crate) home: (&'static str, &'static str),
    pub(crate) address: &'static str,
    pub(crate) source: String,
    /// The target network's region.
    pub(crate) region: &'static str,
    /// Whether the private endpoint leads to another server.
    pub(crate) astray: bool,
    /// Groups and tables that a subnet refers to.
    pub(crate) used: Vec<&'static str>,
    pub(crate) all: Vec<Value>,
}

/// The world with that number; the same for ever.
pub(crate) fn case(seed: u64) -> Case {
    let mut chance = Chance::new(seed);
    let (kind, public, endpoint) = chance.pick(&[
        (Kind::Single, true, false),
        (Kind::Single, false, true),
        (Kind::Single, false, true),
        (Kind::Single, true, true),
        (Kind::Single, true, true),
        (Kind::Injected, false, false),
        (Kind::Injected, false, false),
        (Kind::Flexible, true, false),
        (Kind::Flexible, true, true),
        (Kind::Flexible, false, true),
    ]);
    let near = chance.hits(15);
    let (home, address) = match (kind, near) {
        (Kind::Injected, false) => (("source", "postgres"), "10.1.2.4"),
        (Kind::Injected, true) => (("target", "other"), "10.2.3.4"),
        (_, false) => (("source", "endpoints"), "10.1.1.4"),
        (_, true) => (("target", "apps"), "10.2.2.4"),
    };
    let source = match kind {
        Kind::Single => format!("{GROUP}/Microsoft.DBforPostgreSQL/servers/old"),
        _ => format!("{GROUP}/Microsoft.DBforPostgreSQL/flexibleServers/old"),
    };
    let mut maker = Maker {
        chance,
        kind,
        public,
        endpoint,
        home,
        address,
        source,
        region: "",
        astray: false,
        used: Vec::new(),
        all: Vec::new(),
    };
    maker.astray = maker.chance.hits(2);
    maker.servers();
    maker.networks();
    maker.peerings();
    maker.groups();
    maker.tables();
    if maker.endpoint {
        maker.endpoint();
    }
    maker.zones();
    maker.doors();
    let gone = maker.chance.mostly(0, 25, &[1, 1, 2]);
    for _ in 0..gone {
        let index = maker.chance.below(maker.all.len());
        maker.all.remove(index);
    }
    let port = maker.chance.mostly(5432, 4, &[6432, 6432, 5433]);
    Case { resources: maker.all, source: maker.source, port, copier: None }
}

impl Maker {
    pub(crate) fn put(&mut self, id: &str, kind: &str, body: Value) {
        let mut whole = json!({ "id": id, "type": kind });
        if let (Value::Object(whole), Value::Object(body)) = (&mut whole, body) {
            whole.extend(body);
        }
        self.all.push(whole);
    }

    fn servers(&mut self) {
        let state = self.chance.mostly("Ready", 3, &["Stopped", "Disabled", ""]);
        let access = if self.public { "Enabled" } else { "Disabled" };
        let location = self.chance.mostly("westeurope", 20, &["West Europe", "northeurope"]);
        let name = "old.postgres.database.azure.com";
        let mut list = json!([]);
        if self.endpoint && !self.astray {
            let status = self.chance.mostly("Approved", 8, &["Pending", "Rejected", ""]);
            let state = text("status", status);
            let id = format!("{}/privateEndpointConnections/one", self.source);
            list = json!([{ "id": id, "properties": { "privateEndpoint": { "id": ENDPOINT },
                "privateLinkServiceConnectionState": state } }]);
        }
        let list = match self.chance.below(50) {
            0 => Value::Null,
            1 => json!([]),
            _ => list,
        };
        let mut properties = json!({ "fullyQualifiedDomainName": name });
        match self.kind {
            Kind::Single => {
                properties["userVisibleState"] = nullable(state);
                properties["publicNetworkAccess"] = json!(access);
                properties["privateEndpointConnections"] = list;
            }
            Kind::Flexible => {
                properties["state"] = nullable(state);
                properties["network"] = json!({ "publicNetworkAccess": access });
                properties["privateEndpointConnections"] = list;
            }
            Kind::Injected => {
                properties["state"] = nullable(state);
                properties["network"] = json!({ "publicNetworkAccess": "Disabled",
                    "delegatedSubnetResourceId": subnet(self.home.0, self.home.1),
                    "privateDnsZoneArmResourceId": zone_id("g", "old.private.postgres.database.azure.com") });
            }
        }
        let (source, kind) = (self.source.clone(), self.kind);
        let kind = if kind == Kind::Single { "servers" } else { "flexibleServers" };
        let body = json!({ "location": location, "properties": properties });
        self.put(&source, &format!("Microsoft.DBforPostgreSQL/{kind}"), body);
        let state = self.chance.mostly("Ready", 2, &["Stopped"]);
        let network = if self.chance.hits(4) {
            json!({ "publicNetworkAccess": "Enabled" })
        } else {
            json!({ "delegatedSubnetResourceId": subnet("target", "postgres") })
        };
        let body = json!({ "location": "westeurope", "properties": { "state": state,
            "network": network, "fullyQualifiedDomainName": "new-db.postgres.database.azure.com" } });
        self.put(TARGET, "Microsoft.DBforPostgreSQL/flexibleServers", body);
        if kind == "flexibleServers" && self.chance.hits(20) {
            let value = self.chance.pick(&["true", "false"]);
            let id = format!("{source}/configurations/pgbouncer.enabled");
            let kind = "Microsoft.DBforPostgreSQL/flexibleServers/configurations";
            self.put(&id, kind, json!({ "properties": { "value": value } }));
        }
    }

    fn networks(&mut self) {
        let dns = self.chance.mostly("", 4, &["10.2.9.9", "168.63.129.16"]);
        for (name, space) in [("target", "10.2.0.0/16"), ("source", "10.1.0.0/16")] {
            let mut space = json!([space]);
            if name == "source" && self.chance.hits(3) {
                space = json!(["10.1.0.0/16", "10.9.0.0/16"]);
            }
            let servers =
                if name == "target" && !dns.is_empty() { json!([dns]) } else { json!([]) };
            let location = self.chance.mostly("westeurope", 3, &["northeurope"]);
            if name == "target" {
                self.region = location;
            }
            let body = json!({ "location": location, "properties": {
                "addressSpace": { "addressPrefixes": space }, "dhcpOptions": { "dnsServers": servers },
                "subnets": [], "virtualNetworkPeerings": [] } });
            self.put(&network(name), "Microsoft.Network/virtualNetworks", body);
        }
        // The small one makes for fewer packets; Azure asks for /28.
        let prefix = self.chance.pick(&["10.2.1.0/29", "10.2.1.0/29", "10.2.1.0/28"]);
        self.subnet("target", "postgres", prefix);
        if self.home.1 == "apps" || self.chance.hits(20) {
            self.subnet("target", "apps", "10.2.2.0/24");
        }
        if self.kind == Kind::Injected {
            let (of, name) = self.home;
            let prefix = if name == "other" { "10.2.3.0/28" } else { "10.1.2.0/28" };
            self.subnet(of, name, prefix);
        } else {
            self.subnet("source", "endpoints", "10.1.1.0/24");
        }
    }

    fn subnet(&mut self, of: &str, name: &str, prefix: &str) {
        let policy = self.chance.mostly(
            "Disabled",
            35,
            &["Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled", ""],
        );
        let mut properties = json!({ "privateEndpointNetworkPolicies": nullable(policy) });
        match self.chance.below(4) {
            0 => properties["addressPrefixes"] = json!([prefix]),
            _ => properties["addressPrefix"] = json!(prefix),
        }
        let is_copier = of == "target" && name == "postgres";
        if is_copier || self.home == (of, name) {
            if self.chance.hits(75) {
                let group = if is_copier { "out" } else { "in" };
                self.used.push(group);
                let id = format!("{GROUP}/Microsoft.Network/networkSecurityGroups/{group}");
                properties["networkSecurityGroup"] = json!({ "id": id });
            }
            if self.chance.hits(20) {
                let table = if is_copier { "to" } else { "back" };
                self.used.push(table);
                let id = format!("{GROUP}/Microsoft.Network/routeTables/{table}");
                properties["routeTable"] = json!({ "id": id });
            }
        }
        if is_copier && self.chance.hits(75) {
            let state = self.chance.mostly("Succeeded", 10, &["Updating", ""]);
            let mut one = json!({ "service": "Microsoft.Sql", "locations": [self.region] });
            one["provisioningState"] = nullable(state);
            properties["serviceEndpoints"] = json!([one]);
        }
        let body = json!({ "properties": properties });
        self.put(&subnet(of, name), "Microsoft.Network/virtualNetworks/subnets", body);
    }

    fn peerings(&mut self) {
        if self.chance.hits(4) {
            self.half("target", "hub", "10.0.0.0/16");
            return self.half("source", "hub", "10.0.0.0/16");
        }
        for (near, far, space) in
            [("target", "source", "10.1.0.0/16"), ("source", "target", "10.2.0.0/16")]
        {
            if !self.chance.hits(4) {
                self.half(near, far, space);
            }
        }
    }

    fn half(&mut self, near: &str, far: &str, space: &str) {
        let state = self.chance.mostly("Connected", 4, &["Initiated", "Disconnected", ""]);
        let access = self.chance.mostly(Some(true), 6, &[Some(false), None]);
        let space = self.chance.mostly(space, 4, &["10.7.0.0/16", "10.1.2.0/24", ""]);
        let mut properties = json!({ "remoteVirtualNetwork": { "id": network(far) },
            "peeringState": nullable(state), "allowVirtualNetworkAccess": access });
        if !space.is_empty() {
            properties["remoteAddressSpace"] = json!({ "addressPrefixes": [space] });
        }
        if self.chance.hits(5) {
            let names = ["postgres", "endpoints", "apps", "other"];
            let mut some = || names.iter().filter(|_| self.chance.hits(80)).collect::<Vec<_>>();
            properties["localSubnetNames"] = json!(some());
            properties["remoteSubnetNames"] = json!(some());
            properties["peerCompleteVnets"] = json!(false);
        }
        if self.chance.hits(2) {
            properties["useRemoteGateways"] = json!(true);
        }
        let id = format!("{}/virtualNetworkPeerings/{far}", network(near));
        let kind = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
        self.put(&id, kind, json!({ "properties": properties }));
    }
}

/// Empty stands for null, which is the same as absent.
pub(crate) fn nullable(word: &str) -> Value {
    if word.is_empty() { Value::Null } else { json!(word) }
}

pub(crate) fn text(name: &str, word: &str) -> Value {
    json!({ name: nullable(word) })
}

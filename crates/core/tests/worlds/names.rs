//! Private endpoints, zones, and the rules of the public door of a random world.

use serde_json::json;

use crate::generate::{ENDPOINT, GROUP, Kind, Maker, PRIVATELINK};
use crate::generate::{network, nullable, subnet, text, zone_id};

impl Maker {
    pub(crate) fn endpoint(&mut self) {
        let status =
            self.chance.mostly("Approved", 4, &["Pending", "Rejected", "Disconnected", ""]);
        let state = text("status", status);
        let nic = format!("{GROUP}/Microsoft.Network/networkInterfaces/pe.nic");
        let server = if self.astray { "another" } else { "old" };
        let source = self.source.replace("old", server);
        let home = subnet(self.home.0, self.home.1);
        let one = json!([{ "properties": { "privateLinkServiceId": source,
            "groupIds": ["postgresqlServer"], "privateLinkServiceConnectionState": state } }]);
        let by_hand = self.chance.hits(30);
        let (auto, manual) = if by_hand { (json!([]), one) } else { (one, json!([])) };
        let body = json!({ "location": "westeurope", "properties": { "subnet": { "id": home },
            "privateLinkServiceConnections": auto, "manualPrivateLinkServiceConnections": manual,
            "networkInterfaces": [{ "id": nic }] } });
        self.put(ENDPOINT, "Microsoft.Network/privateEndpoints", body);
        let body = json!({ "properties": { "ipConfigurations": [{ "properties": {
            "privateIPAddress": self.address, "subnet": { "id": home } } }],
            "privateEndpoint": { "id": ENDPOINT } } });
        self.put(&nic, "Microsoft.Network/networkInterfaces", body);
        if self.chance.hits(70) {
            let id = format!("{ENDPOINT}/privateDnsZoneGroups/default");
            let mut config = json!({ "privateDnsZoneId": zone_id("g", PRIVATELINK) });
            let mut aside = self.chance.aside();
            if aside.hits(30) {
                let name = aside.mostly("old", 5, &["OLD", "someone"]);
                let address = aside.mostly(self.address, 5, &["10.1.1.9", "10.1.1.200"]);
                config["recordSets"] =
                    json!([{ "recordType": "A", "recordSetName": name, "ipAddresses": [address] }]);
            }
            let body =
                json!({ "properties": { "privateDnsZoneConfigs": [{ "properties": config }] } });
            self.put(&id, "Microsoft.Network/privateEndpoints/privateDnsZoneGroups", body);
        }
    }

    pub(crate) fn zones(&mut self) {
        let address = self.address;
        if self.endpoint {
            let has_zone = !self.chance.hits(6);
            if has_zone {
                let name =
                    self.chance.mostly(PRIVATELINK, 2, &["privatelink.postgresql.azure.com"]);
                let stale = self.chance.mostly(address, 5, &["10.1.1.9", "10.1.1.200"]);
                self.zone("g", name, Some(("old", stale)), 88);
            }
        } else if self.chance.hits(10) {
            self.zone("g", PRIVATELINK, Some(("someone", "10.1.1.7")), 80);
        }
        if self.kind == Kind::Injected {
            self.zone("g", "old.private.postgres.database.azure.com", None, 90);
        }
        // A network cannot be linked to two zones of one name.
        let link = zone_id("g", PRIVATELINK) + "/virtualNetworkLinks/target";
        if self.chance.hits(3) && self.all.iter().all(|one| one["id"] != json!(link)) {
            self.zone("h", PRIVATELINK, None, 40);
        }
        if self.chance.hits(3) {
            let name = self.chance.pick(&[
                "postgres.database.azure.com",
                "old.postgres.database.azure.com",
                "database.azure.com",
                "private.postgres.database.azure.com",
            ]);
            let record = if self.chance.hits(40) { Some(("old", address)) } else { None };
            self.zone("z", name, record, 70);
        }
    }

    /// A zone with links and perhaps a record; its body tells the number of links more often than not.
    fn zone(&mut self, group: &str, name: &str, record: Option<(&str, &str)>, linked: usize) {
        let id = zone_id(group, name);
        let mut links = 0;
        for net in ["target", "source"] {
            if !self.chance.hits(if net == "target" { linked } else { 50 }) {
                continue;
            }
            links += 1;
            let state = self.chance.mostly("Completed", 4, &["InProgress", ""]);
            let policy = self.chance.mostly("Default", 15, &["NxDomainRedirect", ""]);
            let link = format!("{id}/virtualNetworkLinks/{net}");
            let body = json!({ "properties": { "virtualNetwork": { "id": network(net) },
                "virtualNetworkLinkState": nullable(state), "resolutionPolicy": nullable(policy) } });
            self.put(&link, "Microsoft.Network/privateDnsZones/virtualNetworkLinks", body);
        }
        let mut sets = 1;
        if let Some((label, address)) = record
            && !self.chance.hits(6)
        {
            sets += 1;
            let address =
                if self.chance.hits(3) { json!([]) } else { json!([{ "ipv4Address": address }]) };
            let body = json!({ "properties": { "ttl": 10, "aRecords": address } });
            // Some estates have zones without their records.
            if !self.chance.aside().hits(15) {
                self.put(&format!("{id}/A/{label}"), "Microsoft.Network/privateDnsZones/A", body);
            }
        }
        let mut properties = json!({});
        if self.chance.hits(70) {
            let more = self.chance.mostly(0, 5, &[1]);
            properties["numberOfVirtualNetworkLinks"] = json!(links + more);
        }
        if self.chance.hits(70) {
            properties["numberOfRecordSets"] = json!(sets);
        }
        self.put(&id, "Microsoft.Network/privateDnsZones", json!({ "properties": properties }));
    }

    /// VNet rules and firewall rules.
    pub(crate) fn doors(&mut self) {
        let source = self.source.clone();
        if self.kind == Kind::Single && self.public && self.chance.hits(75) {
            let state = self.chance.mostly("Ready", 8, &["InProgress", "Deleting", ""]);
            let of = self.chance.mostly("postgres", 6, &["apps"]);
            let body = json!({ "properties": { "virtualNetworkSubnetId": subnet("target", of),
                "ignoreMissingVnetServiceEndpoint": false, "state": nullable(state) } });
            let id = format!("{source}/virtualNetworkRules/r");
            self.put(&id, "Microsoft.DBforPostgreSQL/servers/virtualNetworkRules", body);
        }
        if self.kind == Kind::Injected {
            return;
        }
        let percent = if self.kind == Kind::Flexible { 85 } else { 35 };
        if self.chance.hits(percent) {
            let (start, end) = self.chance.pick(&[
                ("0.0.0.0", "0.0.0.0"),
                ("0.0.0.0", "0.0.0.0"),
                ("0.0.0.0", "255.255.255.255"),
                ("20.50.7.7", "20.50.7.7"),
                ("20.50.0.0", "20.50.255.255"),
                ("10.2.1.0", "10.2.1.15"),
            ]);
            let kind = if self.kind == Kind::Single { "servers" } else { "flexibleServers" };
            let body = json!({ "properties": { "startIpAddress": start, "endIpAddress": end } });
            let kind = format!("Microsoft.DBforPostgreSQL/{kind}/firewallRules");
            self.put(&format!("{source}/firewallRules/f"), &kind, body);
        }
    }
}

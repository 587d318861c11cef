//! Security groups, admin rules and route tables of a random world.

use serde_json::{Value, json};

use crate::generate::{GROUP, Maker};

impl Maker {
    pub(crate) fn groups(&mut self) {
        for name in ["out", "in"] {
            let count = self.chance.mostly(0, 45, &[1, 1, 2, 3]);
            let mut rules = Vec::new();
            for index in 0..count {
                let priority = 100 + 10 * ((index * 7 + self.chance.below(3) * 30) % 97);
                if rules
                    .iter()
                    .all(|rule: &Value| rule["properties"]["priority"] != json!(priority))
                {
                    let rule = self.rule(&format!("r{index}"), priority, name);
                    rules.push(rule);
                }
            }
            let id = format!("{GROUP}/Microsoft.Network/networkSecurityGroups/{name}");
            let body = json!({ "properties": { "securityRules": rules } });
            if !self.used.contains(&name) {
                continue;
            }
            self.put(&id, "Microsoft.Network/networkSecurityGroups", body);
        }
        if self.chance.hits(2) {
            self.admin_rule();
        }
    }

    fn admin_rule(&mut self) {
        let manager = format!("{GROUP}/Microsoft.Network/networkManagers/m");
        let body = json!({ "properties": { "networkManagerScopeAccesses": ["SecurityAdmin"] } });
        self.put(&manager, "Microsoft.Network/networkManagers", body);
        let kind =
            "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules";
        let id = format!("{manager}/securityAdminConfigurations/c/ruleCollections/c/rules/r");
        let access = self.chance.pick(&["Deny", "AlwaysAllow", "Allow"]);
        let way = self.chance.pick(&["Outbound", "Inbound"]);
        let port = self.chance.pick(&["5432", "22", "0-65535"]);
        let body = json!({ "properties": { "access": access, "direction": way, "priority": 1,
            "protocol": "Tcp", "destinationPortRanges": [port] } });
        self.put(&id, kind, body);
    }

    fn rule(&mut self, name: &str, priority: usize, group: &str) -> Value {
        let healthy = if group == "out" { "Outbound" } else { "Inbound" };
        let way = self.chance.mostly(healthy, 15, &["Outbound", "Inbound"]);
        let access = self.chance.pick(&["Deny", "Deny", "Allow"]);
        let protocol = self.chance.pick(&["*", "Tcp", "TCP", "Udp"]);
        const FROM: [&str; 12] = [
            "10.2.1.4/31",
            "*",
            "*",
            "VirtualNetwork",
            "10.2.1.0/28",
            "10.2.1.8/29",
            "10.2.1.0/30",
            "10.2.1.4",
            "10.2.0.0/16",
            "10.1.0.0/16",
            "Internet",
            "0.0.0.0/0",
        ];
        const TO: [&str; 14] = [
            "*",
            "*",
            "VirtualNetwork",
            "Internet",
            "Sql",
            "Sql.WestEurope",
            "AzureCloud",
            "AzurePlatformDNS",
            "10.1.1.4/32",
            "10.1.0.0/16",
            "10.2.0.0/16",
            "10.1.2.0/29",
            "Storage",
            "10.2.2.0/24",
        ];
        const PORTS: [&str; 8] = ["*", "5432", "5432", "5000-6000", "0-65535", "6432", "53", "443"];
        let mut properties = json!({ "priority": priority, "direction": way, "access": access,
            "protocol": protocol });
        self.field(&mut properties, "sourceAddressPrefix", "sourceAddressPrefixes", &FROM);
        self.field(&mut properties, "destinationAddressPrefix", "destinationAddressPrefixes", &TO);
        self.field(&mut properties, "destinationPortRange", "destinationPortRanges", &PORTS);
        const SOURCE_PORTS: [&str; 1] = ["*"];
        self.field(&mut properties, "sourcePortRange", "sourcePortRanges", &SOURCE_PORTS);
        json!({ "name": name, "properties": properties })
    }

    /// A rule says something once, or in a list.
    fn field(&mut self, properties: &mut Value, one: &str, many: &str, words: &[&str]) {
        if self.chance.hits(70) {
            properties[one] = json!(self.chance.pick(words));
            if self.chance.hits(20) {
                properties[many] = json!([]);
            }
        } else {
            let mut list = vec![self.chance.pick(words)];
            // Azure refuses tags in lists of several entries.
            let is_plain = |word: &str| word.starts_with(|first: char| first.is_ascii_digit());
            let second = self.chance.pick(words);
            if is_plain(list[0]) && is_plain(second) {
                list.push(second);
            }
            properties[many] = json!(list);
            if self.chance.hits(30) {
                properties[one] = json!("");
            }
        }
    }

    pub(crate) fn tables(&mut self) {
        const TO: [&str; 9] = [
            "0.0.0.0/0",
            "0.0.0.0/0",
            "10.1.1.4/32",
            "10.1.0.0/16",
            "10.1.1.0/24",
            "10.0.0.0/8",
            "10.1.2.0/28",
            "10.1.2.8/29",
            "10.2.0.0/16",
        ];
        const BACK: [&str; 7] = [
            "10.2.0.0/16",
            "10.2.1.0/28",
            "10.2.1.4/31",
            "10.2.1.8/29",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "10.1.0.0/16",
        ];
        const HOPS: [&str; 6] =
            ["None", "None", "VirtualAppliance", "VirtualNetworkGateway", "VnetLocal", "Internet"];
        for (name, prefixes) in [("to", &TO[..]), ("back", &BACK[..])] {
            let mut routes: Vec<Value> = Vec::new();
            for index in 0..self.chance.below(3) {
                let (prefix, hop) = (self.chance.pick(prefixes), self.chance.pick(&HOPS));
                if routes.iter().any(|route| route["properties"]["addressPrefix"] == prefix) {
                    continue;
                }
                let mut properties = json!({ "addressPrefix": prefix, "nextHopType": hop });
                if hop == "VirtualAppliance" {
                    properties["nextHopIpAddress"] = json!("10.2.8.4");
                }
                routes.push(json!({ "name": format!("r{index}"), "properties": properties }));
            }
            if !self.used.contains(&name) {
                continue;
            }
            let id = format!("{GROUP}/Microsoft.Network/routeTables/{name}");
            let off = self.chance.hits(20);
            let body =
                json!({ "properties": { "routes": routes, "disableBgpRoutePropagation": off } });
            self.put(&id, "Microsoft.Network/routeTables", body);
        }
    }
}

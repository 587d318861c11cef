//! Private DNS zones: counts, the state of links, and the records that zone groups write.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::endpoint::endpoints;
use super::super::name::name_of;
use super::super::world::{World, at, last_name, list, reference, set_field, text};
use super::{Put, RECORD, ZONE};

impl World {
    /// A new zone holds its own start of authority. It proves nothing of other zones of its name, which
    /// may be linked: how many links it has is left open.
    pub(super) fn zone_made(&mut self, zone: &str) {
        self.edit(zone, |body| set_field(body, "numberOfRecordSets", json!(1)));
        self.note_made(zone);
    }

    pub(super) fn link_made(&mut self, link: &Put<'_>) {
        self.edit(link.key, |body| {
            set_field(body, "virtualNetworkLinkState", json!("Completed"));
        });
        self.count_in(link.parent, "numberOfVirtualNetworkLinks", 1);
    }

    /// A network is linked to one zone of a name at most.
    pub(super) fn refuses_link(&self, link: &Put<'_>) -> Option<String> {
        let network = reference(link.body, &["properties", "virtualNetwork", "id"]);
        let name = last_name(link.parent);
        for (key, other) in self.all("microsoft.network/privatednszones/virtualnetworklinks") {
            let zone = key.split("/virtualnetworklinks/").next().unwrap_or("");
            let same = reference(other, &["properties", "virtualNetwork", "id"]) == network;
            if same && network.is_some() && last_name(zone) == name {
                return Some(format!("the network is linked to {zone} already"));
            }
        }
        None
    }

    pub(super) fn refuses_group(&self, group: &Put<'_>) -> Option<String> {
        let zones = zones_of(group.body);
        let lost = zones.into_iter().find(|zone| !self.knows(zone))?;
        Some(format!("there is no {lost}"))
    }

    /// The zone group writes the record of the server, with the endpoint's addresses.
    pub(super) fn group_put(&mut self, group: &Put<'_>) {
        let Some((label, addresses)) = self.served_by(group.parent) else { return };
        for zone in zones_of(group.body) {
            let record = format!("{zone}/a/{label}");
            if self.body(&record).is_none() {
                self.count_in(&zone, "numberOfRecordSets", 1);
            }
            let mut body = json!({ "properties": { "ttl": 10 } });
            if !addresses.is_empty() {
                let entries: Vec<Value> =
                    addresses.iter().map(|one| json!({ "ipv4Address": one })).collect();
                set_field(&mut body, "aRecords", json!(entries));
            }
            self.put(&record, RECORD, body);
        }
    }

    /// The records that a zone group wrote go with it: those that it tells, and that of the server's name. Others of the same
    /// addresses were written by hand, and stay.
    pub(super) fn group_gone(&mut self, group: &str) {
        let endpoint = group.split("/privatednszonegroups/").next().unwrap_or("").to_owned();
        let Some((label, addresses)) = self.served_by(&endpoint) else { return };
        let is_own = |entry: &Value| {
            text(entry, &["ipv4Address"]).is_some_and(|one| addresses.iter().any(|own| own == one))
        };
        let wrote = |key: &String| {
            let body = self.body(key);
            let entries = body.and_then(|body| list(body, &["properties", "aRecords"]));
            entries.is_some_and(|all| !all.is_empty() && all.iter().all(is_own))
        };
        let body = self.body(group);
        let configs = body.and_then(|body| list(body, &["properties", "privateDnsZoneConfigs"]));
        let named = configs.unwrap_or(&[]).iter().flat_map(|one| {
            let zone = reference(one, &["properties", "privateDnsZoneId"]);
            let zone = zone.filter(|key| key.contains(ZONE));
            let told = list(one, &["properties", "recordSets"]).unwrap_or(&[]).iter();
            let told = told.filter_map(|set| reference(set, &["recordSetName"]));
            let labels = told.chain([label.clone()]);
            let keys = labels.map(|label| Some(format!("{}/a/{label}", zone.as_deref()?)));
            keys.flatten().collect::<Vec<_>>()
        });
        let gone: BTreeSet<String> = named.filter(wrote).collect();
        for key in gone {
            let zone = key.split("/a/").next().unwrap_or("").to_owned();
            self.remove(&key);
            self.count_in(&zone, "numberOfRecordSets", -1);
        }
    }

    /// The label of the server that an endpoint leads to, and the endpoint's addresses.
    fn served_by(&self, endpoint: &str) -> Option<(String, Vec<String>)> {
        let own =
            |server: &str| endpoints(self, server).into_iter().find(|one| one.key == endpoint);
        let told = super::endpoint::server_of(self.body(endpoint)?);
        // Where the endpoint does not tell, the server that lists it does.
        let server = told.or_else(|| {
            let kinds = ["servers", "flexibleservers"];
            let all = kinds.map(|kind| self.all(&format!("microsoft.dbforpostgresql/{kind}")));
            let mut keys = all.into_iter().flatten().map(|(key, _)| key);
            let is_its = |key: &&str| own(key).is_some_and(|one| one.leads_here);
            keys.find(is_its).map(str::to_owned)
        })?;
        let name = name_of(self, &server)?;
        let label = name.split('.').next()?.to_ascii_lowercase();
        let facts = own(&server)?;
        let mut addresses: Vec<String> = Vec::new();
        for one in facts.addresses {
            let word = std::net::Ipv4Addr::from(one).to_string();
            if !addresses.contains(&word) {
                addresses.push(word);
            }
        }
        Some((label, addresses))
    }
}

fn zones_of(group: &Value) -> Vec<String> {
    let configs = at(group, &["properties", "privateDnsZoneConfigs"]).and_then(Value::as_array);
    let zone = |one: &Value| reference(one, &["properties", "privateDnsZoneId"]);
    configs.into_iter().flatten().filter_map(zone).filter(|key| key.contains(ZONE)).collect()
}

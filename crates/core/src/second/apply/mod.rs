//! What a request to Azure Resource Manager does to a world, reactions of the service included.

mod endpoint;
mod peering;
mod ruleset;
mod zone;

use serde_json::{Map, Value, json};

use super::world::{World, at, items_mut, last_name, list, reference, set_field, text};
use crate::id::ResourceId;

/// A request of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// Body; null for none.
    pub body: Value,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A resource was made.
    Made,
    /// A resource was changed or deleted.
    Changed,
    /// Everything was so already.
    AlreadySo,
    /// Azure would refuse it, or it is not known what it would do; with the reason.
    Refused(String),
}

/// A request taken apart.
struct Put<'r> {
    key: &'r str,
    kind: &'r str,
    /// The id of the parent; empty for what has none.
    parent: &'r str,
    query: &'r str,
    body: &'r Value,
}

const LINK: &str = "microsoft.network/privatednszones/virtualnetworklinks";
const RULESET_LINK: &str = "microsoft.network/dnsforwardingrulesets/virtualnetworklinks";
const RECORD: &str = "microsoft.network/privatednszones/a";
const ZONE: &str = "microsoft.network/privatednszones";
const PEERING: &str = "microsoft.network/virtualnetworks/virtualnetworkpeerings";
const ENDPOINT: &str = "microsoft.network/privateendpoints";
const ZONE_GROUP: &str = "microsoft.network/privateendpoints/privatednszonegroups";
const FIREWALL: &str = "microsoft.network/azurefirewalls";
const INTERFACE: &str = "microsoft.network/networkinterfaces";
const RULE: &str = "microsoft.network/networksecuritygroups/securityrules";
const SUBNET: &str = "microsoft.network/virtualnetworks/subnets";
const TABLE: &str = "microsoft.network/routetables";
const ROUTE: &str = "microsoft.network/routetables/routes";
const VNET_RULE: &str = "microsoft.dbforpostgresql/servers/virtualnetworkrules";
const CONNECTION: &str = "/privateendpointconnections";

/// Fields that Azure tells and no request sets: a PUT that leaves them out leaves them as they are.
const TOLD: [&str; 32] = [
    "provisioningState",
    "resourceGuid",
    "peeringState",
    "peeringSyncLevel",
    "remoteAddressSpace",
    "remoteVirtualNetworkAddressSpace",
    "virtualNetworkLinkState",
    "state",
    "customDnsConfigs",
    "networkInterfaces",
    "ipConfigurations",
    "privateEndpoints",
    "privateEndpoint",
    "subnets",
    "virtualMachine",
    "macAddress",
    "primary",
    "purpose",
    "dscpConfiguration",
    "fqdn",
    "groupIds",
    "hostedWorkloads",
    "internalId",
    "ipConfigurationProfiles",
    "isAutoRegistered",
    "privateLinkService",
    "remoteBgpCommunities",
    "remoteVirtualNetworkEncryption",
    "resourceNavigationLinks",
    "serviceAssociationLinks",
    "tapConfigurations",
    "vnetEncryptionSupported",
];

/// Whether Azure tells a field, and no request sets it.
pub(super) fn is_told(field: &str) -> bool {
    TOLD.contains(&field) || field.starts_with("numberOf") || field.starts_with("maxNumberOf")
}

impl Request {
    /// Sends the request to a world.
    pub(super) fn apply(&self, world: &mut World) -> Outcome {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let Some(id) = ResourceId::parse(path) else {
            return Outcome::Refused(format!("`{path}` is no id of a resource"));
        };
        let (kind, parent) = (id.resource_type(), id.parent());
        let (key, parent) = (id.key(), parent.map_or(String::new(), |parent| parent.key()));
        let query = query.to_ascii_lowercase();
        let put = Put { key: &key, kind: &kind, parent: &parent, query: &query, body: &self.body };
        match self.method.to_ascii_uppercase().as_str() {
            "PUT" => world.take_put(&put),
            "PATCH" => world.take_patch(&put),
            "DELETE" => world.take_delete(&put),
            method => Outcome::Refused(format!("the second reading knows no {method}")),
        }
    }
}

impl World {
    fn take_put(&mut self, put: &Put<'_>) -> Outcome {
        if !put.parent.is_empty() && !self.is_there(put.parent) {
            return refused("there is no", put.parent);
        }
        let old = self.body(put.key).cloned();
        if let Some(why) = self.refuses(put, old.is_none()) {
            return Outcome::Refused(why);
        }
        let before = self.clone();
        let body = put_over(old.as_ref(), put);
        self.put(put.key, put.kind, body);
        match put.kind {
            ZONE if old.is_none() => self.zone_made(put.key),
            LINK if old.is_none() => self.link_made(put),
            TABLE => self.edit(put.key, |body| {
                // A table tells its routes, be there none.
                if at(body, &["properties", "routes"]).is_none() {
                    set_field(body, "routes", json!([]));
                }
            }),
            RECORD if old.is_none() => self.count_in(put.parent, "numberOfRecordSets", 1),
            PEERING => self.half_put(put, old.is_none()),
            ENDPOINT if old.is_none() => self.endpoint_made(put.key),
            ZONE_GROUP => self.group_put(put),
            VNET_RULE => self.edit(put.key, |body| set_field(body, "state", json!("Ready"))),
            kind if kind.ends_with(CONNECTION) => self.connection_put(put),
            _ => {}
        }
        match old {
            None => Outcome::Made,
            Some(_) if *self == before => Outcome::AlreadySo,
            Some(_) => Outcome::Changed,
        }
    }

    /// Whether a resource was captured, made, or is spoken of: a parent may exist uncaptured.
    fn is_there(&self, key: &str) -> bool {
        self.knows(key)
    }

    /// Why Azure would not take a PUT.
    fn refuses(&self, put: &Put<'_>, is_new: bool) -> Option<String> {
        let named = |path: &[&str]| reference(put.body, path);
        match put.kind {
            LINK if is_new => self.refuses_link(put),
            PEERING if is_new => self.refuses_half(put),
            ENDPOINT => {
                let subnet = named(&["properties", "subnet", "id"])?;
                let gone = || (!self.is_there(&subnet)).then(|| format!("there is no {subnet}"));
                gone().or_else(|| self.refuses_address(put))
            }
            ZONE_GROUP => self.refuses_group(put),
            SUBNET => {
                let table = named(&["properties", "routeTable", "id"])?;
                (!self.is_there(&table)).then(|| format!("there is no {table}"))
            }
            ROUTE => {
                let word = |body: &Value| {
                    at(body, &["properties", "addressPrefix"])
                        .and_then(Value::as_str)
                        .map(str::to_ascii_lowercase)
                };
                let own = last_name(put.key);
                let inside =
                    self.body(put.parent).and_then(|body| list(body, &["properties", "routes"]));
                let inside = inside.unwrap_or(&[]).iter().filter(|one| !is_named(one, own));
                let alone = self.children(put.parent, "routes");
                let alone = alone.filter(|(name, _)| *name != own).map(|(_, body)| body);
                let is_taken = inside.chain(alone).any(|one| word(one) == word(put.body));
                is_taken.then(|| "the table has a route of that prefix already".to_owned())
            }
            RULE => {
                let fields = |body: &Value| {
                    let word = text(body, &["properties", "direction"])?.to_ascii_lowercase();
                    Some((word, at(body, &["properties", "priority"])?.as_u64()?))
                };
                let own = last_name(put.key);
                let alone: Vec<_> = self.children(put.parent, "securityrules").collect();
                let inside = self.body(put.parent);
                let inside = inside.and_then(|body| list(body, &["properties", "securityRules"]));
                // A rule that was put by itself stands for the one in the list.
                let is_newer = |one: &&Value| alone.iter().any(|(name, _)| is_named(one, name));
                let inside = inside.unwrap_or(&[]).iter().filter(|one| !is_newer(one));
                let inside = inside.filter(|one| !is_named(one, own));
                let others = alone.iter().filter(|(name, _)| *name != own).map(|(_, body)| *body);
                let wanted = fields(put.body)?;
                let is_taken =
                    inside.chain(others).any(|one| fields(one).as_ref() == Some(&wanted));
                is_taken.then(|| "a rule of the group has that priority already".to_owned())
            }
            VNET_RULE => {
                let tier = self.body(put.parent).and_then(|body| text(body, &["sku", "tier"]));
                if is_new && tier.is_some_and(|tier| tier.eq_ignore_ascii_case("Basic")) {
                    return Some("a Basic server takes no VNet rules".to_owned());
                }
                let subnet = named(&["properties", "virtualNetworkSubnetId"]);
                let taken = self
                    .children(put.parent, "virtualnetworkrules")
                    .filter(|(name, _)| *name != last_name(put.key))
                    .find(|(_, rule)| {
                        reference(rule, &["properties", "virtualNetworkSubnetId"]) == subnet
                    });
                taken.map(|(name, _)| format!("VNet rule {name} names that subnet already"))
            }
            _ => None,
        }
    }

    fn take_patch(&mut self, patch: &Put<'_>) -> Outcome {
        let Some(old) = self.body(patch.key).cloned() else {
            return refused("there is no", patch.key);
        };
        let fields = at(patch.body, &["properties"]).and_then(Value::as_object);
        self.edit(patch.key, |body| {
            for (name, value) in fields.into_iter().flatten() {
                set_field(body, name, value.clone());
            }
        });
        if self.body(patch.key) == Some(&old) { Outcome::AlreadySo } else { Outcome::Changed }
    }

    fn take_delete(&mut self, gone: &Put<'_>) -> Outcome {
        let is_listed = self.is_listed(gone);
        if self.body(gone.key).is_none() && !is_listed {
            return Outcome::AlreadySo;
        }
        let mut keys = self.below(gone.key);
        keys.push(gone.key.to_owned());
        for key in &keys {
            let Some(id) = ResourceId::parse(key) else { continue };
            match id.resource_type().as_str() {
                LINK => self.count_in(gone.parent, "numberOfVirtualNetworkLinks", -1),
                RECORD => self.count_in(gone.parent, "numberOfRecordSets", -1),
                PEERING => self.half_gone(key),
                ZONE_GROUP => self.group_gone(key),
                ENDPOINT => self.endpoint_gone(key),
                _ => {}
            }
        }
        keys.iter().for_each(|key| self.remove(key));
        if gone.kind == RULESET_LINK {
            self.unlist_ruleset(gone.key);
        }
        if let Some(field) = listing(gone.kind) {
            self.edit(gone.parent, |parent| {
                if let Some(items) = items_mut(parent, field) {
                    items.retain(|one| !is_named(one, last_name(gone.key)));
                }
            });
        }
        Outcome::Changed
    }

    /// Whether the parent's body lists a child, or a network the link of a ruleset.
    fn is_listed(&self, child: &Put<'_>) -> bool {
        if child.kind == RULESET_LINK {
            return self.listing_ruleset(child.key).is_some();
        }
        let Some(field) = listing(child.kind) else { return false };
        let items = self.body(child.parent).and_then(|body| list(body, &["properties", field]));
        items.unwrap_or(&[]).iter().any(|one| is_named(one, last_name(child.key)))
    }

    /// Counts in a zone, where it tells the count.
    fn count_in(&mut self, zone: &str, field: &str, by: i64) {
        self.edit(zone, |body| {
            if let Some(count) = at(body, &["properties", field]).and_then(Value::as_i64) {
                set_field(body, field, json!((count + by).max(0)));
            }
        });
    }
}

/// Children that are captured inside their parent only.
fn listing(kind: &str) -> Option<&'static str> {
    match kind {
        "microsoft.network/networksecuritygroups/securityrules" => Some("securityRules"),
        "microsoft.network/routetables/routes" => Some("routes"),
        _ => None,
    }
}

fn is_named(one: &Value, name: &str) -> bool {
    one.get("name").and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case(name))
}

fn refused(why: &str, of: &str) -> Outcome {
    Outcome::Refused(format!("{why} {of}"))
}

/// A firewall keeps the addresses that Azure gave it, which no request sets.
fn keep_addresses(held: &[Value], places: Option<&mut Value>) {
    for place in places.and_then(Value::as_array_mut).into_iter().flatten() {
        let old = held.iter().find(|one| one.get("name") == place.get("name"));
        let old = old.and_then(|old| at(old, &["properties"])?.as_object());
        let Some(fields) = place.get_mut("properties").and_then(Value::as_object_mut) else {
            continue;
        };
        for (name, value) in old.into_iter().flatten() {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// The body after a PUT: what it names, and of the old one only what Azure itself tells.
fn put_over(old: Option<&Value>, put: &Put<'_>) -> Value {
    let mut body = put.body.clone();
    if !body.is_object() {
        body = json!({});
    }
    let mut properties: Map<String, Value> =
        at(&body, &["properties"]).and_then(Value::as_object).cloned().unwrap_or_default();
    let held = old.and_then(|old| at(old, &["properties"])?.as_object());
    for (name, value) in held.into_iter().flatten() {
        let is_told = is_told(name)
            // Children have requests of their own.
            || put.kind == ENDPOINT && name.ends_with("PrivateLinkServiceConnections");
        if is_told && !properties.contains_key(name) {
            properties.insert(name.clone(), value.clone());
        }
    }
    if put.kind == FIREWALL {
        let held = old.and_then(|old| list(old, &["properties", "ipConfigurations"]));
        keep_addresses(held.unwrap_or(&[]), properties.get_mut("ipConfigurations"));
    }
    for name in ["id", "name", "type", "location", "etag"] {
        if let Some(value) = old.and_then(|old| old.get(name)) {
            body[name] = value.clone();
        }
    }
    body["properties"] = Value::Object(properties);
    body
}

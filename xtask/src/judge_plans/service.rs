//! A world as Azure would have it after some requests: children listed in their parents, and what `react` adds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::react::{LINK, count_link, halves_back, react, remote_of, set};

/// Lists in a parent's properties that are resources of their own: type of the parent, and name of
/// the list, which is also the children's type.
const NESTED: [(&str, &str); 6] = [
    ("microsoft.network/virtualnetworks", "subnets"),
    ("microsoft.network/virtualnetworks", "virtualNetworkPeerings"),
    ("microsoft.network/networksecuritygroups", "securityRules"),
    ("microsoft.network/routetables", "routes"),
    ("microsoft.dbforpostgresql/servers", "privateEndpointConnections"),
    ("microsoft.dbforpostgresql/flexibleservers", "privateEndpointConnections"),
];

/// A request that changed something.
pub(super) struct Request {
    pub(super) method: String,
    /// Path in lower case, without the query.
    pub(super) key: String,
    pub(super) query: String,
    /// 201 for something new.
    pub(super) code: u64,
}

impl Request {
    /// A line of the server's log; `None` for one that only read, or failed.
    pub(super) fn of_log(line: &Value) -> Option<Request> {
        let method = line.get("m")?.as_str()?.to_owned();
        let code = line.get("code")?.as_u64()?;
        let is_change = ["PUT", "PATCH", "DELETE"].contains(&method.as_str()) && code < 300;
        let path = line.get("p")?.as_str()?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        is_change.then(|| Request {
            method,
            key: path.trim_end_matches('/').to_ascii_lowercase(),
            query: query.to_ascii_lowercase(),
            code,
        })
    }
}

/// An estate as the server holds it: children are resources of their own there.
pub(super) struct World {
    pub(super) resources: Vec<Value>,
    /// Children that were taken out of a parent's list: parent, list, child.
    taken: Vec<(String, &'static str, String)>,
}

pub(super) fn key(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_default().to_ascii_lowercase()
}

pub(super) fn kind(resource: &Value) -> String {
    resource["type"].as_str().unwrap_or_default().to_ascii_lowercase()
}

impl World {
    /// Azure answers for a rule, a route or a connection at its own id too.
    pub(super) fn of(estate: &[Value]) -> World {
        let mut world = World { resources: estate.to_vec(), taken: Vec::new() };
        for parent in estate {
            let lists = NESTED.iter().filter(|(owner, _)| *owner == kind(parent));
            for (_, list) in lists {
                for child in parent["properties"][list].as_array().into_iter().flatten() {
                    let name = child["name"].as_str().unwrap_or_default();
                    let own =
                        format!("{}/{list}/{name}", parent["id"].as_str().unwrap_or_default());
                    let id = child["id"].as_str().unwrap_or(&own).to_owned();
                    let mut whole = child.clone();
                    whole["id"] = json!(id);
                    whole["name"] = json!(id.rsplit('/').next());
                    let kind = parent["type"].as_str().unwrap_or_default();
                    whole["type"] = json!(format!("{kind}/{list}"));
                    world.taken.push((key(parent), list, id.to_ascii_lowercase()));
                    if !estate.iter().any(|other| key(other) == id.to_ascii_lowercase()) {
                        world.resources.push(whole);
                    }
                }
            }
            // A network's list tells of links that it does not hold.
            if kind(parent) == RULESETS_OF {
                let entries = parent["properties"]["value"].as_array().into_iter().flatten();
                let links =
                    entries.filter_map(|one| link_in(one).map(|id| ruleset_link(id, parent)));
                world
                    .resources
                    .extend(links.filter(|one| !estate.iter().any(|other| key(other) == key(one))));
            }
        }
        world
    }

    /// The estate as Azure would tell it after the requests.
    pub(super) fn back(&self, left: Vec<Value>, requests: &[Request]) -> Vec<Value> {
        let mut all: BTreeMap<String, Value> =
            left.into_iter().map(|one| (key(&one), one)).collect();
        for (index, request) in requests.iter().enumerate() {
            let later = &requests[index + 1..];
            match all.contains_key(&request.key) {
                true => react(&mut all, request),
                false => self.part(&mut all, request, later),
            }
        }
        // Children go back to where they were found.
        let mut lists: BTreeMap<(&str, &str), Vec<Value>> = BTreeMap::new();
        for (parent, list, child) in &self.taken {
            lists.entry((parent, list)).or_default().extend(all.remove(child));
        }
        for ((parent, list), children) in lists {
            if let Some(parent) = all.get_mut(parent) {
                parent["properties"][list] = Value::Array(children);
            }
        }
        all.into_values().collect()
    }

    /// A zone counts a deleted link no longer, and a network lists no ruleset whose link is deleted. A deleted half of a peering leaves
    /// the other one Disconnected, unless it had lost it before; one that was made later is another one.
    fn part(&self, all: &mut BTreeMap<String, Value>, request: &Request, later: &[Request]) {
        let gone = self.resources.iter().find(|one| key(one) == request.key);
        if gone.is_some_and(|one| kind(one) == LINK) {
            count_link(all, &request.key, -1);
        }
        if gone.is_some_and(|one| kind(one) == RULESET_LINK) {
            unlist(all, &request.key);
        }
        let Some(gone) = gone.filter(|one| kind(one).ends_with("/virtualnetworkpeerings")) else {
            return;
        };
        if gone["properties"]["peeringState"] == "Disconnected" {
            return;
        }
        let is_older = |key: &String| later.iter().all(|one| one.key != *key || one.code != 201);
        for half in
            halves_back(all, &request.key, &remote_of(gone)).iter().filter(|key| is_older(key))
        {
            set(all, half, "peeringState", json!("Disconnected"));
        }
    }
}

const RULESET_LINK: &str = "microsoft.network/dnsforwardingrulesets/virtualnetworklinks";

/// The captured answer to the question for a network's rulesets.
const RULESETS_OF: &str = "microsoft.network/virtualnetworks/listdnsforwardingrulesets";

/// The link that an entry of such an answer names.
fn link_in(entry: &Value) -> Option<&str> {
    entry["properties"]["virtualNetworkLink"]["id"].as_str()
}

/// The link itself, to the network whose list names it.
fn ruleset_link(id: &str, list: &Value) -> Value {
    let list = list["id"].as_str().unwrap_or_default();
    let network = list.rsplitn(3, '/').nth(2).unwrap_or_default();
    json!({ "id": id, "type": "Microsoft.Network/dnsForwardingRulesets/virtualNetworkLinks",
        "name": id.rsplit('/').next(), "properties": { "virtualNetwork": { "id": network } } })
}

fn unlist(all: &mut BTreeMap<String, Value>, link: &str) {
    for list in all.values_mut().filter(|one| kind(one) == RULESETS_OF) {
        if let Some(entries) = list["properties"]["value"].as_array_mut() {
            entries.retain(|one| !link_in(one).is_some_and(|id| id.eq_ignore_ascii_case(link)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";

    fn request(method: &str, path: &str, code: u64) -> Request {
        let line =
            json!({ "m": method, "p": format!("{NETWORK}{path}?api-version=1"), "code": code });
        Request::of_log(&line).expect("a change")
    }

    fn half(network: &str, remote: &str) -> Value {
        json!({ "id": format!("{NETWORK}/virtualNetworks/{network}/virtualNetworkPeerings/p"),
            "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings", "name": "p",
            "properties": { "remoteVirtualNetwork": { "id": format!("{NETWORK}/virtualNetworks/{remote}") } } })
    }

    fn state(estate: &[Value], index: usize) -> &str {
        estate[index]["properties"]["peeringState"].as_str().unwrap_or("none")
    }

    #[test]
    fn an_untouched_estate_comes_back_as_it_was() {
        let group = json!({ "id": format!("{NETWORK}/networkSecurityGroups/g"),
            "type": "Microsoft.Network/networkSecurityGroups", "name": "g",
            "properties": { "securityRules": [{ "name": "r", "properties": { "priority": 100 } }] } });
        let world = World::of(std::slice::from_ref(&group));
        assert_eq!(world.resources.len(), 2);
        let back = world.back(world.resources.clone(), &[]);
        assert_eq!(back.len(), 1);
        let rules = &back[0]["properties"]["securityRules"];
        assert_eq!(rules[0]["properties"], group["properties"]["securityRules"][0]["properties"]);
        let left = vec![group];
        let back = world.back(left, &[]);
        assert_eq!(back[0]["properties"]["securityRules"], json!([]), "a deleted rule is gone");
    }

    #[test]
    fn halves_are_joined_by_the_second_and_parted_by_a_deletion() {
        let world = World::of(&[half("a", "b"), half("b", "a")]);
        let made = |name: &str| {
            request("PUT", &format!("/virtualNetworks/{name}/virtualNetworkPeerings/p"), 201)
        };
        let one = world.back(vec![half("a", "b")], &[made("a")]);
        assert_eq!(state(&one, 0), "Initiated");
        let both = world.back(vec![half("a", "b"), half("b", "a")], &[made("a"), made("b")]);
        assert_eq!((state(&both, 0), state(&both, 1)), ("Connected", "Connected"));
        let gone = request("DELETE", "/virtualNetworks/a/virtualNetworkPeerings/p", 200);
        let parted = world.back(vec![half("b", "a")], &[gone]);
        assert_eq!(state(&parted, 0), "Disconnected");
        let mut lost = half("a", "b");
        lost["properties"]["peeringState"] = json!("Disconnected");
        let gone = request("DELETE", "/virtualNetworks/a/virtualNetworkPeerings/p", 200);
        let mut waits = half("b", "a");
        waits["properties"]["peeringState"] = json!("Initiated");
        let alone = World::of(&[lost, waits.clone()]).back(vec![waits], &[gone]);
        assert_eq!(state(&alone, 0), "Initiated", "it had no partner to leave");
        let gone = request("DELETE", "/virtualNetworks/a/virtualNetworkPeerings/p", 200);
        let again = world.back(vec![half("b", "a")], &[gone, made("b")]);
        assert_eq!(state(&again, 0), "Initiated", "a half made later is another one");
    }

    #[test]
    fn a_network_lists_no_ruleset_whose_link_is_deleted() {
        let link = format!("{NETWORK}/dnsForwardingRulesets/r/virtualNetworkLinks/l");
        let list = json!({ "id": format!("{NETWORK}/virtualNetworks/a/listDnsForwardingRulesets/current"),
            "type": "Microsoft.Network/virtualNetworks/listDnsForwardingRulesets",
            "properties": { "value": [{ "properties": { "virtualNetworkLink": { "id": link } } }] } });
        let world = World::of(std::slice::from_ref(&list));
        assert_eq!(world.resources.len(), 2, "the link can be deleted");
        let gone = request("DELETE", "/dnsForwardingRulesets/r/virtualNetworkLinks/l", 200);
        let back = world.back(vec![list], &[gone]);
        assert_eq!(back[0]["properties"]["value"], json!([]));
    }

    #[test]
    fn requests_that_only_read_or_failed_change_nothing() {
        let line = |method: &str, code: u64| json!({ "m": method, "p": "/x", "code": code });
        assert!(Request::of_log(&line("GET", 200)).is_none());
        assert!(Request::of_log(&line("PUT", 404)).is_none());
        assert!(Request::of_log(&json!({ "msi": "/msi/token" })).is_none());
    }
}

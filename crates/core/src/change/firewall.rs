//! Changes of the policies of Azure Firewalls: let one flow through.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::exposure::{self, End, Exposure, Flows};
use super::{Change, Edit, NETWORK_API, Request, Safety, az_rest, free_name, whole_body};
use crate::address::AddressSet;
use crate::estate::Estate;
use crate::estate::firewall::{Firewall, RuleCollectionGroup};
use crate::id::ResourceId;

/// Numbers that groups of rule collections may have.
const PRIORITIES: std::ops::RangeInclusive<u64> = 100..=65_000;

/// A flow of TCP.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Who sends.
    pub from: Vec<Ipv4Net>,
    /// Who receives; `Err` holds a service tag.
    pub to: Result<Vec<Ipv4Net>, String>,
    /// The receiver's port.
    pub port: u16,
}

/// Lets a flow through the firewalls of a policy by a group of rules of its own, ahead of the group of `denier` where one denies. `None`
/// where no number is free there.
pub fn allow(
    estate: &Estate,
    policy: &ResourceId,
    flow: &Flow,
    denier: Option<&ResourceId>,
) -> Option<Change> {
    let turn = |id: &ResourceId| Some(estate.find::<RuleCollectionGroup>(id)?.content.as_ref()?.0);
    let all = estate.children::<RuleCollectionGroup>(policy);
    let taken: Vec<u64> = all.filter_map(|(id, _)| turn(id)).collect();
    let denier = match denier {
        Some(denier) => Some(turn(denier)?),
        None => None,
    };
    let priority = free(&taken, denier)?;
    let name = free_name(estate, policy, "ruleCollectionGroups", &flow.name());
    let id = policy.child("ruleCollectionGroups", &name);
    let mut rule = flow.rule("ipProtocols");
    rule["ruleType"] = json!("NetworkRule");
    let body = json!({ "properties": { "priority": priority, "ruleCollections": [{
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": flow.name(),
        "priority": 100,
        "action": { "type": "Allow" },
        "rules": [rule],
    }] } });
    let affected = users(estate, policy);
    let at = format!("firewall policy `{}`", policy.name());
    let request = Request::put(&id, NETWORK_API, body.clone());
    let inverse = Request::delete(&id, NETWORK_API);
    Some(flow.change(&at, affected, (request, inverse, Edit::Put(id, body))))
}

/// The same for a firewall without a policy, by a collection of its own, ahead of the collection with the number `denier`.
pub fn allow_in(
    estate: &Estate,
    id: &ResourceId,
    flow: &Flow,
    denier: Option<u64>,
) -> Option<Change> {
    const LIST: &str = "networkRuleCollections";
    let own = estate.find::<Firewall>(id)?.collections.as_ref()?;
    let taken: Vec<u64> = own.iter().map(|one| one.priority).collect();
    let priority = free(&taken, denier)?;
    let body = estate.body(id)?;
    let listed = body.pointer(&estate.locate(id, "", LIST))?.as_array()?;
    let names = |name: &String| !own.iter().any(|one| one.name.eq_ignore_ascii_case(name));
    let mut numbered = (2..).map(|number| format!("{}-{number}", flow.name()));
    let name = Some(flow.name()).filter(names).or_else(|| numbered.find(names))?;
    let collection = json!({ "name": name, "properties": {
        "priority": priority,
        "action": { "type": "Allow" },
        "rules": [flow.rule("protocols")],
    } });
    let all = [listed.as_slice(), &[collection]].concat();
    let put = |changed: Value| {
        let mut body = whole_body(estate, id, changed);
        // Azure gives these, and does not take them.
        let places = body["properties"]["ipConfigurations"].as_array_mut();
        for place in places.into_iter().flatten() {
            if let Some(fields) = place.get_mut("properties").and_then(Value::as_object_mut) {
                fields.retain(|name, _| !name.starts_with("privateIP"));
            }
        }
        Request::put(id, NETWORK_API, body)
    };
    let edit = Edit::Patch(id.clone(), json!({ LIST: all }));
    let at = format!("Azure Firewall `{}`", id.name());
    Some(flow.change(&at, Vec::new(), (put(json!({ LIST: all })), put(json!({})), edit)))
}

/// A number that none has: before that of `denier`, where one denies, else after all.
fn free(taken: &[u64], denier: Option<u64>) -> Option<u64> {
    let is_free = |one: &u64| !taken.contains(one);
    match denier {
        Some(denier) => (*PRIORITIES.start()..denier).rev().find(is_free),
        None => {
            let after = taken.iter().max().map_or(1000, |last| last + 100);
            (after..=*PRIORITIES.end()).chain(PRIORITIES.rev()).find(is_free)
        }
    }
}

impl Flow {
    fn name(&self) -> String {
        format!("allow-postgres-{}", self.port)
    }

    fn rule(&self, protocols: &str) -> Value {
        let texts =
            |nets: &[Ipv4Net]| -> Vec<String> { nets.iter().map(ToString::to_string).collect() };
        let to = match &self.to {
            Ok(networks) => texts(networks),
            Err(tag) => vec![tag.clone()],
        };
        json!({
            "name": self.name(),
            protocols: ["TCP"],
            "sourceAddresses": texts(&self.from),
            "destinationAddresses": to,
            "destinationPorts": [self.port.to_string()],
        })
    }

    /// The change, wherever the rule stands.
    fn change(
        &self,
        at: &str,
        affected: Vec<String>,
        (request, inverse, edit): (Request, Request, Edit),
    ) -> Change {
        let (from, port) = (AddressSet::of(&self.from), self.port);
        let (to, end) = match &self.to {
            Ok(networks) => (AddressSet::of(networks).to_string(), End::of(networks)),
            Err(tag) => (format!("`{tag}`"), exposure::tag(tag)),
        };
        let flows = Flows::new(End::of(&self.from), end, (port, port));
        Change {
            kind: "allow-at-firewall",
            title: format!("let {from} reach {to} on port {port} by a network rule of {at}"),
            resource: edit.resource().clone(),
            az: vec![az_rest(&request)],
            request,
            inverse: Some(inverse),
            downtime: "none",
            safety: Safety::Review,
            exposure: vec![Exposure::new(format!("{from} -> {to}:{port}/tcp"), vec![flows])],
            affected,
            edits: vec![edit],
        }
    }
}

/// Whose rules change, a sentence each.
fn users(estate: &Estate, policy: &ResourceId) -> Vec<String> {
    let has_it = |one: &Firewall| one.policy.to() == Some(policy);
    let users = estate.all::<Firewall>().filter(|(_, one)| has_it(one));
    let mut all: Vec<String> = users
        .map(|(id, _)| format!("firewall `{}` has policy `{}`", id.name(), policy.name()))
        .collect();
    all.push(format!(
        "firewalls whose policy inherits from `{}` get the rule too, where there are any",
        policy.name()
    ));
    all
}

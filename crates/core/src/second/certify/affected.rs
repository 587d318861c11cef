//! Whether a plan says what its changes touch besides the flow, and nothing that is not there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::apply::Request;
use super::super::name::name_of;
use super::super::place_of;
use super::super::world::{World, last_name, list, reference, text};
use super::super::zone::alias_of;
use super::Judge;
use super::price::id_of;
use super::read::{Goal, Plan};
use super::settings::body_of;

const SUBNETS: &str = "microsoft.network/virtualnetworks/subnets";
const RULES: &str = "microsoft.network/networksecuritygroups/securityrules";

/// How the sentence ends that names another subnet of a security group.
const SHARES: &str = " uses the same group";

/// What is wrong with `affected`.
pub(super) fn wrong(judge: &Judge<'_>) -> Vec<String> {
    let plan = judge.plan;
    let mut wrong = Vec::new();
    for (subnet, server) in &plan.broken {
        wrong.extend(untold(plan, &[last_name(subnet), last_name(server)]));
    }
    let mut world = judge.world.clone();
    for change in &plan.changes {
        for names in touched(judge, &world, &change.request) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            wrong.extend(untold(plan, &names));
        }
        if !replaced(&world, &change.request).is_empty() && change.safety != "review" {
            wrong.push(format!(
                "\"{}\" leads others elsewhere, and is said to be safe",
                change.title
            ));
        }
        change.request.apply(&mut world);
    }
    wrong.extend(plan.affected.iter().filter_map(|line| made_up(judge, &world, line)));
    wrong
}

/// Records that a request lets hold other addresses than now: whoever asks for them is led elsewhere.
pub(super) fn replaced(world: &World, request: &Request) -> Vec<String> {
    let writes_records = id_of(request).is_some_and(|id| {
        [
            "microsoft.network/privatednszones/a",
            "microsoft.network/privateendpoints/privatednszonegroups",
        ]
        .iter()
        .any(|kind| id.is_type(kind))
    });
    if request.method != "PUT" || !writes_records {
        return Vec::new();
    }
    let mut after = world.clone();
    request.apply(&mut after);
    let held = |world: &World, key: &str| -> Vec<String> {
        let entries = world.body(key).and_then(|body| list(body, &["properties", "aRecords"]));
        let all = entries.unwrap_or(&[]).iter();
        all.filter_map(|one| text(one, &["ipv4Address"]).map(str::to_owned)).collect()
    };
    let is_replaced = |key: &&str| {
        let (old, new) = (held(world, key), held(&after, key));
        key.contains("/privatednszones/") && !old.is_empty() && !new.is_empty() && old != new
    };
    world.unlike(&after).into_iter().filter(is_replaced).map(str::to_owned).collect()
}

/// Names that a sentence about what a request touches besides has to hold: each subnet of a route table, the other ones of a security
/// group, both networks of a peering, a record that leads elsewhere, a subnet that is set otherwise, and whoever learns a zone's names.
fn touched(judge: &Judge<'_>, world: &World, request: &Request) -> Vec<Vec<String>> {
    let Some(id) = id_of(request) else { return Vec::new() };
    let name = |key: &str| last_name(key).to_owned();
    let holder = id.parent().map(|holder| holder.key().to_string()).unwrap_or_default();
    let is_there = body_of(world, &id.key()).is_some();
    match (request.method.as_str(), id.resource_type().as_str()) {
        (_, "microsoft.network/routetables/routes") => {
            let bound = users(world, "routeTable", &holder).into_iter();
            bound.map(|subnet| vec![name(&subnet), name(&holder)]).collect()
        }
        ("PUT", RULES) if !is_there => {
            let others = sharing(judge, world, request, &holder).into_iter();
            others.map(|subnet| vec![name(&subnet)]).collect()
        }
        ("PUT", super::claims::HALF) if !is_there => {
            let far = reference(&request.body, &["properties", "remoteVirtualNetwork", "id"]);
            far.map(|far| vec![name(&holder), name(&far)]).into_iter().collect()
        }
        ("PUT", "microsoft.network/firewallpolicies/rulecollectiongroups") => {
            let has_it = |body: &Value| {
                reference(body, &["properties", "firewallPolicy", "id"]).as_deref()
                    == Some(&*holder)
            };
            let all = world.all("microsoft.network/azurefirewalls");
            let users = all.filter(|(_, body)| has_it(body));
            users.map(|(firewall, _)| vec![name(firewall), name(&holder)]).collect()
        }
        ("PUT", SUBNETS) if is_there => vec![vec![name(&id.key())]],
        ("PUT", "microsoft.network/privatednszones/virtualnetworklinks")
            if !is_there && text(&request.body, &["properties", "resolutionPolicy"]).is_none() =>
        {
            let network = reference(&request.body, &["properties", "virtualNetwork", "id"]);
            let network = network.filter(|_| holds_others(judge, world, &holder));
            network.map(|network| vec![name(&network), name(&holder)]).into_iter().collect()
        }
        ("PUT", _) => {
            let zone = |record: &str| record.rsplit('/').nth(2).unwrap_or("").to_owned();
            let all = replaced(world, request).into_iter();
            all.map(|record| vec![name(&record), zone(&record)]).collect()
        }
        _ => Vec::new(),
    }
}

/// Subnets whose `field` names a resource.
fn users(world: &World, field: &str, of: &str) -> Vec<String> {
    let is_user =
        |body: &Value| reference(body, &["properties", field, "id"]).as_deref() == Some(of);
    let all = world.all(SUBNETS).filter(|(_, body)| is_user(body));
    all.map(|(subnet, _)| subnet.to_owned()).collect()
}

/// Subnets of a security group beside that of the flow: the copier's where the rule is for packets that leave. Of those where they
/// arrive one may be the flow's own.
fn sharing(judge: &Judge<'_>, world: &World, rule: &Request, group: &str) -> Vec<String> {
    let near: Vec<String> = { judge.plan.legs.iter() }
        .filter_map(|leg| place_of(world, &leg.copier.key()).ok().flatten())
        .map(|(subnet, _)| subnet)
        .collect();
    let is_outbound = text(&rule.body, &["properties", "direction"])
        .is_some_and(|word| word.eq_ignore_ascii_case("Outbound"));
    let all = users(world, "networkSecurityGroup", group);
    if is_outbound {
        return all.into_iter().filter(|subnet| !near.contains(subnet)).collect();
    }
    let is_untold = |subnet: &String| untold(judge.plan, &[last_name(subnet)]).is_some();
    let untold: Vec<String> = all.into_iter().filter(is_untold).collect();
    if untold.len() > 1 { untold } else { Vec::new() }
}

/// Whether a zone holds addresses under names that are not the source's.
fn holds_others(judge: &Judge<'_>, world: &World, zone: &str) -> bool {
    let servers = judge.plan.legs.iter().filter_map(|leg| match &leg.to {
        Goal::Server(server) => name_of(world, &server.key()),
        Goal::Machine(_) => None,
    });
    let names: Vec<String> = servers.flat_map(|name| [alias_of(&name).1, name.clone()]).collect();
    // Of an alias the zone alone is told: its names begin like the server's.
    let firsts: BTreeSet<&str> = names.iter().filter_map(|name| name.split('.').next()).collect();
    let is_own = |label: &str| {
        label == "@" || label.split('.').next().is_some_and(|one| firsts.contains(one))
    };
    judge.plan.legs.len() == servers_count(judge)
        && world.children(zone, "a").any(|(label, _)| !is_own(label))
}

fn servers_count(judge: &Judge<'_>) -> usize {
    judge.plan.legs.iter().filter(|leg| matches!(leg.to, Goal::Server(_))).count()
}

/// What `affected` leaves out: no sentence there holds all of some names.
fn untold(plan: &Plan, names: &[&str]) -> Option<String> {
    let names: Vec<String> =
        names.iter().map(|name| format!("`{}`", name.to_ascii_lowercase())).collect();
    let is_told = |text: &String| {
        let text = text.to_ascii_lowercase();
        names.iter().all(|name| text.contains(name.as_str()))
    };
    (!plan.affected.iter().any(is_told))
        .then(|| format!("`affected` does not tell of {}", names.join(" and ")))
}

/// What is wrong with a sentence of `affected`: it names what is nowhere, a subnet of another group, or a flow that does not break.
fn made_up(judge: &Judge<'_>, after: &World, line: &str) -> Option<String> {
    let names: Vec<String> =
        line.split('`').skip(1).step_by(2).map(str::to_ascii_lowercase).collect();
    if line.trim().is_empty() {
        return Some("a line of `affected` says nothing".to_owned());
    }
    let is_nowhere = |name: &&String| !is_named(judge.world, name) && !is_named(after, name);
    if let Some(name) = names.iter().find(is_nowhere) {
        return Some(format!("`affected` tells of `{name}`, which is nowhere in the estate"));
    }
    let groups = || {
        let rules = judge.plan.changes.iter().filter_map(|change| id_of(&change.request));
        rules.filter(|id| id.is_type(RULES)).filter_map(|id| id.parent())
    };
    let shares = |name: &String| {
        let mut all =
            groups().flat_map(|group| users(judge.world, "networkSecurityGroup", &group.key()));
        all.any(|subnet| last_name(&subnet) == name)
    };
    if line.ends_with(SHARES) && !names.iter().any(shares) {
        return Some(format!("\"{line}\", and no rule of such a group is changed"));
    }
    let breaks = |subnet: &String, server: &String| {
        let mut all = judge.plan.broken.iter();
        all.any(|(from, to)| last_name(from) == subnet && last_name(to) == server)
    };
    match names.as_slice() {
        [subnets @ .., _, server]
            if line.contains(" reaching `") && !subnets.iter().all(|one| breaks(one, server)) =>
        {
            Some(format!("\"{line}\", and `broken` does not hold it"))
        }
        _ => None,
    }
}

/// Whether a world knows a name: as a part of an id, or as a word in a body.
fn is_named(world: &World, name: &str) -> bool {
    world.bodies().any(|(key, _)| key.split('/').any(|part| part == name))
        || world.bodies().any(|(_, body)| says(body, name))
}

fn says(body: &Value, name: &str) -> bool {
    match body {
        Value::String(word) => {
            let word = word.to_ascii_lowercase();
            word.trim_end_matches('.') == name.trim_end_matches('.') || last_name(&word) == name
        }
        Value::Array(items) => items.iter().any(|item| says(item, name)),
        Value::Object(fields) => fields.values().any(|item| says(item, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

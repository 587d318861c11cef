//! Whether what a plan says of each change is what its request says: kind, resource, look, rights, interruptions and flows.

use serde_json::Value;

use super::super::apply::Request;
use super::super::world::{World, text};
use super::affected;
use super::opened::{Opened, count};
use super::price::{Opens, id_of, opens, price};
use super::read::{Change, EDITS, EXPOSED, FIELDS, INTERRUPTIONS, NEW_ENDPOINTS, PRIVILEGE};
use super::settings::body_of;
use super::{Check, Judge, summed};

/// What plans call a request, by its method and the type of what it writes.
const KINDS: [(&str, &str, &[&str]); 26] = [
    ("DELETE", "microsoft.dbforpostgresql/servers/virtualnetworkrules", &["delete-vnet-rule"]),
    ("DELETE", "microsoft.network/dnsforwardingrulesets/virtualnetworklinks", &["unlink-ruleset"]),
    ("DELETE", "microsoft.network/privatednszones/virtualnetworklinks", &["unlink-zone"]),
    ("DELETE", "microsoft.network/privateendpoints", &["delete-endpoint"]),
    ("DELETE", "microsoft.network/routetables/routes", &["delete-route"]),
    ("DELETE", "microsoft.network/virtualnetworks/virtualnetworkpeerings", &["delete-peering"]),
    ("PATCH", "microsoft.network/dnsforwardingrulesets/forwardingrules", &["switch-off-rule"]),
    ("PATCH", "microsoft.network/privatednszones/virtualnetworklinks", &["redirect-missing-names"]),
    ("PUT", "microsoft.dbforpostgresql/flexibleservers/firewallrules", &["add-firewall-rule"]),
    (
        "PUT",
        "microsoft.dbforpostgresql/flexibleservers/privateendpointconnections",
        &["approve-endpoint"],
    ),
    ("PUT", "microsoft.dbforpostgresql/servers/firewallrules", &["add-firewall-rule"]),
    ("PUT", "microsoft.dbforpostgresql/servers/privateendpointconnections", &["approve-endpoint"]),
    ("PUT", "microsoft.dbforpostgresql/servers/virtualnetworkrules", &["add-vnet-rule"]),
    ("PUT", "microsoft.network/azurefirewalls", &["allow-at-firewall"]),
    ("PUT", "microsoft.network/dnsforwardingrulesets/virtualnetworklinks", &["link-ruleset"]),
    ("PUT", "microsoft.network/firewallpolicies/rulecollectiongroups", &["allow-at-firewall"]),
    ("PUT", "microsoft.network/networkinterfaces", &["turn-on-forwarding"]),
    ("PUT", "microsoft.network/networksecuritygroups/securityrules", &["add-rule", "move-rule"]),
    ("PUT", "microsoft.network/privatednszones", &["create-zone"]),
    ("PUT", "microsoft.network/privatednszones/a", &["set-record"]),
    ("PUT", "microsoft.network/privatednszones/virtualnetworklinks", &["link-zone"]),
    ("PUT", "microsoft.network/privateendpoints", &["create-endpoint"]),
    ("PUT", "microsoft.network/privateendpoints/privatednszonegroups", &["attach-zone"]),
    ("PUT", "microsoft.network/routetables", &["create-route-table", "let-gateway-routes-in"]),
    ("PUT", "microsoft.network/routetables/routes", &["add-route", "set-next-hop"]),
    (
        "PUT",
        "microsoft.network/virtualnetworks/subnets",
        &["attach-nat-gateway", "bind-route-table", "create-subnet", "turn-on-service-endpoint"],
    ),
];

/// A half of a peering.
pub(super) const HALF: &str = "microsoft.network/virtualnetworks/virtualnetworkpeerings";

/// What plans call a request that writes a half of a peering.
const OF_HALVES: [&str; 5] = [
    "add-peered-subnets",
    "allow-peering-access",
    "create-peering",
    "set-peering-flag",
    "sync-peering",
];

pub(super) fn check(judge: &Judge<'_>) -> Check {
    let mut wrong = Vec::new();
    let plan = judge.plan;
    wrong.extend(misnamed(judge, &plan.changes));
    for change in &plan.changes {
        if plan.forbidden.iter().any(|kind| kind.eq_ignore_ascii_case(&change.kind)) {
            wrong.push(format!("\"{}\": the plan says that its kind was forbidden", change.title));
        }
    }
    for change in &plan.catalogue {
        for why in costs(&ground(judge, &change.request), change) {
            wrong.push(format!("\"{}\": {why}", change.title));
        }
    }
    wrong.extend(affected::wrong(judge));
    if plan.exposure.iter().any(|text| text.trim().is_empty()) {
        wrong.push("a flow of `exposure` is not named".to_owned());
    }
    let good = "what is said of each change is what its request says".to_owned();
    summed("claims", &wrong, &[], good)
}

/// What is wrong with the words about some changes.
pub(super) fn misnamed(judge: &Judge<'_>, changes: &[Change]) -> Vec<String> {
    let of = |change: &Change| {
        let all = told(&ground(judge, &change.request), change).into_iter().flatten();
        all.map(|why| format!("\"{}\": {why}", change.title)).collect::<Vec<_>>()
    };
    changes.iter().flat_map(of).collect()
}

/// The world that a request meets: what the plan makes anew is deleted first.
pub(super) fn ground(judge: &Judge<'_>, request: &Request) -> World {
    let mut world = judge.world.clone();
    let all = judge.plan.changes.iter().chain(&judge.plan.catalogue).map(|one| &one.request);
    let is_first = |one: &&Request| {
        one.method == "DELETE" && request.method == "PUT" && id_of(one) == id_of(request)
    };
    for one in all.filter(is_first).take(1) {
        one.apply(&mut world);
    }
    world
}

/// What is wrong with the words about a change.
fn told(world: &World, change: &Change) -> [Option<String>; 4] {
    let request = &change.request;
    let Some(id) = id_of(request) else { return [const { None }; 4] };
    let kind = id.resource_type();
    let known = KINDS.iter().find(|(method, of, _)| *method == request.method && *of == kind);
    let known = known.map_or(&[][..], |(.., kinds)| kinds);
    let is_half = request.method == "PUT" && kind == HALF;
    let known = if is_half { &OF_HALVES[..] } else { known };
    let is_named = known.contains(&change.kind.as_str());
    let is_there = change.resource.to_ascii_lowercase() == id.key();
    let interrupts = price(world, request).is_some_and(|cost| cost[INTERRUPTIONS] > 0);
    let is_told = change.downtime.starts_with("none") != interrupts && !change.downtime.is_empty();
    let needs_look = needs_look(world, request, interrupts);
    [
        (!is_named).then(|| format!("its request is no `{}`", change.kind)),
        (!is_there).then(|| "`resource` is not what its request writes".to_owned()),
        (!is_told).then(|| format!("`downtime` is said to be \"{}\"", change.downtime)),
        (needs_look && change.safety != "review")
            .then(|| "it touches more than it mends, and is said to be safe".to_owned()),
    ]
}

/// Whether a request touches, by what it is, more than the flow that it is made for.
fn needs_look(world: &World, request: &Request, interrupts: bool) -> bool {
    let Some(id) = id_of(request) else { return true };
    let is_open = || match opens(world, request) {
        Opens::This(flows) => !flows.is_empty(),
        Opens::AtLeast(_) | Opens::Unread => true,
    };
    match (request.method.as_str(), id.resource_type().as_str()) {
        _ if interrupts => true,
        ("DELETE", kind) => kind != HALF,
        ("PUT", HALF) => is_open(),
        (
            "PUT",
            "microsoft.network/networkinterfaces"
            | "microsoft.network/privateendpoints"
            | "microsoft.network/dnsforwardingrulesets/virtualnetworklinks",
        ) => true,
        ("PUT", "microsoft.network/routetables" | "microsoft.network/virtualnetworks/subnets") => {
            body_of(world, &id.key()).is_some()
        }
        ("PUT", _) => redirects(&request.body),
        _ => true,
    }
}

/// Whether names that a zone lacks are asked for publicly.
fn redirects(link: &Value) -> bool {
    text(link, &["properties", "resolutionPolicy"])
        .is_some_and(|policy| policy.eq_ignore_ascii_case("NxDomainRedirect"))
}

/// What is wrong with the cost of a change.
fn costs(world: &World, change: &Change) -> Vec<String> {
    let mut wrong = Vec::new();
    let (Some(stated), Some(flows)) = (change.cost, &change.opens) else { return wrong };
    if let Some(own) = price(world, &change.request) {
        for field in [NEW_ENDPOINTS, PRIVILEGE, INTERRUPTIONS, EDITS] {
            if stated[field] != own[field] {
                let (name, is, told) = (FIELDS[field], own[field], stated[field]);
                wrong.push(format!("`{name}` is {is}, and the plan says {told}"));
            }
        }
    }
    let number = |flows: &[Opened]| count(&flows.iter().collect::<Vec<_>>());
    let told = number(flows);
    if stated[EXPOSED] != told {
        let exposed = stated[EXPOSED];
        wrong.push(format!("`exposed_flows` is {exposed}, and `opens` holds {told}"));
    }
    let (is, is_so) = match opens(world, &change.request) {
        Opens::This(own) => (number(&own), number(&own) == told),
        Opens::AtLeast(own) => (number(&own), number(&own) <= told),
        Opens::Unread => (0, true),
    };
    if !is_so {
        wrong.push(format!("its request lets {is} flows through, and the plan says {told}"));
    }
    wrong
}

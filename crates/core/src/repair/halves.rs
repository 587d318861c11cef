//! Edits of one half of a peering or of a link that the plan makes, and the order of changes. Each request sends the whole resource, so
//! that what a plan changes there is one request.

use serde_json::{Value, json};

use super::cost::Cost;
use super::sets::Met;
use crate::change::{
    Change, Edit, NETWORK_API, Request, Safety, dns, filter, opening, route, subnet, whole_body,
};
use crate::estate::Estate;
use crate::id::ResourceId;

/// Asks Azure to read the remote address space again.
const SYNC: &str = "&syncRemoteAddressSpace=true";

/// Fields that Azure sets itself when it does.
const TOLD: [&str; 2] = ["remoteAddressSpace", "peeringSyncLevel"];

/// The half that a change edits and its new fields; `None` for other changes, and for halves that the plan itself makes.
fn edit<'c>(estate: &Estate, change: &'c Change) -> Option<(&'c ResourceId, &'c Value)> {
    let [Edit::Patch(id, fields)] = change.edits.as_slice() else { return None };
    let is_half = id.is_type("microsoft.network/virtualnetworks/virtualnetworkpeerings");
    (is_half && *id == change.resource && estate.resource(id).is_some()).then_some((id, fields))
}

/// The change by itself: its request says nothing of other edits of the half that were made when it was thought of.
pub(super) fn alone(estate: &Estate, change: &Change) -> Change {
    if let Some(moved) = filter::moved_from_here(estate, change).filter(|_| moves_rule(change)) {
        return moved;
    }
    let exposure = opening::from_here(estate, change);
    let exposure = exposure.unwrap_or_else(|| change.exposure.clone());
    let change = Change { exposure, ..change.clone() };
    match edit(estate, &change) {
        Some(_) => together(estate, &change, &[]),
        None => change,
    }
}

/// Whether a change edits what the plan itself makes: the request for that says all at once.
pub(super) fn edits_its_own(estate: &Estate, change: &Change) -> bool {
    match change.kind {
        "set-peering-flag" => estate.resource(&change.resource).is_none(),
        "delete-route" | "set-next-hop" => !route::stands(estate, &change.resource),
        _ => false,
    }
}

/// Whether another change of a set moves the same rule on: the later one says where it goes.
pub(super) fn is_moved_on(change: &Met, later: &[Met]) -> bool {
    let moves_it = |one: &Met| moves_rule(one) && one.resource == change.resource && one != change;
    moves_rule(change) && later.iter().any(moves_it)
}

fn moves_rule(change: &Change) -> bool {
    change.kind == "move-rule"
}

/// Changes with all edits of a half in one, where the first of them stood; what has to wait for the others comes last.
pub(super) fn merged(estate: &Estate, changes: &[Met]) -> Vec<Change> {
    let mut merged = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let Some((half, _)) = edit(estate, change) else {
            merged.push(Change::clone(change));
            continue;
        };
        let is_alike = |other: &&Met| edit(estate, other).is_some_and(|(own, _)| own == half);
        if !changes[..index].iter().any(|other| is_alike(&other)) {
            let rest = changes[index + 1..].iter().filter(is_alike);
            let rest: Vec<&Change> = rest.map(|one| &**one).collect();
            merged.push(together(estate, change, &rest));
        }
    }
    fold_redirects(&mut merged);
    for change in merged.iter_mut().filter(|one| sends_table(one)) {
        // It was thought of when other edits of the table were made, which are requests of their own.
        *change = route::let_gateway_routes_in(estate, &change.resource);
    }
    merged.sort_by_key(|change| (waits(change), !sends_table(change)));
    send_subnets_in_turn(estate, &mut merged);
    merged
}

/// What changes cost when they are [`merged`].
pub(super) fn cost(estate: &Estate, changes: &[Met]) -> Cost {
    // All else is only put in another order.
    let is_apart = |index: usize, one: &Met| {
        let is_alike = |other: &Met| other.resource == one.resource;
        !sends_table(one) && !changes[..index].iter().any(is_alike)
    };
    match changes.iter().enumerate().all(|(index, one)| is_apart(index, one)) {
        true => Cost::of(changes.iter().map(|one| &**one)),
        false => Cost::of(&merged(estate, changes)),
    }
}

/// Changes of one subnet were thought of in another order than that in which they are made: each sends what those before it left.
fn send_subnets_in_turn(estate: &Estate, changes: &mut [Change]) {
    let subnet = |change: &Change| match change.edits.as_slice() {
        [Edit::Patch(id, _)] if *id == change.resource => subnet::is_subnet(id).then(|| id.clone()),
        _ => None,
    };
    let all: Vec<ResourceId> = changes.iter().filter_map(subnet).collect();
    let is_shared = |id: &ResourceId| all.iter().filter(|one| *one == id).count() > 1;
    if !all.iter().any(is_shared) {
        return;
    }
    let mut now = estate.clone();
    for change in changes {
        if subnet(change).is_some_and(|id| is_shared(&id)) {
            *change = subnet::sent_after(&now, change);
        }
        now = change.apply(&now);
    }
}

/// Whether a change sends a whole route table, as it was before the plan: routes are taken out after it.
fn sends_table(change: &Change) -> bool {
    change.kind == "let-gateway-routes-in"
}

/// A link that the plan makes redirects from the start: in between, names that its zone lacks would be denied.
fn fold_redirects(changes: &mut Vec<Change>) {
    let is_redirect = |change: &Change| change.kind == "redirect-missing-names";
    let redirects: Vec<Change> =
        changes.iter().filter(|change| is_redirect(change)).cloned().collect();
    for redirect in redirects {
        let makes =
            |one: &&mut Change| one.kind == "link-zone" && one.resource == redirect.resource;
        let Some(link) = changes.iter_mut().find(makes) else { continue };
        let is_done = link.request.body["properties"]["resolutionPolicy"] == dns::REDIRECT;
        if is_done {
            changes.retain(|one| !(is_redirect(one) && one.resource == redirect.resource));
            continue;
        }
        let [Edit::PutInZone(_, simulated)] = link.edits.as_mut_slice() else { continue };
        for body in [simulated, &mut link.request.body] {
            body["properties"]["resolutionPolicy"] = json!(dns::REDIRECT);
        }
        if let Some(command) = link.az.last_mut() {
            command.push_str(dns::REDIRECT_FLAG);
        }
        link.title.push_str(dns::REDIRECTS);
        link.safety = redirect.safety;
        link.affected = redirect.affected;
        changes.retain(|one| !(is_redirect(one) && one.resource == redirect.resource));
    }
}

/// Whether a change waits for others: Azure lets no network use a gateway that is not lent yet, and a service endpoint without its VNet
/// rule shuts the subnet out.
fn waits(change: &Change) -> bool {
    let uses_gateway = |edit: &Edit| match edit {
        Edit::Patch(_, fields) => fields["useRemoteGateways"] == true,
        Edit::Create(_, body, _) => body["properties"]["useRemoteGateways"] == true,
        _ => false,
    };
    change.kind == "turn-on-service-endpoint" || change.edits.iter().any(uses_gateway)
}

/// One change for one or several edits of a half.
fn together(estate: &Estate, first: &Change, rest: &[&Change]) -> Change {
    let half = &first.resource;
    let parts = || std::iter::once(first).chain(rest.iter().copied());
    let (mut fields, mut sent, mut before) = (json!({}), json!({}), json!({}));
    for (_, patch) in parts().filter_map(|one| edit(estate, one)) {
        for (name, value) in patch.as_object().into_iter().flatten() {
            fields[name] = value.clone();
            if !TOLD.contains(&name.as_str()) {
                sent[name] = value.clone();
            }
            if value.is_boolean() {
                before[name] = json!(false);
            }
        }
    }
    let put = |fields: Value| Request::put(half, NETWORK_API, whole_body(estate, half, fields));
    let mut request = put(sent);
    if parts().any(|one| one.request.path.ends_with(SYNC)) {
        request.path.push_str(SYNC);
    }
    let mut whole = Change {
        title: parts().map(|one| one.title.as_str()).collect::<Vec<_>>().join(", and "),
        request,
        inverse: parts().all(|one| one.inverse.is_some()).then(|| put(before)),
        edits: vec![Edit::Patch(half.clone(), fields)],
        ..first.clone()
    };
    for part in rest {
        // All begin with the choice of the subscription.
        whole.az.extend(part.az.iter().filter(|line| !first.az.contains(line)).cloned());
        whole.exposure.extend(part.exposure.iter().cloned());
        whole.affected.extend(part.affected.iter().cloned());
        whole.safety = if whole.safety == part.safety { part.safety } else { Safety::Review };
    }
    whole
}

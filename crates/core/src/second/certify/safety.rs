//! What the changes do to other flows, from every subnet to every server.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::verdict::{Answer, Blocker, Verdict};
use super::super::world::{World, flag, last_name, list, network_of, reference, text, texts};
use super::super::{ask_client, door, sender};
use super::read::{BROKEN_FLOWS, Change, EXPOSED, Goal, PORT, Plan};
use super::{Bounds, Check, Judge, State, count, reasons, summed};

/// A flow: subnet or interface, and server.
type Flow = (String, String);

/// Flows that worked before.
#[derive(Default)]
pub(super) struct Broken {
    /// They do not any more.
    pub(super) surely: Vec<Flow>,
    /// It is not known whether they still do.
    pub(super) doubtful: Vec<Flow>,
    /// It was not known whether they worked, and something about them changes.
    pub(super) unknown: Vec<Flow>,
    /// They were closed, and work.
    opened: Vec<Flow>,
    judged: usize,
    pub(super) is_cut: bool,
}

impl Broken {
    /// How many flows a plan would count, at least and at most, beside those of which it says that nobody knows.
    pub(super) fn range(&self, plan: &Plan) -> (usize, usize) {
        let is_new = |flow: &&Flow| !plan.disputed.contains(flow) && !plan.doubtful.contains(flow);
        let count = |flows: &[Flow]| flows.iter().filter(is_new).count();
        let least = self.surely.len() + count(&self.doubtful);
        (least, least + count(&self.unknown))
    }
}

const SERVERS: [&str; 2] =
    ["microsoft.dbforpostgresql/servers", "microsoft.dbforpostgresql/flexibleservers"];

/// Subnets in which no client stands.
const SPECIAL: [&str; 4] =
    ["gatewaysubnet", "azurefirewallsubnet", "azurebastionsubnet", "routeserversubnet"];

/// What documents disagree about, so that a plan may leave it open.
const DISPUTE: &str = "the effect of rule 0.0.0.0";

/// Judges every flow before and after, but the one that the plan is about.
pub(super) fn look(judge: &Judge<'_>, after: &World, bounds: Bounds) -> Broken {
    scan(judge, after, bounds, false)
}

/// The same, with what is opened, where that is wanted.
fn scan(judge: &Judge<'_>, after: &World, bounds: Bounds, wants_opened: bool) -> Broken {
    let before = judge.world;
    let servers: Vec<&str> =
        SERVERS.iter().flat_map(|kind| before.all(kind)).map(|(key, _)| key).collect();
    let mut broken = Broken::default();
    let subnets = before.all("microsoft.network/virtualnetworks/subnets");
    let silent = silent(before);
    let sends = |key: &str| !SPECIAL.contains(&last_name(key)) && !silent.contains(key);
    let subnets = subnets.map(|(key, _)| key).filter(|key| sends(key));
    let machines = before.all("microsoft.network/networkinterfaces");
    let machines = machines.filter(|(_, body)| has_public_address(before, body));
    for subnet in subnets.chain(machines.map(|(key, _)| key)) {
        for server in &servers {
            if is_own(before, subnet, server) || is_asked(judge, subnet, server) {
                continue;
            }
            if broken.judged >= bounds.flows_max {
                broken.is_cut = true;
                return broken;
            }
            broken.judged += 1;
            let was = ask_client(before, subnet, server, PORT);
            let was_closed = matches!(was.verdict, Verdict::Unreachable | Verdict::Partial);
            if was_closed && !wants_opened {
                continue;
            }
            let is = ask_client(after, subnet, server, PORT);
            let flow = (subnet.to_owned(), (*server).to_owned());
            match (was.verdict, is.verdict) {
                (_, Verdict::Reachable) if was_closed => broken.opened.push(flow),
                _ if was_closed => {}
                (_, Verdict::Reachable) => {}
                (Verdict::Reachable, Verdict::Undetermined) => broken.doubtful.push(flow),
                (Verdict::Reachable, _) => broken.surely.push(flow),
                (_, _) if is_no_worse(&was, &is) => {}
                (_, _) => broken.unknown.push(flow),
            }
        }
    }
    broken
}

/// Whether a machine comes to front doors with an address of its own, or with a NAT gateway's.
fn has_public_address(world: &World, interface: &Value) -> bool {
    let all = list(interface, &["properties", "ipConfigurations"]).unwrap_or(&[]);
    let first = all.iter().find(|one| flag(one, &["properties", "primary"]) == Some(true));
    let Some(inner) = first.or(all.first()).and_then(|one| one.get("properties")) else {
        return false;
    };
    let place = reference(inner, &["subnet", "id"]);
    let has_nat = |subnet: &String| {
        world
            .body(subnet)
            .is_some_and(|body| reference(body, &["properties", "natGateway", "id"]).is_some())
    };
    text(interface, &["properties", "privateEndpoint", "id"]).is_none()
        && (reference(inner, &["publicIPAddress", "id"]).is_some()
            || place.as_ref().is_some_and(has_nat))
}

/// Subnets of private endpoints and of nothing else, which nobody dials from: by what is said to be in them, or by their names and the
/// interfaces that are known.
fn silent(world: &World) -> BTreeSet<String> {
    let place = |body: &Value| reference(body, &["properties", "subnet", "id"]);
    let endpoints = world.all("microsoft.network/privateendpoints");
    let mut silent: BTreeSet<String> = endpoints.filter_map(|(_, body)| place(body)).collect();
    let interfaces: Vec<_> = world.all("microsoft.network/networkinterfaces").collect();
    let serves = |body: &Value| text(body, &["properties", "privateEndpoint", "id"]).is_some();
    let mut others = BTreeSet::new();
    for (_, body) in interfaces.iter().filter(|(_, body)| !serves(body)) {
        let all = list(body, &["properties", "ipConfigurations"]).unwrap_or(&[]);
        others.extend(all.iter().filter_map(place));
    }
    let is_endpoints = |configuration: &Value| {
        let id = reference(configuration, &["id"]).unwrap_or_default();
        let owner = id.split("/ipconfigurations/").next().unwrap_or("").to_owned();
        world.body(&owner).is_some_and(serves)
    };
    silent.retain(|key| {
        let Some(body) = world.body(key) else { return false };
        let holds = |field: &str| !list(body, &["properties", field]).unwrap_or(&[]).is_empty();
        let is_taken = ["delegations", "serviceAssociationLinks", "resourceNavigationLinks"];
        let words = last_name(key).replace(|letter: char| !letter.is_ascii_alphanumeric(), " ");
        let is_named = last_name(key).contains("endpoint")
            || words.replace(' ', "").contains("privatelink")
            || words.split(' ').any(|word| ["pe", "pep", "peps", "plink"].contains(&word));
        !is_taken.into_iter().any(holds)
            && match list(body, &["properties", "ipConfigurations"]) {
                Some(all) => all.iter().all(is_endpoints),
                None => is_named && !others.contains(key),
            }
    });
    silent
}

/// Whether nothing stands in the way that did not stand there before.
fn is_no_worse(was: &Answer, is: &Answer) -> bool {
    let stood = |one| was.blockers.iter().flat_map(Blocker::deciders).any(|other| other.is(one));
    is.blockers.iter().flat_map(Blocker::deciders).all(stood)
        && is.unknowns.iter().all(|one| was.unknowns.contains(one))
}

fn is_own(world: &World, subnet: &str, server: &str) -> bool {
    // The neighbours of a relay host are others.
    !sender::is_interface(server)
        && door::delegated_subnet(world, server).ok().flatten().as_deref() == Some(subnet)
}

fn is_asked(judge: &Judge<'_>, subnet: &str, server: &str) -> bool {
    judge.plan.legs.iter().any(|leg| match &leg.to {
        Goal::Server(goal) => {
            let copier = leg.copier.key();
            goal.key() == server && (*copier == *subnet || is_own(judge.world, subnet, &copier))
        }
        Goal::Machine(_) => false,
    })
}

/// Whether a world breaks more flows than the plan says of itself; and no fewer than is `told` of it.
pub(super) fn is_worse(
    judge: &Judge<'_>,
    after: &World,
    told: Option<u64>,
    bounds: Bounds,
) -> State {
    let found = look(judge, after, bounds);
    let claimed = judge.plan.broken.len();
    let (_, most) = found.range(judge.plan);
    match () {
        () if told.is_some_and(|told| (told as usize) < found.surely.len()) => State::Fails,
        () if found.surely.len() > claimed => State::Holds,
        () if found.is_cut || most > claimed => State::CouldNotTell,
        () => State::Fails,
    }
}

pub(super) fn check(judge: &Judge<'_>, after: &World, bounds: Bounds) -> Check {
    let found = scan(judge, after, bounds, true);
    let (mut wrong, mut open) = (Vec::new(), Vec::new());
    let claimed = &judge.plan.broken;
    let unclaimed = |flow: &&Flow| !claimed.contains(flow);
    for flow in found.surely.iter().filter(unclaimed) {
        wrong.push(format!("{} stops working, and the plan does not say so", words(flow)));
    }
    let disputed = &judge.plan.disputed;
    let is_dispute = |flow: &&Flow| {
        let unknowns = ask_client(after, &flow.0, &flow.1, PORT).unknowns;
        disputed.contains(flow) && unknowns.iter().all(|one| one.contains(DISPUTE))
    };
    let doubtful = found.doubtful.iter().filter(|flow| !is_dispute(flow));
    let told = &judge.plan.doubtful;
    let unknown = found.unknown.iter().filter(|flow| !told.contains(flow));
    for flow in doubtful.chain(unknown).filter(unclaimed) {
        let why = reasons(&[ask_client(after, &flow.0, &flow.1, PORT)]);
        open.push(format!("whether {} still works: {why}", words(flow)));
    }
    for flow in disputed.iter().filter(|flow| !found.doubtful.contains(flow) && !found.is_cut) {
        wrong.push(format!("of {} no document disagrees, as the plan says", words(flow)));
    }
    for flow in told.iter().filter(|flow| !found.unknown.contains(flow) && !found.is_cut) {
        let was = ask_client(judge.world, &flow.0, &flow.1, PORT);
        if was.verdict != Verdict::Undetermined || judge.world.body(&flow.1).is_none() {
            wrong.push(format!("{} was not in doubt, as the plan says", words(flow)));
        }
    }
    let opened = &judge.plan.opened;
    for flow in opened.iter().filter(|flow| !found.opened.contains(flow) && !found.is_cut) {
        let verdict = |world| ask_client(world, &flow.0, &flow.1, PORT).verdict;
        let is_shut = matches!(verdict(after), Verdict::Unreachable | Verdict::Partial);
        let has_ends = [&flow.0, &flow.1].into_iter().all(|end| after.body(end).is_some());
        if !has_ends || verdict(judge.world) == Verdict::Reachable || is_shut {
            wrong.push(format!("{} is not opened, as the plan says", words(flow)));
        }
    }
    for flow in claimed {
        if found.unknown.contains(flow) {
            let why = reasons(&[ask_client(judge.world, &flow.0, &flow.1, PORT)]);
            open.push(format!("whether {} worked before: {why}", words(flow)));
        } else if !found.surely.contains(flow) && !found.doubtful.contains(flow) {
            match found.is_cut {
                true => open.push(format!("whether {} breaks", words(flow))),
                false => wrong.push(format!("{} does not break, as the plan says", words(flow))),
            }
        }
    }
    let stated = judge.plan.cost.map_or(0, |cost| cost[BROKEN_FLOWS]);
    if stated != claimed.len() as u128 {
        let listed = count(claimed.len(), "broken flow");
        wrong.push(format!("`broken_flows` is {stated}, and the plan lists {listed}"));
    }
    if found.is_cut {
        open.push(format!("only {} were judged", count(found.judged, "flow")));
    }
    if judge.plan.is_cut {
        open.push("the plan says that it did not look at every flow".to_owned());
    }
    wrong.extend(judge.plan.changes.iter().filter_map(too_wide));
    let let_through = judge.plan.changes.iter().filter(|change| exposes(judge, change)).count();
    if judge.plan.exposure.len() < let_through {
        let named = judge.plan.exposure.len();
        wrong.push(format!(
            "{} something through, and `exposure` names {named}",
            count(let_through, "change let")
        ));
    }
    let flows = count(found.judged, "other flow");
    let mut good = match claimed.len() {
        0 if found.judged == 0 => {
            "nothing: no other flow of the estate meets the changes".to_owned()
        }
        0 => format!("nothing: none of {flows} stops working"),
        some => format!("of {flows}, exactly the {some} that the plan lists stop working"),
    };
    if !told.is_empty() {
        let flows = count(told.len(), "flow");
        good.push_str(&format!("; whether {flows} did is not known, as the plan says"));
    }
    summed("safety", &wrong, &open, good)
}

/// Whether the catalogue says that a change lets something through.
fn exposes(judge: &Judge<'_>, change: &Change) -> bool {
    let is_it = |one: &&Change| one.request == change.request;
    let known = judge.plan.catalogue.iter().find(is_it);
    known.and_then(|one| one.cost).is_some_and(|cost| cost[EXPOSED] > 0)
}

/// What is wrong with a rule that lets everybody through, or to every port.
fn too_wide(change: &Change) -> Option<String> {
    let rule = &change.request.body["properties"];
    let is_new = change.kind == "add-rule" && text(rule, &["access"]) == Some("Allow");
    let ends = ["sourceAddressPrefix", "destinationAddressPrefix"];
    let lists = ["sourceAddressPrefixes", "destinationAddressPrefixes"];
    let all = ends.iter().filter_map(|end| text(rule, &[end]));
    let all = all.chain(lists.iter().flat_map(|list| texts(rule, &[list])));
    let is_open = all.into_iter().any(|one| {
        let is_word = ["*", "any", "internet"].iter().any(|word| one.eq_ignore_ascii_case(word));
        is_word || one.ends_with("/0")
    });
    let is_one_port =
        text(rule, &["destinationPortRange"]).is_some_and(|port| port.parse::<u16>().is_ok());
    (is_new && (is_open || !is_one_port))
        .then(|| format!("\"{}\" lets more through than one flow", change.title))
}

fn words(flow: &Flow) -> String {
    if sender::is_interface(&flow.0) {
        return format!("interface `{}` to `{}`", last_name(&flow.0), last_name(&flow.1));
    }
    let network = last_name(network_of(&flow.0));
    format!("subnet `{}` of `{network}` to `{}`", last_name(&flow.0), last_name(&flow.1))
}

//! Which rules and routes drop packets: both readings have to name the same ones.
//!
//! The analyser goes one way: that onto which the name leads, or the one that is meant. The second reading is asked for that very way,
//! whatever it makes of the name. Then:
//!
//! - A rule or a route at a dropping step drops packets by the second reading as well, at the same gate and in the same direction. So
//!   does one that a finding stands at.
//! - A gate that the second reading finds closed whichever way of several packets take has a dropping step that names what decides. Where
//!   one of two does, and nobody knows which, either will do.
//!
//! What is not comparable:
//!
//! - A gate that the analyser leaves open names nothing. Nor does one that it does not look at, since what it stands in was not observed.
//! - Where it is not known that the networks are joined, the analyser says what rules and routes do once they are, and the second reading
//!   takes things as they are: Azure's own route to nowhere decides, or a user's that a peering's would beat. Then what the analyser names
//!   may drop packets with a peering, and what it has to name drops them with one and without. Findings are told in the same way: as what
//!   stays once another fault is mended.
//! - Behind a firewall that denies, the analyser goes on as if it did not: what it names may drop packets that a firewall lets pass. That
//!   such a firewall sees half of a connection it says of the route to it, the second reading where the answers take another one.

use flexway_core::diagnose::Report;
use flexway_core::finding::{Certainty, Finding, Severity};
use flexway_core::id::ResourceId;
use flexway_core::second::{Answer, Blocker, Closed, World, closed_on};
use flexway_core::trace;
use flexway_core::trace::leg::{Leg, Way};
use flexway_core::trace::route::Routed;
use flexway_core::trace::step::{Fact, Outcome, Stage, Step};
use serde_json::{Value, json};

use crate::generate::{Case, TARGET, id, network};

/// Gates that rules and routes stand at, in the second reading's words.
const GATES: [(Stage, &str); 4] = [
    (Stage::FilterOut, "outbound"),
    (Stage::FilterIn, "inbound"),
    (Stage::Route, "route"),
    (Stage::Return, "return"),
];

/// What is neither a rule nor a route: a private subnet, and a peering with a third network that has the address as well.
const OTHERS: [&str; 2] = ["defaultOutboundAccess", "another network"];

/// Faults that stand at what drops the packets.
const AT_WHAT_DROPS: [&str; 6] = [
    "filter/admin-rule-denied",
    "filter/endpoint-subnet-denied",
    "filter/inbound-denied",
    "filter/outbound-denied",
    "route/blackhole",
    "route/return-asymmetric",
];

/// What came of comparisons.
#[derive(Default)]
pub(crate) struct Compared {
    /// Rules and routes that both readings name.
    pub(crate) same: usize,
    /// In words, those that one of them does.
    wrong: Vec<String>,
}

/// The flows of a copier in one world.
struct Flows<'c> {
    case: &'c Case,
    copier: ResourceId,
    world: World,
    /// The world with a peering that joins the two networks.
    joined: World,
    /// The world without meshes: that one may join two networks counts for the analyser only where no peering does.
    unmeshed: World,
    /// The world without routes of users.
    unrouted: World,
    /// The world in which rules of firewalls let everything pass.
    opened: World,
}

/// One of them, and a way of it.
type Flow<'f> = (&'f ResourceId, u16, &'f Leg);

fn gate(stage: Stage) -> Option<&'static str> {
    GATES.iter().find(|(one, _)| *one == stage).map(|(_, word)| *word)
}

fn counts(one: &Blocker) -> bool {
    // Answers may be lost at a peering, too.
    if one.resource.contains("/virtualnetworkpeerings/") {
        return false;
    }
    let is_other = one.name.as_deref().is_some_and(|name| OTHERS.contains(&name));
    !is_other && GATES.iter().any(|(_, word)| *word == one.stage)
}

fn holds(all: &[Blocker], one: &Blocker) -> bool {
    all.iter().flat_map(Blocker::deciders).any(|other| other.is(one))
}

impl Compared {
    /// What is wrong in so many worlds; of many, each tenth at least has something to compare.
    pub(crate) fn wrong_of(self, worlds: u64) -> Vec<String> {
        let same = self.same as u64;
        assert!(worlds < 1_000 || same > worlds / 10, "{same} rules and routes of {worlds} worlds");
        self.wrong
    }

    /// Compares what the two readings say of a world; most worlds have nothing to compare.
    pub(crate) fn add(
        &mut self,
        seed: u64,
        case: &Case,
        world: fn(&Case) -> World,
        (report, answer): (&Report, &Answer),
    ) {
        let closes = |step: &Step| step.outcome == Outcome::Drop && gate(step.stage).is_some();
        let mut steps = report.steps();
        if !steps.any(closes) && !answer.blockers.iter().any(counts) {
            return;
        }
        let before = self.wrong.len();
        let copier = id(case.copier.as_deref().unwrap_or(TARGET));
        let [joined, unmeshed, unrouted, opened] =
            [joined, without_meshes, without_routes, opened].map(|change| world(&change(case)));
        let flows = Flows { case, copier, world: world(case), joined, unmeshed, unrouted, opened };
        self.add_flows(&flows, report);
        for one in &mut self.wrong[before..] {
            *one = format!("world {seed}: {one}");
        }
    }

    fn add_flows(&mut self, flows: &Flows<'_>, report: &Report) {
        let (case, estate) = (flows.case, flows.case.estate());
        let to_target = case.copier.as_ref().map(|_| (id(TARGET), 5432));
        let servers: Vec<_> =
            std::iter::once((id(&case.source), case.port)).chain(to_target).collect();
        let path = |(server, port): &(ResourceId, u16)| {
            let path = trace::path(&estate, &flows.copier, server, *port);
            path.ok().filter(|path| path.start.is_some())
        };
        let paths: Vec<_> = servers.iter().filter_map(|to| Some((to, path(to)?))).collect();
        for ((server, port), path) in &paths {
            if let Some(leg) = path.taken() {
                let steps = [path.forward(), path.back()].concat();
                self.add_steps(flows, (server, *port, leg), &steps);
            }
        }
        let legs = paths.iter().flat_map(|((server, port), path)| {
            path.legs().chain(&path.detour).map(move |leg| (server, *port, leg))
        });
        let legs: Vec<Flow<'_>> = legs.collect();
        // What the analyser tells of another world, in which the packets come further, no step of this one has read.
        let is_of_this_world = |one: &&Finding| {
            let behind = ["route/blackhole", "route/return-asymmetric"];
            let reads = |step: &Step| one.place.as_ref().is_some_and(|at| step.facts.contains(at));
            !behind.contains(&one.fault) || report.steps().any(reads)
        };
        let findings = report.findings.iter().filter(is_of_this_world);
        findings.for_each(|one| self.add_finding(flows, &legs, one));
    }

    fn add_steps(&mut self, flows: &Flows<'_>, flow: Flow<'_>, steps: &[Step]) {
        let Closed { mut always, perhaps } = flows.closed(&flows.world, flow);
        let others = flows.others();
        let others = if is_joined(flow.2, steps) { &others[..2] } else { &others[..] };
        if others.len() > 2 && !always.is_empty() {
            let once = flows.closed(&flows.joined, flow).always;
            always.retain(|one| one.deciders().any(|one| holds(&once, one)));
        }
        let drops = |one: &Blocker| {
            let mut others = others.iter().map(|world| flows.closed(world, flow).perhaps);
            holds(&perhaps, one) || others.any(|perhaps| holds(&perhaps, one))
        };
        let dropping = steps.iter().filter(|step| step.outcome == Outcome::Drop);
        let blamed: Vec<Blocker> = dropping.flat_map(|step| flows.blamed(step)).collect();
        for one in blamed.iter().filter(|one| counts(one)) {
            self.take(drops(one), "a step blames what drops nothing", one);
        }
        for one in &always {
            let is_named = one.deciders().any(|one| holds(&blamed, one));
            if !is_named && !is_left_open(steps, one.stage) {
                self.take(false, "no step blames", one);
            }
        }
    }

    fn add_finding(&mut self, flows: &Flows<'_>, legs: &[Flow<'_>], finding: &Finding) {
        let is_sure =
            finding.severity == Severity::Blocks && finding.certainty == Certainty::Certain;
        if !is_sure || !AT_WHAT_DROPS.contains(&finding.fault) {
            return;
        }
        let Some((resource, name)) =
            finding.place.as_ref().and_then(|place| named(flows.case, place))
        else {
            return;
        };
        let stages: Vec<&str> = finding.stages().iter().filter_map(|one| gate(*one)).collect();
        let is_route_there = |leg: &Leg| {
            let Some(Routed::Elsewhere(route, _)) = &leg.route else { return false };
            finding.fault == "route/return-asymmetric"
                && *route.table.key() == *resource
                && Some(&route.name) == name.as_ref()
        };
        let is_half_seen = legs.iter().any(|(_, _, leg)| is_route_there(leg));
        let is_it = |one: &Blocker| {
            let is_same = (&one.resource, &one.name) == (&resource, &name);
            stages.contains(&one.stage) && (is_same || is_half_seen)
        };
        let stands = std::iter::once(&flows.world).chain(flows.others()).any(|world| {
            let mut all = legs.iter().map(|flow| flows.closed(world, *flow).perhaps);
            all.any(|all| all.iter().flat_map(Blocker::deciders).any(is_it))
        });
        let stage = stages.first().copied().unwrap_or("");
        let one = Blocker { stage, resource: resource.clone(), name: name.clone(), or: Vec::new() };
        self.take(stands, finding.fault, &one);
    }

    fn take(&mut self, is_same: bool, what: &str, one: &Blocker) {
        if is_same {
            self.same += 1;
            return;
        }
        let name = one.name.as_deref().unwrap_or("");
        self.wrong.push(format!("{what}: {} {} {name}", one.stage, one.resource));
    }
}

impl Flows<'_> {
    fn others(&self) -> [&World; 4] {
        [&self.unmeshed, &self.opened, &self.joined, &self.unrouted]
    }

    /// What the second reading finds closed on the way of a flow.
    fn closed(&self, world: &World, (server, port, leg): Flow<'_>) -> Closed {
        let endpoint = match &leg.way {
            Way::Endpoint(view) => Some(&view.id),
            Way::Public | Way::Injected(_) | Way::Machine(_) | Way::Beyond(_) => None,
        };
        let mut closed = closed_on(world, &self.copier, (server, port), endpoint);
        closed.always.retain(counts);
        closed.perhaps.retain(counts);
        closed
    }

    /// What a dropping step blames: rules or routes, or a network where that is Azure's own route.
    fn blamed(&self, step: &Step) -> Vec<Blocker> {
        let Some(stage) = gate(step.stage) else { return Vec::new() };
        let of = |(resource, name)| Blocker { stage, resource, name, or: Vec::new() };
        let all: Vec<Blocker> =
            step.facts.iter().filter_map(|fact| named(self.case, fact)).map(of).collect();
        let owner = step.resource.as_ref().map(|one| one.key().to_string()).unwrap_or_default();
        let network = owner.split("/subnets/").next().unwrap_or("").to_owned();
        if all.is_empty() { vec![of((network, None))] } else { all }
    }
}

/// Whether packets are known to cross from one network to the other, or need not.
fn is_joined(leg: &Leg, steps: &[Step]) -> bool {
    let mut hops = steps.iter().filter(|step| step.stage == Stage::Hop).peekable();
    matches!(leg.way, Way::Public)
        || hops.peek().is_some() && hops.all(|step| step.outcome == Outcome::Pass)
}

fn is_left_open(steps: &[Step], stage: &str) -> bool {
    let is_open = |step: &Step| step.outcome == Outcome::Unknown;
    let here: Vec<&Step> = steps.iter().filter(|step| gate(step.stage) == Some(stage)).collect();
    match here.is_empty() {
        true => steps.iter().any(is_open),
        false => here.into_iter().any(is_open),
    }
}

/// The rule, the route or the property at a place: what holds it, and its name there.
fn named(case: &Case, fact: &Fact) -> Option<(String, Option<String>)> {
    let key = fact.resource.key().to_string();
    let is_it = |body: &&Value| *id(body["id"].as_str().unwrap_or("")).key() == *key;
    let found = case.resources.iter().find(is_it)?.pointer(&fact.pointer)?;
    let word = |field: &str| found[field].as_str();
    let last = fact.pointer.rsplit('/').next().filter(|last| OTHERS.contains(last));
    match last.or(word("name")) {
        // Azure's list of the admin rules in force repeats rules.
        None if key.contains("/listnetworkmanager") => {
            Some((id(word("id")?).key().to_string(), None))
        }
        None if key.contains("/rulecollections/") => Some((key, None)),
        // The last rule of every group stands in no body.
        None if key.contains("/networksecuritygroups/") => Some((key, Some("65500".to_owned()))),
        name => Some((key, Some(name?.to_owned()))),
    }
}

fn with(case: &Case, resources: Vec<Value>) -> Case {
    let (source, copier) = (case.source.clone(), case.copier.clone());
    Case { resources, source, port: case.port, copier }
}

/// The world with a peering that joins the two networks.
fn joined(case: &Case) -> Case {
    let mut resources = case.resources.clone();
    for (near, far, space) in
        [("target", "source", "10.1.0.0/16"), ("source", "target", "10.2.0.0/16")]
    {
        let id = format!("{}/virtualNetworkPeerings/{far}", network(near));
        resources.retain(|body| body["id"] != id.as_str());
        resources.push(json!({ "id": id, "properties": {
            "remoteVirtualNetwork": { "id": network(far) }, "peeringState": "Connected",
            "allowVirtualNetworkAccess": true,
            "remoteAddressSpace": { "addressPrefixes": [space] } } }));
    }
    with(case, resources)
}

/// Rules of firewalls that let everything pass.
fn opened(case: &Case) -> Case {
    let mut resources = case.resources.clone();
    let any = json!(["*"]);
    let rule = json!({ "name": "all", "ruleType": "NetworkRule", "protocols": ["Any"],
        "ipProtocols": ["Any"], "sourceAddresses": any, "destinationAddresses": any,
        "destinationPorts": any });
    let all = json!([{ "name": "all", "priority": 100, "action": { "type": "Allow" },
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "rules": [rule] }]);
    let mut groups = Vec::new();
    for body in &mut resources {
        let id = body["id"].as_str().unwrap_or("").to_owned();
        if id.contains("/azureFirewalls/") {
            body["properties"]["networkRuleCollections"] = all.clone();
        } else if id.contains("/firewallPolicies/") && !id.contains("/ruleCollectionGroups/") {
            let group = format!("{id}/ruleCollectionGroups/opened");
            body["properties"]["ruleCollectionGroups"] = json!([{ "id": group }]);
            groups.push(json!({ "id": group,
                "properties": { "priority": 100, "ruleCollections": all } }));
        }
    }
    resources.retain(|body| {
        !body["id"].as_str().is_some_and(|id| id.contains("/ruleCollectionGroups/"))
    });
    resources.extend(groups);
    with(case, resources)
}

fn without_meshes(case: &Case) -> Case {
    let mut resources = case.resources.clone();
    let is_mesh = |id: &str| id.contains("/connectivityConfigurations/");
    resources.retain(|body| !body["id"].as_str().is_some_and(is_mesh));
    with(case, resources)
}

fn without_routes(case: &Case) -> Case {
    let mut resources = case.resources.clone();
    for body in &mut resources {
        if body["id"].as_str().is_some_and(|id| id.contains("/subnets/")) {
            body["properties"]["routeTable"] = Value::Null;
        }
    }
    with(case, resources)
}

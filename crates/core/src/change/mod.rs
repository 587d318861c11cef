//! One edit of an estate as plain data: what to ask Azure for, what it does to the estate, how to take it back.

mod az;
pub mod dns;
pub mod endpoint;
pub mod exposure;
pub mod filter;
pub mod firewall;
pub mod interface;
pub mod opening;
mod past;
pub mod peering;
pub mod record;
pub mod route;
pub mod route_table;
pub mod server;
pub mod subnet;
pub mod terms;
mod through;
mod whole;

pub(crate) use az::{az_rest, in_subscription, place, whole_place};
pub use exposure::Exposure;
use std::borrow::Cow;
use whole::listed_properties;
pub(crate) use whole::whole_body;

use serde::Serialize;
use serde_json::{Value, json};

use crate::estate::endpoint::Endpoint;
use crate::estate::filter::{Rules, SecurityGroup};
use crate::estate::network::{Peering, RouteTable};
use crate::estate::server::VnetRule;
use crate::estate::shapes::with_properties;
use crate::estate::unresolved::why_in;
use crate::estate::{Estate, Origin};
use crate::id::ResourceId;
use crate::shell::quoted;

/// API version of `Microsoft.Network` requests.
pub const NETWORK_API: &str = "2024-05-01";
/// API version of private DNS requests.
pub const DNS_API: &str = "2024-06-01";
/// API version of DNS resolver requests.
pub const RESOLVER_API: &str = "2022-07-01";
/// API version of Single Server requests.
pub const SINGLE_API: &str = "2017-12-01";
/// API version of flexible server requests.
pub const FLEXIBLE_API: &str = "2024-08-01";
/// API version of a Single Server's private endpoint connections.
pub const SINGLE_ENDPOINT_API: &str = "2018-06-01";

/// Every kind of change that a plan may hold.
pub const KINDS: [&str; 34] = [
    "add-firewall-rule",
    "add-peered-subnets",
    "add-route",
    "add-rule",
    "add-vnet-rule",
    "allow-at-firewall",
    "allow-peering-access",
    "approve-endpoint",
    "attach-nat-gateway",
    "attach-zone",
    "bind-route-table",
    "create-endpoint",
    "create-peering",
    "create-route-table",
    "create-subnet",
    "create-zone",
    "delete-endpoint",
    "delete-peering",
    "delete-route",
    "delete-vnet-rule",
    "let-gateway-routes-in",
    "link-ruleset",
    "link-zone",
    "move-rule",
    "redirect-missing-names",
    "set-next-hop",
    "set-peering-flag",
    "set-record",
    "switch-off-rule",
    "sync-peering",
    "turn-on-forwarding",
    "turn-on-service-endpoint",
    "unlink-ruleset",
    "unlink-zone",
];

/// Whether a change can be made without looking further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Safety {
    /// Touches nothing that works.
    Safe,
    /// Touches, or may touch, something else: `affected` says what.
    Review,
}

/// A request to Azure Resource Manager.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// `PUT`, `PATCH`, `POST` or `DELETE`.
    pub method: &'static str,
    /// Path with the `api-version`.
    pub path: String,
    /// Body; null for none.
    pub body: Value,
    /// What is sent later, where Azure takes along what was there before: once all else is taken back, since any of that may do so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<Box<Request>>,
}

impl Request {
    fn new(method: &'static str, id: &ResourceId, api: &str, body: Value) -> Request {
        Request { method, path: format!("{id}?api-version={api}"), body, then: None }
    }

    pub(crate) fn put(id: &ResourceId, api: &str, body: Value) -> Request {
        Request::new("PUT", id, api, body)
    }

    /// Whether it repeats what no input tells.
    fn is_untold(&self) -> bool {
        why_in(&self.body).is_some() || self.then.as_ref().is_some_and(|then| then.is_untold())
    }

    pub(crate) fn delete(id: &ResourceId, api: &str) -> Request {
        Request::new("DELETE", id, api, Value::Null)
    }
}

/// An element of a list that a resource holds, such as a route of a table: other elements may change in the same plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The resource.
    pub holder: ResourceId,
    /// The list in its properties.
    pub list: &'static str,
    /// Name or id of the element, in any case.
    pub element: String,
    /// New values of its fields; `None` where it is taken out.
    pub fields: Option<Value>,
}

impl Listed {
    fn apply(&self, estate: &mut Estate) {
        let place = estate.locate(&self.holder, "", self.list);
        let Some(mut body) = estate.body(&self.holder).map(Cow::into_owned) else { return };
        let Some(list) = body.pointer_mut(&place).and_then(Value::as_array_mut) else { return };
        let is_meant = |one: &Value| {
            let word = |field: &str| one.get(field).and_then(Value::as_str).unwrap_or("");
            ["name", "id"].iter().any(|field| word(field).eq_ignore_ascii_case(&self.element))
        };
        match &self.fields {
            None => list.retain(|one| !is_meant(one)),
            Some(fields) => {
                for one in list.iter_mut().filter(|one| is_meant(one)) {
                    let inner =
                        if one.get("properties").is_some() { &mut one["properties"] } else { one };
                    for (name, value) in fields.as_object().into_iter().flatten() {
                        inner[name] = value.clone();
                    }
                }
            }
        }
        put(estate, &self.holder, body);
    }
}

/// What a change does to the estate in simulation, reactions of the service included.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// The resource now has this body.
    Put(ResourceId, Value),
    /// The record set or link has this body, where its zone exists; that counts one more where it is new.
    PutInZone(ResourceId, Value),
    /// The record set of an endpoint's zone group holds the endpoint's address, or has this body where the endpoint tells none; where it
    /// and the zone exist.
    PutForEndpoint(ResourceId, ResourceId, Value),
    /// The VNet rule has this body, where no other rule of the server names its subnet.
    PutRule(ResourceId, Value),
    /// The route has this body, where no other one of its table has its prefix.
    PutRoute(ResourceId, Value),
    /// The half of a peering has this body, unless its network holds one towards the same network. If the other half, by its id, exists
    /// and is not disconnected, both are connected then.
    Create(ResourceId, Value, ResourceId),
    /// These fields of `properties` now have these values.
    Patch(ResourceId, Value),
    /// The resource is gone; the zone that it stood in counts one less.
    Remove(ResourceId),
    /// The half of a peering is gone, and the other one is disconnected: unless this one was, and had no partner to leave.
    Part(ResourceId),
    /// One element of a list in the body of a resource has other fields, or is gone.
    Listed(Listed),
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What sort of change, such as `link-zone`.
    pub kind: &'static str,
    /// What it is made to.
    pub resource: ResourceId,
    /// The change in a sentence.
    pub title: String,
    /// The request that makes it.
    pub request: Request,
    /// The same as commands of the Azure CLI.
    pub az: Vec<String>,
    /// The request that takes it back; `None` where nothing does.
    pub inverse: Option<Request>,
    /// What stops meanwhile: `none`, or a sentence.
    pub downtime: &'static str,
    /// Whether it needs a look first.
    pub safety: Safety,
    /// Flows newly let through, such as `10.1.0.0/28 -> 10.0.0.4:5432/tcp`.
    #[serde(skip)]
    pub exposure: Vec<Exposure>,
    /// What else is touched, a sentence each.
    #[serde(skip)]
    pub affected: Vec<String>,
    /// What it does in simulation.
    #[serde(skip)]
    pub edits: Vec<Edit>,
}

impl Change {
    /// Whether it, or what takes it back, would repeat what no input tells of the resource.
    pub(crate) fn is_untold(&self) -> bool {
        self.request.is_untold() || self.inverse.as_ref().is_some_and(Request::is_untold)
    }

    /// Makes the change in a copy of the estate.
    pub fn apply(&self, estate: &Estate) -> Estate {
        let mut changed = estate.clone();
        for edit in &self.edits {
            edit.apply(&mut changed);
        }
        changed
    }
}

impl Edit {
    /// The resource that is written.
    pub fn resource(&self) -> &ResourceId {
        match self {
            Edit::Put(id, _)
            | Edit::PutInZone(id, _)
            | Edit::PutForEndpoint(_, id, _)
            | Edit::PutRule(id, _)
            | Edit::PutRoute(id, _)
            | Edit::Create(id, ..)
            | Edit::Patch(id, _)
            | Edit::Part(id)
            | Edit::Remove(id) => id,
            Edit::Listed(listed) => &listed.holder,
        }
    }

    fn apply(&self, estate: &mut Estate) {
        let refusals = [filter::is_refused, route_table::is_refused, record::is_refused];
        if refusals.iter().any(|is_refused| is_refused(estate, self)) {
            return;
        }
        match self {
            Edit::Put(id, body) => put(estate, id, body.clone()),
            Edit::PutInZone(id, body) => {
                let Some(zone) = id.parent().filter(|zone| estate.has_zone(zone)) else { return };
                if !dns::is_taken(estate, (&zone, id), body) {
                    if estate.resource(id).is_none() {
                        dns::count(estate, &zone, id, 1);
                    }
                    put(estate, id, body.clone());
                }
            }
            Edit::PutForEndpoint(endpoint, id, body) => {
                if estate.resource(endpoint).is_none() {
                    return;
                }
                // An endpoint that the plan makes too tells its own address: another set may give it another one.
                let told = estate.find::<Endpoint>(endpoint);
                let own =
                    told.and_then(|one| one.addresses.first()).map(|one| record::record_body(*one));
                Edit::PutInZone(id.clone(), own.unwrap_or_else(|| body.clone())).apply(estate);
            }
            Edit::PutRule(id, body) => {
                let subnet = body.pointer("/properties/virtualNetworkSubnetId");
                let subnet = subnet.and_then(Value::as_str).and_then(ResourceId::parse);
                let server = id.parent();
                let is_taken = server
                    .iter()
                    .flat_map(|server| estate.children::<VnetRule>(server))
                    .any(|(other, rule)| other != id && Some(&rule.subnet) == subnet.as_ref());
                if !is_taken {
                    put(estate, id, body.clone());
                }
            }
            Edit::PutRoute(id, body) => {
                if !route::is_taken(estate, id, body) {
                    put(estate, id, body.clone());
                }
            }
            Edit::Create(id, body, other) => {
                // A network holds one half of a peering towards another, whatever its name and state.
                if estate.resource(id).is_some() || peering::is_held(estate, id, body) {
                    return;
                }
                put(estate, id, body.clone());
                let Some(facts) = estate.find::<Peering>(other) else { return };
                let state = facts.state.as_deref();
                if state.is_some_and(|state| state.eq_ignore_ascii_case("disconnected")) {
                    return;
                }
                // No input tells what a half that is only declared has learned: it waited alone.
                let is_bare = state.is_none() && facts.remote_space.is_empty();
                let learnt = is_bare.then(|| peering::space_of(estate, other, facts)).flatten();
                if let Some(space) = learnt {
                    let space = json!({ "remoteAddressSpace": { "addressPrefixes": space } });
                    Edit::Patch(other.clone(), space).apply(estate);
                }
                for half in [id, other] {
                    let state =
                        json!({ "peeringState": "Connected", "peeringSyncLevel": "FullyInSync" });
                    Edit::Patch(half.clone(), state).apply(estate);
                }
            }
            Edit::Remove(id) => {
                if let Some(zone) = id.parent().filter(|_| estate.resource(id).is_some()) {
                    dns::count(estate, &zone, id, -1);
                }
                estate.remove(id);
            }
            Edit::Part(half) => {
                let partner = peering::partner(estate, half).cloned();
                if let Some(other) = partner {
                    let state = json!({ "peeringState": "Disconnected" });
                    Edit::Patch(other, state).apply(estate);
                }
                estate.remove(half);
            }
            Edit::Listed(listed) => listed.apply(estate),
            Edit::Patch(id, fields) => {
                let Some(mut body) = estate.body(id).map(|body| with_properties(&body)) else {
                    return;
                };
                let (Some(properties), Some(fields)) =
                    (body.get_mut("properties").and_then(Value::as_object_mut), fields.as_object())
                else {
                    // A body whose properties are no object is broken: it cannot be mended.
                    return;
                };
                properties.extend(fields.clone());
                put(estate, id, body);
            }
        }
    }
}

fn put(estate: &mut Estate, id: &ResourceId, mut body: Value) {
    body["id"] = json!(id.as_str());
    body["type"] = json!(id.resource_type());
    let origin = Origin { file: "simulation".into(), pointer: String::new() };
    // Bodies made here are well formed; what could be wrong with them is found when they are judged again.
    estate.put(id, body, origin, &mut Vec::new());
}

/// A name that no child of `parent` has yet: `wanted`, or `wanted-2` and so on. A request with a name that is taken replaces.
pub(crate) fn free_name(estate: &Estate, parent: &ResourceId, kind: &str, wanted: &str) -> String {
    // Rules and routes that their parent lists are no resources of their own here.
    let is_listed = |name: &str| match kind {
        "securityRules" => estate.find::<SecurityGroup>(parent).is_some_and(|group| {
            let mut rules = group.rules.iter().flat_map(Rules::iter);
            rules.any(|rule| rule.name.eq_ignore_ascii_case(name))
        }),
        "routes" => estate.find::<RouteTable>(parent).is_some_and(|table| {
            let mut routes = table.routes.iter().flatten();
            routes.any(|route| route.name.eq_ignore_ascii_case(name))
        }),
        _ => false,
    };
    let is_free =
        |name: &String| estate.resource(&parent.child(kind, name)).is_none() && !is_listed(name);
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}
